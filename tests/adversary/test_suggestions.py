"""Misspelt values and names of models get a suggestion."""

from __future__ import annotations

import pytest
from support_fields import URL, animate, refused

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.video import TEXT2VIDEO


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"promt": "x"}, "did you mean 'prompt'?"),
        ({"negativ_prompt": "x"}, "did you mean 'negative_prompt'?"),
        ({"model": "kling-v3"}, "did you mean 'model_name'?"),
        ({"end_image_url": URL}, "did you mean 'image_tail'?"),
        ({"mode": "standart"}, "did you mean 'std'?"),
        ({"mode": "por"}, "did you mean 'pro'?"),
        ({"shot_type": "customise", "multi_shot": True}, "did you mean 'customize'?"),
        ({"camera_control": {"type": "down_bck"}}, "did you mean 'down_back'?"),
        ({"camera_control": {"type": "simple", "config": {"zom": 1}}}, "did you mean 'zoom'?"),
    ],
)
def test_a_misspelt_value_gets_a_suggestion(fields, asked):
    assert asked in refused(**fields)


def test_a_misspelt_aspect_ratio_and_validate_get_a_suggestion():
    with pytest.raises(KlingValidationError, match="did you mean '16:9'"):
        prepare(TEXT2VIDEO, {"prompt": "x", "aspect_ratio": "16/9"})
    with pytest.raises(KlingValidationError, match="Did you mean validate='strict'"):
        prepare(TEXT2VIDEO, {"prompt": "x"}, validate="strickt")  # type: ignore[arg-type]
    with pytest.raises(KlingConfigurationError, match="did you mean 'text2video'"):
        product_of("txt2video")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kling-v26", "did you mean 'kling-v2-6'?"),
        ("kling-v2.6", "did you mean 'kling-v2-6'?"),
        ("klingv2-6", "did you mean 'kling-v2-6'?"),
        ("Kling-V3", "did you mean 'kling-v3'?"),
        ("kling-v1.6", "did you mean 'kling-v1-6', retired on 2026-09-15? use 'kling-v2-5-turbo'"),
    ],
)
def test_a_model_that_is_nearly_known_gets_a_suggestion_and_is_sent(name, meant):
    prepared = animate(model_name=name)
    assert prepared.body["model_name"] == name
    assert meant in prepared.warnings[0]


@pytest.mark.parametrize("name", ["kling-4.0", "kling-4.0-flash", "kling-v9", "sora"])
def test_a_model_of_another_version_is_new_and_not_misspelt(name):
    prepared = animate(model_name=name, duration=30)
    assert prepared.body["model_name"] == name
    assert "did you mean" not in prepared.warnings[0]


def test_seven_seconds_of_kling_v2_6_are_a_warning_because_sources_disagree():
    prepared = animate(model_name="kling-v2-6", duration=7)
    assert prepared.warnings[0].startswith("Give duration as 5 or 10 for kling-v2-6: duration='7' is not listed")
    assert "Give duration as 5 or 10 for kling-v2-6" in refused(model_name="kling-v2-6", duration=11)
