"""Omni video and motion control in the second generation."""

from __future__ import annotations

import pytest
from support_translation import ELEMENT, TAIL, URL, items, prepared, refused, sent

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS

VIDEO = "https://example.com/clip.mp4"


OMNI, MOTION = PRODUCTS["omni-video"], PRODUCTS["motion-control"]


PERSON = {"image_url": URL, "video_url": VIDEO, "character_orientation": "video"}


def omni(**fields):
    return sent(OMNI, **{"model_name": "kling-3.0-omni", "aspect_ratio": "16:9", **fields})


def omni_refused(validate="strict", **fields):
    return refused(OMNI, validate, **{"model_name": "kling-3.0-omni", "aspect_ratio": "16:9", **fields})


def test_an_omni_video_is_translated_to_items_that_the_prompt_names():
    body = omni(
        prompt="<<<image_2>>> and @element_1 as in <<<image_1>>>",
        image_list=[{"image_url": URL, "type": "first_frame"}, TAIL],
        element_list=[ELEMENT],
        mode="std",
        aspect_ratio=None,
        external_task_id="mine",
    )
    assert body == {
        "contents": [
            {"type": "prompt", "text": "@image_2 and @element_1 as in @image_1"},
            {"type": "first_frame", "url": URL, "id": "image_1"},
            {"type": "refer_image", "url": TAIL, "id": "image_2"},
            {"type": "element", "element_id": ELEMENT, "id": "element_1"},
        ],
        "settings": {"resolution": "720p", "multi_shot": False},
        "options": {"external_task_id": "mine"},
    }


@pytest.mark.parametrize(
    ("classic", "v2"),
    [
        ({"image_list": [{"image_url": URL, "type": "first_frame"}, {"image_url": TAIL, "type": "end_frame"}]},
         {"image_list": [{"url": URL, "type": "first_frame"}, {"url": TAIL, "type": "last_frame"}]}),
        ({"image_list": [URL]}, {"image_list": [{"url": URL, "type": "refer_image"}]}),
        ({"video_list": [{"video_url": VIDEO, "refer_type": "feature"}]},
         {"video_list": [{"url": VIDEO, "refer_type": "feature_video"}]}),
        ({"video_list": [VIDEO], "aspect_ratio": None},
         {"video_list": [{"url": VIDEO, "refer_type": "base_video"}], "aspect_ratio": None}),
        ({"mode": "4k"}, {"resolution": "4K"}),
        ({"sound": "on"}, {"sound": "native"}),
        ({"video_list": [{"video_url": VIDEO, "refer_type": "feature", "keep_original_sound": True}]},
         {"video_list": [{"video_url": VIDEO, "refer_type": "feature"}], "sound": "original"}),
    ],
)  # fmt: skip
def test_an_omni_video_accepts_the_field_names_of_either_generation_for_models_of_both(classic, v2):
    assert omni(**classic) == omni(**v2)
    old = {"model_name": "kling-v3-omni", "aspect_ratio": "16:9"}
    one, other = (prepared(OMNI, **{**old, **fields}).body for fields in (classic, v2))
    one.get("video_list", [{}])[0].setdefault("refer_type", "base")
    assert one == other


def test_no_item_of_an_omni_video_is_of_a_type_that_kling_ignores():
    body = omni(image_list=[URL], video_list=[{"video_url": VIDEO, "refer_type": "feature"}])
    assert [item["type"] for item in body["contents"]] == ["prompt", "refer_image", "feature_video"]
    assert items(body, "refer_image")[0]["id"] == "image_1", "named, although the prompt does not ask for it"


@pytest.mark.parametrize("validate", ["strict", "warn", "off"])
@pytest.mark.parametrize("kind", ["image", "video"])
def test_an_item_that_kling_would_ignore_is_refused(kind, validate):
    given = {"model_name": "kling-3.0-omni", "prompt": "x", "aspect_ratio": "1:1"}
    extra = {"contents": [{"type": kind, "url": URL}]}
    with pytest.raises(KlingValidationError, match=f"Give {kind}_list, or"):
        prepare(OMNI, given, extra_body=extra, validate=validate)
    assert prepare(OMNI, given, extra_body={"contents": [{"type": "refer_image", "url": URL}]})
    extra["contents"][0]["id"] = "x"
    assert prepare(MOTION, {**PERSON, "model_name": "kling-3.0"}, extra_body=extra), "there they are the words"


def test_several_shots_are_asked_for_beside_a_reference_video_and_one_beside_a_base():
    feature = [{"video_url": VIDEO, "refer_type": "feature"}]
    assert omni(video_list=feature)["settings"]["multi_shot"] is True
    base = omni(video_list=[VIDEO], aspect_ratio=None)
    assert base["settings"] == {"multi_shot": False}
    assert items(base, "base_video") == [{"type": "base_video", "url": VIDEO, "id": "video_1"}]
    assert "Leave multi_shot out, or set it True" in omni_refused(video_list=feature, multi_shot=False)
    shots = {"multi_shot": True, "shot_type": "intelligence"}
    assert "Leave multi_shot out" in omni_refused(video_list=[VIDEO], aspect_ratio=None, **shots)


def test_o1_has_no_setting_for_shots():
    body = omni(model_name="kling-o1", video_list=[{"video_url": VIDEO, "refer_type": "feature"}], aspect_ratio=None)
    assert "settings" not in body
    assert "kling-3.0-omni (mode std, pro or 4k) takes it" in omni_refused(
        model_name="kling-o1", multi_shot=True, shot_type="intelligence"
    )


