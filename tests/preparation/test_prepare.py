"""From fields to a request: what is sent, what decides the content, what is refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support import advice_first

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import Prepared, prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.preparation.request_content import without_signature
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.media import InlineImage
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO

ROCKET = Path(__file__).parents[2] / "example_dags" / "images" / "rocket.jpg"
BASE64 = base64.b64encode(ROCKET.read_bytes()).decode()
DIGEST = f"sha256:{hashlib.sha256(ROCKET.read_bytes()).hexdigest()}"
URL = "https://x.example/a.png"


def image(**fields) -> Prepared:
    return prepare(IMAGE2VIDEO, {"image": URL, "prompt": "a rocket", **fields})


def refused(product="image2video", validate="strict", extra_body=None, **fields) -> tuple[str, ...]:
    with pytest.raises(KlingValidationError) as caught:
        prepare(PRODUCTS[product], fields, validate=validate, extra_body=extra_body)
    return tuple(map(advice_first, caught.value.problems))


def mask(width: int = 640, height: int = 427) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def test_a_request_in_the_words_of_the_operator_becomes_klings_body():
    prepared = prepare(
        IMAGE2VIDEO,
        {
            "prompt": "the rocket lifts off",
            "negative_prompt": "",
            "image": str(ROCKET),
            "mode": "Professional",
            "duration": 5,
            "sound": False,
            "watermark_info": True,
            "cfg_scale": "0.5",
            "image_tail": None,
        },
    )
    assert prepared.body == {
        "model_name": "kling-v3",
        "prompt": "the rocket lifts off",
        "mode": "pro",
        "duration": "5",
        "sound": "off",
        "cfg_scale": 0.5,
        "image": BASE64,
        "watermark_info": {"enabled": True},
    }
    assert prepared.content == {**prepared.body, "image": DIGEST}
    assert prepared.warnings == ()


def test_a_model_is_always_sent_because_kling_s_default_is_retired():
    assert image().body["model_name"] == "kling-v3"
    assert image(model_name="").body["model_name"] == "kling-v3"
    assert image(model_name="kling-v2-6").body["model_name"] == "kling-v2-6"


def test_a_paid_setting_is_never_added_or_changed():
    assert set(image().body) == {"model_name", "prompt", "image"}
    assert image(mode="4k", sound=True, duration=15).body["mode"] == "4k"


def test_ids_and_callbacks_are_sent_and_do_not_decide_the_content():
    prepared = image(external_task_id="id-1", callback_url="https://x.example/hook")
    assert prepared.body["external_task_id"] == "id-1"
    assert prepared.body["callback_url"] == "https://x.example/hook"
    assert prepared.content == image().content


def test_a_freshly_signed_link_to_the_same_image_is_the_same_content():
    first = image(image=f"{URL}?X-Amz-Date=1&X-Amz-Signature=a")
    second = image(image=f"{URL}?X-Amz-Date=2&X-Amz-Signature=b")
    assert first.content == second.content
    assert first.body["image"] == f"{URL}?X-Amz-Date=1&X-Amz-Signature=a"


@pytest.mark.parametrize(
    ("signed", "bare"),
    [
        (f"{URL}?X-Amz-Algorithm=A&X-Amz-Credential=B&x-amz-signature=C&versionId=3", f"{URL}?versionId=3"),
        (f"{URL}?X-Goog-Signature=1&X-Goog-Expires=2", URL),
        (f"{URL}?GoogleAccessId=a&Expires=1&Signature=b", URL),
        (f"{URL}?AWSAccessKeyId=a&Expires=1&Signature=b", URL),
        (f"{URL}?sv=2024&st=1&se=2&sr=b&sp=r&sig=abc%3D&keep=1", f"{URL}?keep=1"),
        (f"{URL}?sv=2024&sr=b", f"{URL}?sv=2024&sr=b"),
        (f"{URL}?Expires=1&Signature=b&Key-Pair-Id=c&w=300", f"{URL}?w=300"),
        (f"{URL}?Policy=a&Signature=b&Key-Pair-Id=c", URL),
        (f"{URL}?policy=red", f"{URL}?policy=red"),
        (f"{URL}?OSSAccessKeyId=a&x-oss-process=b&Signature=c", f"{URL}?x-oss-process=b"),
        (f"{URL}?q-sign-algorithm=sha1&q-ak=1&q-signature=2&q-sort=x", f"{URL}?q-sort=x"),
        (f"{URL}?a=1&&b=%20x#f", f"{URL}?a=1&&b=%20x#f"),
        (URL, URL),
        ("see https://x.example/?sig=1", "see https://x.example/?sig=1"),
        ("https://[bad?sig=1", "https://[bad?sig=1"),
    ],
)
def test_only_what_signs_a_link_is_taken_off(signed, bare):
    assert without_signature(signed) == bare
    assert without_signature(bare) == bare


@pytest.mark.parametrize(
    "value", [str(ROCKET), ROCKET, BASE64, f"data:image/jpeg;base64,{BASE64}", InlineImage(BASE64)]
)
def test_the_same_image_is_the_same_content_however_it_is_given(value):
    assert image(image=value).content["image"] == DIGEST
    assert image(image=redact_images(value)).body == image(image=value).body


def test_nothing_of_an_image_is_left_in_the_content():
    fields = {
        "image": BASE64,
        "static_mask": mask(),
        "dynamic_masks": [{"mask": mask(), "trajectories": [{"x": 1, "y": 1}] * 2}],
    }
    prepared = prepare(IMAGE2VIDEO, {"prompt": "x", "model_name": "kling-v1", **fields})
    assert prepared.content["dynamic_masks"][0]["mask"] == prepared.content["static_mask"]
    assert prepared.content["static_mask"].startswith("sha256:")
    assert len(json.dumps(prepared.content)) < 700


# Extra body


def test_extra_body_goes_over_the_body_last_and_unchecked():
    prepared = prepare(IMAGE2VIDEO, {"image": URL, "prompt": "x"}, extra_body={"mode": "8k", "new_field": [1]})
    assert prepared.body["mode"] == "8k"
    assert prepared.content["new_field"] == [1]
    assert prepared.warnings == ()


def test_extra_body_with_an_id_does_not_change_the_content():
    extra = {"external_task_id": "x", "callback_url": "y", "image": f"{URL}?sig=1"}
    prepared = prepare(IMAGE2VIDEO, {"image": URL, "prompt": "x"}, extra_body=extra)
    assert prepared.content == image(prompt="x").content


@pytest.mark.parametrize("extra", ["text", ["a"], {"a": {1, 2}}, {"a": float("nan")}, {("a",): 1}])
def test_extra_body_must_be_an_object_of_json(extra):
    assert "extra_body" in refused(image=URL, prompt="x", extra_body=extra, validate="off")[0]


def test_aspect_ratio_of_an_image_is_dropped_with_a_warning_unless_a_relay_wants_it():
    prepared = image(aspect_ratio="16:9")
    assert "aspect_ratio" not in prepared.body
    assert "the video follows the image" in prepared.warnings[0]
    relayed = prepare(IMAGE2VIDEO, {"image": URL, "prompt": "x"}, extra_body={"aspect_ratio": "16:9"})
    assert relayed.body["aspect_ratio"] == "16:9"
    assert prepare(TEXT2VIDEO, {"prompt": "x", "aspect_ratio": "9:16"}).body["aspect_ratio"] == "9:16"


# Strict, warn, off


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


# Motion brush

POINTS = [{"x": 0.5, "y": 0.7, "t": 0.0}, {"x": 0.5, "y": 0.3, "t": 1.0}]


@pytest.mark.parametrize("as_text", [False, True])
def test_normalised_paths_are_converted_with_the_size_of_a_local_image(as_text):
    masks = [{"mask": base64.b64encode(mask()).decode(), "trajectories": POINTS}]
    masks = json.dumps(masks) if as_text else masks
    prepared = image(image=ROCKET, model_name="kling-v1", dynamic_masks=masks)
    assert prepared.body["dynamic_masks"][0]["trajectories"] == [{"x": 320, "y": 298}, {"x": 320, "y": 128}]
    assert any("bottom-left" in warning for warning in prepared.warnings)


def test_a_path_that_is_not_a_list_of_points_is_named():
    (problem,) = refused(
        image=ROCKET, prompt="x", model_name="kling-v1", dynamic_masks=[{"mask": URL, "trajectories": 5}]
    )
    assert "dynamic_masks[0].trajectories=5 is not a list" in problem


def test_normalised_paths_on_a_link_are_refused_with_the_reason():
    problems = refused(
        image=URL, prompt="x", model_name="kling-v1", dynamic_masks=[{"mask": URL, "trajectories": POINTS}]
    )
    assert problems == (
        "Give the image as a file, or whole pixels: dynamic_masks[0].trajectories has normalised points (0 to 1), and "
        "the size of the image is not known (a URL is not downloaded); pixels count from the bottom-left corner.",
    )


def test_the_motion_brush_on_a_live_model_is_refused_with_what_to_do():
    (problem,) = refused(image=ROCKET, prompt="x", static_mask=mask())
    assert "no live model takes it since 2026-09-15" in problem


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


# Properties

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.binary(max_size=30),
    st.sampled_from(
        [
            BASE64[:300],
            "5s",
            "\ud800",
            "a\x00b",
            "None",
            "https://x.example/\ud800",
            "std",
            "on",
            "true",
            "[]",
            "{}",
            '[{"mask": 1}]',
            "data:,",
            "/9j/",
            URL,
            "http://",
            "kling-v2-6",
        ]
    ),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mask",
                    "trajectories",
                    "x",
                    "y",
                    "t",
                    "index",
                    "prompt",
                    "duration",
                    "type",
                    "config",
                    "pan",
                    "enabled",
                    "",
                ]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=10,
)
NAMES = sorted({name for row in PRODUCTS.values() for name in (*row.by_name, *row.unsent)})


@pytest.mark.parametrize("masks", [{"mask": b""}, [{"trajectories": [{"mask": b"x"}]}]])
def test_a_file_where_a_field_has_none_is_refused_even_where_problems_only_warn(masks):
    with pytest.raises(KlingValidationError, match="dynamic_masks"):
        prepare(IMAGE2VIDEO, {"image": URL, "dynamic_masks": masks}, validate="warn")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    product=st.sampled_from(sorted(PRODUCTS)),
    fields=st.dictionaries(st.sampled_from([*NAMES, "unknown", "\ud800"]), ANYTHING, max_size=8),
    extra=st.none() | st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2) | ANYTHING,
    validate=st.sampled_from(["strict", "warn", "off"]),
)
def test_whatever_is_given_the_result_is_a_request_or_a_list_of_problems(product, fields, extra, validate):
    problems: tuple[str, ...] = ()
    try:
        prepared = prepare(PRODUCTS[product], fields, extra_body=extra, validate=validate)
    except KlingValidationError as error:
        problems = error.problems
    if problems:
        assert all(map(advice_first, problems))
    else:
        json.dumps(prepared.body, allow_nan=False)
        json.dumps(prepared.content, allow_nan=False, ensure_ascii=False).encode()
        assert all(map(advice_first, prepared.warnings))


@settings(max_examples=200, deadline=None)
@given(product=st.sampled_from(sorted(PRODUCTS)), fields=st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6))
def test_a_body_that_is_prepared_again_stays_the_same(product, fields):
    try:
        once = prepare(PRODUCTS[product], fields, validate="off")
        twice = prepare(PRODUCTS[product], once.body, validate="off")
    except KlingValidationError:
        return
    assert twice.body == once.body
    assert twice.content == once.content


@pytest.mark.parametrize("blank", ["", " ", "\r", "\n\t", None, {}])
def test_an_extra_body_that_rendered_to_nothing_is_none(blank):
    assert prepare(TEXT2VIDEO, {"prompt": "x"}, extra_body=blank).body["prompt"] == "x"
