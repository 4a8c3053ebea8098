"""Classic words become those of the second generation, and what has no word there is refused before it is paid."""

from __future__ import annotations

import base64

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.capability_map import generation_of
from airflow_provider_kling.products.catalogue import PRODUCTS, product_of
from airflow_provider_kling.products.generations import refuses_repeated_id, serving_product
from airflow_provider_kling.products.translation import translate
from airflow_provider_kling.products.video import IMAGE2VIDEO, IMAGE_TO_VIDEO, TEXT2VIDEO, TEXT_TO_VIDEO

ELEMENT = 829836802793406551
URL, TAIL = "https://example.com/first.jpg", "https://example.com/last.jpg"


def prepared(product=IMAGE2VIDEO, **fields):
    given = {"model_name": "kling-3.0", "prompt": "It moves", **({"image": URL} if product is IMAGE2VIDEO else {})}
    return prepare(product, {**given, **fields.pop("fields", {}), **fields})


def sent(product=IMAGE2VIDEO, **fields):
    return translate(serving_product(product, {"model_name": "kling-3.0"}), prepared(product, **fields).body)


def refused(product=IMAGE2VIDEO, validate="strict", extra_body=None, **fields):
    given = {"model_name": "kling-3.0", "prompt": "It moves", **({"image": URL} if product is IMAGE2VIDEO else {})}
    with pytest.raises(KlingValidationError) as caught:
        prepare(product, {**given, **fields}, validate=validate, extra_body=extra_body)
    return str(caught.value)


def items(body, kind):
    return [item for item in body["contents"] if item["type"] == kind]


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        *(("kling-v3", "classic"), ("kling-v2-5-turbo", "classic"), ("kling-video-o1", "classic")),
        *(("kling-3.0-turbo", "v2"), ("kling-3.0", "v2"), ("kling-o1", "v2")),
        # not in the table
        *(("kling-4.0", "v2"), ("kling-4.0-flash", "v2"), ("kling-v9", "classic"), ("sora", "classic")),
        *((None, "classic"), ({}, "classic")),
    ],
)
def test_the_model_decides_the_generation(name, generation):
    assert generation_of(name) == generation
    assert serving_product(IMAGE2VIDEO, {"model_name": name}).generation == generation
    assert serving_product(IMAGE_TO_VIDEO, {"model_name": name}).generation == generation


def test_a_product_with_one_generation_stays_in_it():
    images = PRODUCTS["images/generations"]
    assert serving_product(images, {"model_name": "kling-3.0"}) is images


def test_every_counterpart_is_mutual_and_can_be_read():
    for product in PRODUCTS.values():
        if product.counterpart:
            other = product_of(product.counterpart)
            assert (other.generation, other.counterpart) == ("v2", product.endpoint)


def test_an_image_and_words_are_contents_and_the_rest_is_settings_and_options():
    assert sent(
        image_tail=TAIL,
        mode="pro",
        duration="7",
        sound=True,
        watermark_info=True,
        callback_url="https://example.com/hook",
        external_task_id="mine",
    ) == {
        "contents": [
            {"type": "prompt", "text": "It moves"},
            {"type": "first_frame", "url": URL},
            {"type": "last_frame", "url": TAIL},
        ],
        "settings": {"resolution": "1080p", "duration": 7, "audio": "native", "multi_shot": False},
        "options": {
            "callback_url": "https://example.com/hook",
            "external_task_id": "mine",
            "watermark_info": {"enabled": True},
        },
    }


def test_a_prompt_alone_stands_beside_the_settings():
    assert sent(TEXT2VIDEO, aspect_ratio="9:16", sound="off") == {
        "prompt": "It moves",
        "settings": {"aspect_ratio": "9:16", "audio": "off", "multi_shot": False},
    }


def test_an_image_from_a_file_is_base64_without_a_prefix():
    (frame,) = items(sent(image=str(PHOTOGRAPH)), "first_frame")
    assert base64.b64decode(frame["url"], validate=True) == PHOTOGRAPH.read_bytes()