@pytest.mark.parametrize(
    ("kept", "fields", "audio"),
    [
        *((True, {}, "original"), (False, {}, "off"), (None, {}, None), (True, {"sound": "off"}, "original")),
        *((None, {"sound": "off"}, "off"),),
    ],
)
def test_the_sound_of_a_video_is_kept_when_that_is_asked_for(kept, fields, audio):
    video = {"video_url": VIDEO, **({} if kept is None else {"keep_original_sound": kept})}
    assert omni(video_list=[video], aspect_ratio=None, **fields)["settings"].get("audio") == audio
    motion = sent(MOTION, **PERSON, **({} if kept is None else {"keep_original_sound": kept}))
    assert motion["settings"].get("audio") == {None: None, True: "original", False: "off"}[kept]


def test_the_original_sound_needs_a_video():
    assert "Give video_list too" in omni_refused(sound="original")
    silent = [{"video_url": VIDEO, "keep_original_sound": "no"}]
    assert "Set keep_original_sound='yes' too" in omni_refused(sound="original", video_list=silent)


def test_an_omni_video_without_a_frame_or_a_video_needs_an_aspect_ratio():
    feature = [{"video_url": VIDEO, "refer_type": "feature"}]
    assert "aspect_ratio" not in omni(video_list=feature, aspect_ratio=None)["settings"]
    assert "without a first frame or a video" in omni_refused(aspect_ratio=None, image_list=[URL])
    sentence = omni_refused(model_name="kling-v3-omni", video_list=feature, aspect_ratio=None)
    assert "a base video" in sentence


def test_beside_a_frame_the_second_generation_takes_three_elements():
    frame = [{"image_url": URL, "type": "first_frame"}]
    assert "takes 3, not 4" in omni_refused(image_list=frame, element_list=[1, 2, 3, 4])
    assert prepared(OMNI, model_name="kling-v3-omni", image_list=frame, element_list=[1, 2, 3, 4])
    ends = [*frame, {"image_url": TAIL, "type": "end_frame"}, URL]
    kinds = [item["type"] for item in omni(image_list=ends, aspect_ratio=None)["contents"]]
    assert kinds == ["prompt", "first_frame", "last_frame", "refer_image"]
    assert "Keep two of image_list" in omni_refused(model_name="kling-v3-omni", image_list=ends)


def test_motion_control_is_an_image_and_a_video():
    body = sent(MOTION, **PERSON, prompt="<<<element_1>>> dances", element_list=[ELEMENT], mode="pro")
    assert body == {
        "contents": [
            {"type": "prompt", "text": "@element_1 dances"},
            {"type": "image", "url": URL},
            {"type": "video", "url": VIDEO},
            {"type": "element", "element_id": ELEMENT, "id": "element_1"},
        ],
        "settings": {"resolution": "1080p", "character_orientation": "video"},
    }


def test_motion_control_needs_no_mode_where_kling_has_a_default_for_it():
    assert sent(MOTION, **PERSON)["settings"] == {"character_orientation": "video"}
    assert "Give mode: it is missing" in refused(MOTION, model_name="kling-v3", **PERSON)
    assert "Give character_orientation" in refused(MOTION, **{**PERSON, "character_orientation": None})
    assert prepared(MOTION, model_name="kling-v3", resolution="1080p", **PERSON).body["mode"] == "pro"


def test_an_element_is_for_the_model_that_takes_it():
    assert "kling-3.0" in refused(MOTION, model_name="kling-2.6", element_list=[ELEMENT], **PERSON)


@pytest.mark.parametrize("product", [OMNI, MOTION])
def test_what_no_model_of_a_product_takes_is_not_promised_of_the_classic_ones(product):
    given = {"aspect_ratio": "1:1"} if product is OMNI else PERSON
    sentence = refused(product, "off", negative_prompt="rain", model_name="kling-3.0", **given)
    assert "Leave negative_prompt out" in sentence
    assert "kling-v3" not in sentence


def test_a_reference_in_the_syntax_of_the_other_generation_gives_a_warning():
    classic = prepared(OMNI, model_name="kling-v3-omni", aspect_ratio="1:1", image_list=[URL], prompt="@image_1 waves")
    assert any("Write <<<image_1>>> instead of @image_1" in warning for warning in classic.warnings)
    new = prepared(OMNI, model_name="kling-3.0-omni", aspect_ratio="1:1", image_list=[URL], prompt="@image_2 waves")
    assert any("Add entry 2 to image_list, or take @image_2 out" in warning for warning in new.warnings)
    mail = prepared(OMNI, model_name="kling-v3-omni", aspect_ratio="1:1", prompt="@image_maker")
    assert mail.warnings == ()


@pytest.mark.parametrize("model", ["kling-o1", "kling-video-o1"])
def test_o1_has_other_durations_beside_a_reference_only(model):
    frame = {"image_list": [{"image_url": URL, "type": "first_frame"}], "aspect_ratio": None}
    for plain in ({}, frame):
        sentence = omni_refused(model_name=model, duration=7, mode="std", **plain)
        assert "Give duration as 5 or 10, or a reference: duration='7'" in sentence
        assert omni(model_name="kling-o1", duration=10, **plain)
    for reference in (
        {"image_list": [URL]},
        {"element_list": [ELEMENT]},
        {"video_list": [VIDEO], "aspect_ratio": None},
    ):
        assert omni(model_name="kling-o1", duration=7, **reference)["settings"]["duration"] == 7
    assert omni(duration=7)["settings"]["duration"] == 7, "3.0 Omni makes all"
