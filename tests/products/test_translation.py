"""Requests in classic fields become requests of the second generation."""

from __future__ import annotations

import base64

import pytest
from support import PHOTOGRAPH
from support_translation import ELEMENT, TAIL, URL, items, prepared, refused, sent

from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.capability_map import generation_of
from airflow_provider_kling.products.catalogue import PRODUCTS, product_of
from airflow_provider_kling.products.generations import serving_product
from airflow_provider_kling.products.translation import translate
from airflow_provider_kling.products.video import IMAGE2VIDEO, IMAGE_TO_VIDEO, TEXT2VIDEO, TEXT_TO_VIDEO


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