@pytest.mark.parametrize(
    ("mode", "resolution"), [("std", "720p"), ("pro", "1080p"), ("4k", "4k"), ("standard", "720p")]
)
def test_mode_is_resolution(mode, resolution):
    assert sent(mode=mode)["settings"]["resolution"] == resolution


@pytest.mark.parametrize("resolution", ["1080p", "1080P", 1080, " 1080 "])
def test_resolution_is_an_alias_of_mode_in_both_generations(resolution):
    assert sent(resolution=resolution)["settings"]["resolution"] == "1080p"
    classic = prepared(model_name="kling-v3", resolution=resolution)
    assert classic.body["mode"] == "pro"
    assert "resolution" not in classic.body
    assert classic.content == prepared(model_name="kling-v3", mode="pro").content


def test_mode_and_resolution_may_not_contradict_each_other():
    assert "Give resolution or mode, not both: resolution='1080p' is mode 'pro'" in refused(mode="std", resolution=1080)
    assert sent(mode="pro", resolution="1080p")["settings"]["resolution"] == "1080p"
    assert "Give resolution as '720p', '1080p' or '4k'" in refused(resolution="480p")


def test_one_shot_is_asked_for_wherever_kling_would_cut_several():
    assert sent()["settings"] == {"multi_shot": False}
    assert sent(TEXT2VIDEO)["settings"] == {"multi_shot": False}
    assert sent(model_name="kling-4.0")["settings"] == {"multi_shot": False}


@pytest.mark.parametrize("model", ["kling-3.0-turbo", "kling-2.6", "kling-2.5-turbo"])
def test_a_model_without_that_setting_does_not_get_it(model):
    assert "settings" not in sent(model_name=model)


def test_turbo_has_no_setting_for_sound():
    assert "audio" not in sent(model_name="kling-3.0-turbo", sound="on", duration=5)["settings"]


def test_shots_are_written_into_the_prompt():
    shots = [
        {"index": 1, "prompt": "A door", "duration": 2},
        {"index": 2, "prompt": "<<<element_1>>> enters", "duration": 3},
    ]
    body = sent(
        prompt=None,
        multi_shot=True,
        shot_type="customize",
        multi_prompt=shots,
        duration=5,
        element_list=[ELEMENT],
    )
    assert body["settings"] == {"duration": 5, "multi_shot": True}
    assert items(body, "prompt") == [{"type": "prompt", "text": "shot 1, 2, A door; shot 2, 3, @element_1 enters;"}]


def test_a_shot_may_not_hold_the_mark_that_ends_it():
    shots = [{"index": 1, "prompt": "A door; a man", "duration": 5}]
    sentence = refused(prompt=None, multi_shot=True, shot_type="customize", multi_prompt=shots, duration=5)
    assert "Take ';' out of the prompt of multi_prompt[0]" in sentence


def test_kling_plans_the_shots_when_asked_to():
    body = sent(multi_shot=True, shot_type="intelligence")
    assert body["settings"] == {"multi_shot": True}
    assert items(body, "prompt") == [{"type": "prompt", "text": "It moves"}]


@pytest.mark.parametrize("reference", ["<<<image_1>>>", "@image_1"])
def test_a_reference_is_the_id_of_an_item(reference):
    body = sent(prompt=f"{reference} waves at <<<element_1>>>", element_list=[ELEMENT])
    assert body["contents"] == [
        {"type": "prompt", "text": "@image_1 waves at @element_1"},
        {"type": "first_frame", "url": URL, "id": "image_1"},
        {"type": "element", "element_id": ELEMENT, "id": "element_1"},
    ]
    assert "id" not in items(sent(prompt="@image_12"), "first_frame")[0]


