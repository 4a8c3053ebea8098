"""What ``validate`` does with problems: strict, warn, off."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from support_prepare import BASE64, URL, image, refused

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.video import IMAGE2VIDEO


def test_all_problems_are_reported_at_once():
    problems = refused(
        image="no-such.png",
        image_tail="data:image/png,x",
        static_mask="<html>",
        camera_control="{bad",
        cfg_scale=7.0,
        prompt="x" * 2501,
        sound="loud",
        surprise=1,
    )
    expected = (
        "image='no-such.png'",
        "image_tail as data:image/jpeg;base64,",
        "it is HTML",
        "camera_control is text",
        "cfg_scale=7.0",
        "it has 2501",
        "sound='loud'",
        "'surprise' is not a field",
        "image_tail and static_mask exclude",
    )
    for words in expected:
        assert any(words in problem for problem in problems), words


def test_an_image_that_cannot_be_loaded_is_not_also_reported_missing():
    assert len(refused(image="no-such.png", prompt="x")) == 1


def test_warn_turns_certain_problems_into_warnings_and_sends():
    prepared = prepare(IMAGE2VIDEO, {"image": URL, "prompt": "x", "cfg_scale": 7.0, "surprise": 1}, validate="warn")
    assert prepared.body["cfg_scale"] == 7.0
    assert prepared.body["surprise"] == 1
    assert len(prepared.warnings) == 2


def test_off_checks_nothing_but_still_converts_to_klings_values():
    prepared = prepare(IMAGE2VIDEO, {"duration": 99, "mode": "standard", "cfg_scale": "high"}, validate="off")
    assert prepared.body == {"model_name": "kling-v3", "mode": "std", "duration": "99", "cfg_scale": "high"}
    assert prepared.warnings == ()


@pytest.mark.parametrize("validate", ["strict", "warn", "off"])
@pytest.mark.parametrize(
    "fields",
    [
        {"image": "no-such.png"},
        {"image": "data:image/png;base64,%"},
        {"image": b""},
        {"image_tail": 5},
        {"dynamic_masks": "[{"},
        {"model_name": "kling-v1", "dynamic_masks": [{"mask": "no-such.png", "trajectories": [{"x": 9, "y": 9}] * 2}]},
        {"dynamic_masks": [{"mask": URL, "trajectories": [{"x": 0.5, "y": 0.5, "t": 0}, {"x": 1, "y": 1, "t": 1}]}]},
        {"element_list": "[1"},
        {"cfg_scale": float("nan")},
        {"prompt": {1, 2}},
        {"prompt": object()},
        {"cfg_scale": 10**5000},
    ],
)
def test_what_cannot_be_encoded_is_refused_whatever_is_asked(fields, validate):
    assert len(refused(validate=validate, **{"image": URL, "prompt": "x", **fields})) == 1


@pytest.mark.parametrize("validate", ["strictly", None, ""])
def test_an_unknown_way_to_validate_is_refused(validate):
    assert "'strict', 'warn' or 'off'" in refused(validate=validate)[0]


def test_a_field_of_another_product_gives_an_error_with_that_product():
    (sentence,) = refused("text2video", prompt="x", image=URL)
    assert sentence.startswith("Leave image out: 'image' is not a field of text2video, only of 'image2video'")


def test_a_bad_image_is_refused_unless_checks_are_off():
    assert "WebP" in refused(image=_webp(), prompt="x")[0]
    assert "WebP" in prepare(IMAGE2VIDEO, {"image": _webp(), "prompt": "x"}, validate="warn").warnings[0]
    assert prepare(IMAGE2VIDEO, {"image": _webp()}, validate="off").warnings == ()


def _webp() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (400, 400)).save(stream, "WEBP")
    return stream.getvalue()


def test_an_impossible_combination_is_refused_and_an_unknown_model_is_not():
    assert "kling-v2-6 (mode pro)" in refused(image=URL, image_tail=URL, prompt="x", model_name="kling-v2-6")[0]
    assert "not in the table" in image(image_tail=URL, model_name="kling-v9").warnings[0]


def test_a_retired_model_is_sent_with_a_warning():
    assert "2026-09-15" in image(model_name="kling-v1-6").warnings[0]


def test_no_message_repeats_image_content_or_a_signature():
    text = "".join(
        refused(
            image=f"http://x.example/a.png?X-Amz-Signature=SECRET",  # noqa: F541
            image_tail=BASE64[:-3],
            static_mask=BASE64,
            callback_url="ftp://x.example/?token=SECRET",
            mode=BASE64,
        )
    )
    assert "SECRET" not in text
    assert BASE64[:24] not in text


@pytest.mark.parametrize("masks", [{"mask": b""}, [{"trajectories": [{"mask": b"x"}]}]])
def test_a_file_where_a_field_has_none_is_refused_even_where_problems_only_warn(masks):
    with pytest.raises(KlingValidationError, match="dynamic_masks"):
        prepare(IMAGE2VIDEO, {"image": URL, "dynamic_masks": masks}, validate="warn")
