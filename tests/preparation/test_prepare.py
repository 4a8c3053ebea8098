"""From a Dag author's fields to Kling's body, and what decides its content."""

from __future__ import annotations

import hashlib
import json

import pytest
from support_prepare import BASE64, ROCKET, URL, image, mask, refused

from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.preparation.request_content import without_signature
from airflow_provider_kling.products.media import InlineImage
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO

DIGEST = f"sha256:{hashlib.sha256(ROCKET.read_bytes()).hexdigest()}"


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


@pytest.mark.parametrize("blank", ["", " ", "\r", "\n\t", None, {}])
def test_an_extra_body_that_rendered_to_nothing_is_none(blank):
    assert prepare(TEXT2VIDEO, {"prompt": "x"}, extra_body=blank).body["prompt"] == "x"