def test_voices_are_items():
    body = sent(model_name="kling-2.6", mode="pro", sound="on", voice_list=["v1"], prompt="<<<voice_1>>> says: hello")
    assert items(body, "voice") == [{"type": "voice", "voice_id": "v1", "id": "voice_1"}]
    assert items(body, "prompt")[0]["text"] == "@voice_1 says: hello"


@pytest.mark.parametrize("validate", ["strict", "warn", "off"])
@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        (
            {"negative_prompt": "rain"},
            "Use 'kling-v2-5-turbo', 'kling-v2-6' or 'kling-v3', or leave negative_prompt out",
        ),
        ({"cfg_scale": 0.5}, "Use 'kling-v3', or leave cfg_scale out"),
        ({"camera_control": {"type": "down_back"}}, "Leave camera_control out"),
        ({"static_mask": URL}, "Leave static_mask out"),
    ],
)
def test_a_field_without_translation_is_refused_with_the_model_that_accepts_it(fields, advice, validate):
    sentence = refused(validate=validate, **fields)
    assert advice in sentence
    assert sentence.count(next(iter(fields))) <= 4, "said once"


def test_voices_have_no_place_beside_a_text():
    assert "Leave voice_list out" in refused(TEXT2VIDEO, validate="off", voice_list=["v1"], sound="on", mode="pro")


def test_a_last_frame_is_refused_by_turbo_which_names_those_that_take_it():
    assert "'kling-3.0'" in refused(model_name="kling-3.0-turbo", image_tail=TAIL).replace(
        "kling-3.0 (", "'kling-3.0' ("
    )


def test_what_kling_added_later_goes_where_it_is_read():
    extra = {
        "settings": {"seed": 7, "duration": 9},
        "options": {"note": "x"},
        "contents": [{"type": "style", "id": "s"}],
    }
    body = translate(
        IMAGE_TO_VIDEO, prepare(IMAGE2VIDEO, {"model_name": "kling-3.0", "image": URL}, extra_body=extra).body
    )
    assert body["settings"] == {"multi_shot": False, "seed": 7, "duration": 9}
    assert body["options"] == {"note": "x"}
    assert [item["type"] for item in body["contents"]] == ["first_frame", "style"]


def test_a_key_that_kling_would_ignore_is_sent_with_a_warning():
    found = prepare(IMAGE2VIDEO, {"model_name": "kling-3.0", "image": URL, "prompt": "x"}, extra_body={"seed": 7})
    assert any("Put 'seed' into settings or options" in warning for warning in found.warnings)
    assert translate(IMAGE_TO_VIDEO, found.body)["seed"] == 7
    classic = prepare(IMAGE2VIDEO, {"model_name": "kling-v3", "image": URL, "prompt": "x"}, extra_body={"seed": 7})
    assert not any("settings" in warning for warning in classic.warnings)


@pytest.mark.parametrize(
    ("place", "key"), [("settings", "mode"), ("options", "watermark"), ("settings", "callback_url")]
)
def test_a_nested_key_that_kling_would_ignore_is_reported(place, key):
    given = {"model_name": "kling-3.0", "image": URL, "prompt": "x"}
    found = prepare(IMAGE2VIDEO, given, extra_body={place: {key: 1}})
    assert any(warning.startswith(f"Check '{key}' in {place} of extra_body") for warning in found.warnings)
    assert prepare(IMAGE2VIDEO, given, extra_body={"settings": {"seed": 7}}).warnings == ()


def test_extra_body_is_translated_with_the_same_table():
    with pytest.raises(KlingValidationError, match="leave cfg_scale out"):
        prepare(IMAGE2VIDEO, {"model_name": "kling-3.0", "image": URL}, extra_body={"cfg_scale": 1}, validate="off")


