"""The text ``None``, blank text, control characters, and templates that nobody rendered."""

from __future__ import annotations

import json

import pytest
from support import advice_first
from support_fields import NAMES, URL, animate, refused

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.video import TEXT2VIDEO


@pytest.mark.parametrize("name", [*NAMES, "aspect_ratio"])
@pytest.mark.parametrize("text", ["None", " None\n"])
@pytest.mark.parametrize("validate", ["strict", "warn", "off"])
def test_a_template_that_rendered_to_none_is_named(name, text, validate):
    sentence = refused(validate=validate, **{name: text})
    assert name in sentence
    assert "a value, or leave it out" in sentence


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("multi_prompt", [{"index": 1, "prompt": "None", "duration": 5}], "multi_prompt[0].prompt"),
        ("voice_list", ["None"], "voice_list[0]"),
        ("voice_list", '["None"]', "voice_list[0].voice_id"),
        ("element_list", [{"element_id": "None"}], "element_list[0].element_id"),
        ("dynamic_masks", [{"mask": "None", "trajectories": []}], "dynamic_masks[0].mask"),
        ("camera_control", {"type": "simple", "config": {"pan": "None"}}, "camera_control.config.pan"),
    ],
)
def test_the_text_none_inside_a_field_is_named_with_its_place(name, value, place):
    assert f"Give {place} a value, or leave it out: it is the text None, as of a template" in refused(**{name: value})


@pytest.mark.parametrize("name", ["prompt", "negative_prompt", "image", "duration", "mode", "sound", "model_name"])
@pytest.mark.parametrize("text", ["null", " nan", "NaN", "undefined"])
def test_null_values_of_other_programs_are_reported_too(name, text):
    said = refused(**{name: text})  # words are compared in small letters
    assert f"give {name} a value, or leave it out: it is the text {text.strip()}, as of".lower() in said.lower()
    assert "send it with extra_body" in said


def test_json_of_nothing_leaves_a_field_out():
    assert "element_list" not in animate(element_list="null").body


@pytest.mark.parametrize("text", ["\u200b", "\ufeff", " \ufeff\u200b\n", "\u2060"])
def test_text_of_invisible_characters_is_blank(text):
    with pytest.raises(KlingValidationError, match="prompt is missing"):
        prepare(TEXT2VIDEO, {"prompt": text})
    assert "negative_prompt" not in animate(negative_prompt=text).body


@pytest.mark.parametrize("text", ["none", "NONE", "None of them smiles", "'None'", "Null", "nan khatai"])
def test_any_other_text_is_a_prompt(text):
    assert animate(prompt=text).body["prompt"] == text


def test_the_text_none_can_be_sent_with_extra_body():
    assert animate(prompt=None, extra_body={"prompt": "None"}).body["prompt"] == "None"
    assert animate(prompt=None).content == animate(prompt="").content


@pytest.mark.parametrize("bad", ["\ud83d", "\x00", "\x1b[31m", "\x7f", "\x9b"])
@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("prompt", lambda text: {"prompt": text}),
        ("negative_prompt", lambda text: {"negative_prompt": text}),
        ("model_name", lambda text: {"model_name": text}),
        ("external_task_id", lambda text: {"external_task_id": text}),
        ("multi_prompt[1].prompt", lambda text: {"multi_prompt": [{}, {"prompt": text}]}),
        ("the keys of camera_control", lambda text: {"camera_control": {text: 1}}),
        ("element_list[0].element_id", lambda text: {"element_list": json.dumps([{"element_id": text}])}),
        ("extra_body.a[0]", lambda text: {"extra_body": {"a": [text]}}),
        ("image", lambda text: {"image": f"https://x.example/{text}"}),
        ("callback_url", lambda text: {"callback_url": f"https://x.example/{text}"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_control_characters_and_halves_of_emoji_are_named_with_their_field(bad, place, fields):
    given = fields(f"a{bad}b")
    if place == "image" and bad == "\x9b":
        pytest.skip("a URL may hold it; servers decide")
    sentence = refused(extra_body=given.pop("extra_body", None), **given)
    assert place in sentence


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\r\nb", "a\u2028b", "a\u2029b", "a\u0085b", "\N{CAT FACE}", "שלום"])
def test_line_ends_and_every_language_are_text(text):
    assert animate(prompt=text).body["prompt"] == text


@pytest.mark.parametrize("left", ["{{ ds }}", "a {{ params.animal }} runs", "{% if x %}a{% endif %}", "{{" + "x" * 190])
@pytest.mark.parametrize("endpoint", ["image2video", "text-to-audio"])
def test_a_template_that_nobody_rendered_is_noticed_and_sent(left, endpoint):
    fields = {"prompt": left, **({"image": URL} if endpoint == "image2video" else {"duration": 5})}
    prepared = prepare(product_of(endpoint), fields)
    assert prepared.body["prompt"] == left
    (warning,) = [warning for warning in prepared.warnings if "Render prompt before it is sent: it holds" in warning]
    assert len(advice_first(warning)) < 200
    assert not [
        line for line in prepare(product_of(endpoint), {**fields, "prompt": "{ a }"}).warnings if "Render" in line
    ]
