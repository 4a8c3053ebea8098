"""What a DAG author writes, and what Kling gets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kling.products.fields import CONVERTERS, PRODUCTS, FieldEncodingError, canonical, omitted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("value", [5, "5", "5s", " 5 S", 5.0, "5.0", "05", "5 seconds"])
def test_five_seconds_can_be_written_in_many_ways(value):
    assert canonical("duration", value) == "5"


@pytest.mark.parametrize("value", [5.5, "5.5", "five", True, -5, float("inf"), float("nan"), [5], 10**6, "\u0665"])
def test_a_duration_that_is_not_whole_seconds_stays_for_the_check_to_name_it(value):
    assert canonical("duration", value) is value


@pytest.mark.parametrize(
    ("written", "sent"),
    [("standard", "std"), (" Professional ", "pro"), ("STD", "std"), ("4K", "4k"), ("ultra", "ultra"), (3, 3)],
)
def test_modes_take_aliases_case_and_blanks(written, sent):
    assert canonical("mode", written) == sent


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (True, "on"),
        (False, "off"),
        ("on", "on"),
        ("OFF", "off"),
        ("True", "on"),
        ("false", "off"),
        ("loud", "loud"),
        (1, 1),
    ],
)
def test_sound_is_a_switch(written, sent):
    assert canonical("sound", written) == sent


@pytest.mark.parametrize(
    ("written", "sent"),
    [("true", True), ("False", False), (" yes ", True), ("0", False), ("maybe", "maybe"), (True, True)],
)
def test_a_rendered_boolean_becomes_a_boolean(written, sent):
    assert canonical("multi_shot", written) == sent


@pytest.mark.parametrize(
    ("written", "sent"),
    [("0.5", 0.5), (" 1 ", 1.0), (0, 0.0), ("high", "high"), (True, True), ("1e3", "1e3"), ("", "")],
)
def test_a_rendered_number_becomes_a_number(written, sent):
    assert canonical("cfg_scale", written) == sent
    assert type(canonical("cfg_scale", written)) is type(sent)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (True, {"enabled": True}),
        ("false", {"enabled": False}),
        ({"enabled": "true"}, {"enabled": True}),
        ('{"enabled": true}', {"enabled": True}),
        (7, 7),
    ],
)
def test_a_watermark_is_a_switch_or_kling_s_object(written, sent):
    assert canonical("watermark_info", written) == sent


@pytest.mark.parametrize(
    "written",
    [
        {"type": " Simple ", "config": {"pan": "5", "zoom": 0.0}},
        '{"type": "simple", "config": {"pan": 5.0, "zoom": 0}}',
    ],
)
def test_camera_control_is_an_object_or_its_json_text(written):
    assert canonical("camera_control", written) == {"type": "simple", "config": {"pan": 5, "zoom": 0}}


@pytest.mark.parametrize("written", [[123], ["123"], [{"element_id": "123"}], '["123"]', "[123]", (123,), [123.0]])
def test_element_ids_become_json_numbers(written):
    expected = [123.0] if written == [123.0] and isinstance(written[0], float) else [{"element_id": 123}]
    assert canonical("element_list", written) == expected


def test_an_element_id_of_nineteen_digits_keeps_every_digit():
    assert canonical("element_list", ["8732145690123456789"]) == [{"element_id": 8732145690123456789}]


@pytest.mark.parametrize("written", [["829"], [829], [{"voice_id": 829}], '["829"]', [{"voice_id": " 829 "}]])
def test_voice_ids_become_text(written):
    assert canonical("voice_list", written) == [{"voice_id": "829"}]


def test_shots_take_numbers_and_text_alike():
    written = '[{"index": "1", "prompt": "a", "duration": 2}, {"index": 2.0, "prompt": "b", "duration": "3s"}]'
    assert canonical("multi_prompt", written) == [
        {"index": 1, "prompt": "a", "duration": "2"},
        {"index": 2, "prompt": "b", "duration": "3"},
    ]


def test_masks_and_their_paths_may_be_json_text():
    written = json.dumps([{"mask": "https://x.example/m.png", "trajectories": '[{"x": "279", "y": 219}]'}])
    assert canonical("dynamic_masks", written) == [
        {"mask": "https://x.example/m.png", "trajectories": [{"x": 279, "y": 219}]}
    ]


@pytest.mark.parametrize(
    ("name", "written", "sent"),
    [
        ("model_name", " kling-v3 ", "kling-v3"),
        ("aspect_ratio", " 16 : 9 ", "16:9"),
        ("shot_type", "Customize", "customize"),
        ("callback_url", " https://x.example ", "https://x.example"),
        ("external_task_id", " a ", "a"),
        ("prompt", " keeps its blanks ", " keeps its blanks "),
    ],
)
def test_text_loses_the_blanks_that_mean_nothing(name, written, sent):
    assert canonical(name, written) == sent


@pytest.mark.parametrize("name", ["camera_control", "dynamic_masks", "multi_prompt", "element_list", "voice_list"])
@pytest.mark.parametrize("text", ["{bad", "[" * 100_000, "1" * 5000])
def test_text_that_is_not_json_is_refused_in_words(name, text):
    with pytest.raises(FieldEncodingError, match="not JSON"):
        canonical(name, text)


@pytest.mark.parametrize("value", [None, "", "  \n", [], ()])
def test_nothing_blank_text_and_empty_lists_are_left_out(value):
    assert omitted(value)


@pytest.mark.parametrize("value", [0, False, {}, "x", [0]])
def test_zero_and_false_are_values(value):
    assert not omitted(value)


def test_every_converter_belongs_to_a_product():
    assert set(CONVERTERS) <= {name for row in PRODUCTS.values() for name in row.fields}


@given(name=st.sampled_from(sorted(CONVERTERS)), value=JSON)
def test_converting_twice_changes_nothing(name, value):
    try:
        once = canonical(name, value)
    except FieldEncodingError:
        return
    if not isinstance(once, str) or name not in ("camera_control", "dynamic_masks", "multi_prompt", "watermark_info"):
        assert canonical(name, once) == once
