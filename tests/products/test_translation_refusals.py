"""What the second generation does not have is refused, or sent with a warning."""

from __future__ import annotations

import pytest
from support_translation import TAIL, URL, prepared, refused

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.generations import refuses_repeated_id
from airflow_provider_kling.products.translation import translate
from airflow_provider_kling.products.video import IMAGE2VIDEO, IMAGE_TO_VIDEO, TEXT2VIDEO


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