def test_an_unknown_model_is_sent_with_a_warning_about_its_name():
    assert refuses_repeated_id({"model_name": "kling-3.0"})
    assert refuses_repeated_id({"model_name": "kling-v3"})
    assert refuses_repeated_id({"text": "of a product without models"})
    for name in ("kling-5.0", "kling-v9"):
        found = prepared(model_name=name, duration=20, prompt="x" * 3000)
        assert any("not in the table" in warning for warning in found.warnings)
        assert any("nothing is sent again by itself" in warning for warning in found.warnings)
        assert any("is not known to take more" in warning for warning in found.warnings)
        assert not refuses_repeated_id(found.body)


def test_a_model_that_only_relays_document_is_sent_with_their_limits_as_warnings():
    found = prepared(model_name="kling-4.0", duration=30, image_tail=TAIL, prompt="x" * 26_000)
    assert [warning[:30] for warning in found.warnings] == [
        "Read Kling's page of the model",
        "Check Kling's console if this ",
    ]
    assert not refuses_repeated_id(found.body)
    beyond = prepared(model_name="kling-4.0-flash", duration=30, mode="pro", image_tail=TAIL, prompt="x" * 26_001)
    for advice in ("Shorten prompt to 26000", "Give mode as 'std'", "Give duration as 3 to 20", "Change model"):
        assert any(warning.startswith(advice) for warning in beyond.warnings), advice


def test_aspect_ratios_that_only_a_v2_model_supports_are_sent_to_it():
    assert (
        prepared(TEXT2VIDEO, model_name="kling-4.0", aspect_ratio="21:9").warnings
        == prepared(TEXT2VIDEO, model_name="kling-4.0", aspect_ratio="16:9").warnings
    )
    for name in ("kling-4.0", "kling-5.0"):
        warnings = prepared(TEXT2VIDEO, model_name=name, aspect_ratio="3:2").warnings
        assert any(warning.startswith("Give aspect_ratio as") for warning in warnings)
    assert "Give aspect_ratio as" in refused(TEXT2VIDEO, aspect_ratio="21:9")
    assert "Give aspect_ratio as" in refused(TEXT2VIDEO, model_name="kling-4.0", aspect_ratio="wide")


@pytest.mark.parametrize(
    ("model", "product", "most"),
    [
        *(("kling-3.0", TEXT2VIDEO, 3072), ("kling-3.0", IMAGE2VIDEO, 3072), ("kling-3.0-turbo", TEXT2VIDEO, 3072)),
        *(("kling-3.0-turbo", IMAGE2VIDEO, 2500), ("kling-2.6", TEXT2VIDEO, 2500), ("kling-v3", TEXT2VIDEO, 2500)),
    ],
)
def test_a_prompt_is_as_long_as_model_and_product_take(model, product, most):
    assert f"Shorten prompt to {most} characters" in refused(product, model_name=model, prompt="x" * (most + 1))
    warnings = prepared(product, model_name=model, prompt="x" * most).warnings
    assert any("Prefer 2500 characters for prompt" in warning for warning in warnings) is (most > 2500)


def test_an_image_is_as_large_as_the_generation_of_the_model_takes(tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(PHOTOGRAPH.read_bytes().ljust(11 << 20, b"\0"))
    assert "10 MB" in refused(model_name="kling-v3", image=large)
    assert prepared(model_name="kling-3.0", image=large).body["image"]
    assert "10 MB" in refused(model_name="kling-3.0", image=large, extra_body={"model_name": "kling-v3"})
    large.write_bytes(PHOTOGRAPH.read_bytes().ljust(31 << 20, b"\0"))
    assert any("31457280" in warning for warning in prepared(model_name="kling-4.0", image=large).warnings)
    large.write_bytes(PHOTOGRAPH.read_bytes().ljust(50 << 20, b"\0") + b"\0")
    assert "50 MB" in refused(model_name="kling-3.0", image=large)


def test_the_field_names_of_the_other_endpoint_are_the_same():
    fields = {"model_name": "kling-3.0", "prompt": "A boat"}
    assert prepare(TEXT_TO_VIDEO, fields).body == prepare(TEXT2VIDEO, fields).body


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
