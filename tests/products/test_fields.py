"""Conversion of a Dag author's values to Kling's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kling.products import fields
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.convert import FieldEncodingError
from airflow_provider_kling.products.fields import FIELDS, is_omitted
from airflow_provider_kling.products.problem import Request
from airflow_provider_kling.products.rules import check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("value", [5, "5", "5s", " 5 S", 5.0, "5.0", "05", "5 seconds"])
def test_five_seconds_can_be_written_in_many_ways(value):
    assert FIELDS["duration"].canonical(value) == "5"


@pytest.mark.parametrize("value", [5.5, "5.5", "five", True, -5, float("inf"), float("nan"), [5], 10**6, "\u0665"])
def test_a_duration_that_is_not_whole_seconds_stays_for_the_check_to_name_it(value):
    assert FIELDS["duration"].canonical(value) is value


@pytest.mark.parametrize(
    ("written", "sent"),
    [("standard", "std"), (" Professional ", "pro"), ("STD", "std"), ("4K", "4k"), ("ultra", "ultra"), (3, 3)],
)
def test_modes_take_aliases_case_and_blanks(written, sent):
    assert FIELDS["mode"].canonical(written) == sent


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
    assert FIELDS["sound"].canonical(written) == sent


@pytest.mark.parametrize(
    ("written", "sent"),
    [("true", True), ("False", False), (" yes ", True), ("0", False), ("maybe", "maybe"), (True, True)],
)
def test_a_rendered_boolean_becomes_a_boolean(written, sent):
    assert FIELDS["multi_shot"].canonical(written) == sent


@pytest.mark.parametrize(
    ("written", "sent"),
    [("0.5", 0.5), (" 1 ", 1.0), (0, 0.0), ("high", "high"), (True, True), ("1e3", "1e3"), ("", "")],
)
def test_a_rendered_number_becomes_a_number(written, sent):
    assert FIELDS["cfg_scale"].canonical(written) == sent
    assert type(FIELDS["cfg_scale"].canonical(written)) is type(sent)


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
    assert FIELDS["watermark_info"].canonical(written) == sent


@pytest.mark.parametrize(
    "written",
    [
        {"type": " Simple ", "config": {"pan": "5", "zoom": 0.0}},
        '{"type": "simple", "config": {"pan": 5.0, "zoom": 0}}',
    ],
)
def test_camera_control_is_an_object_or_its_json_text(written):
    assert FIELDS["camera_control"].canonical(written) == {"type": "simple", "config": {"pan": 5, "zoom": 0}}


@pytest.mark.parametrize("written", [[123], ["123"], [{"element_id": "123"}], '["123"]', "[123]", (123,), [123.0]])
def test_element_ids_become_json_numbers(written):
    expected = [123.0] if written == [123.0] and isinstance(written[0], float) else [{"element_id": 123}]
    assert FIELDS["element_list"].canonical(written) == expected


def test_an_element_id_of_nineteen_digits_keeps_every_digit():
    assert FIELDS["element_list"].canonical(["8732145690123456789"]) == [{"element_id": 8732145690123456789}]


@pytest.mark.parametrize("written", [["829"], [829], [{"voice_id": 829}], '["829"]', [{"voice_id": " 829 "}]])
def test_voice_ids_become_text(written):
    assert FIELDS["voice_list"].canonical(written) == [{"voice_id": "829"}]


def test_shots_take_numbers_and_text_alike():
    written = '[{"index": "1", "prompt": "a", "duration": 2}, {"index": 2.0, "prompt": "b", "duration": "3s"}]'
    assert FIELDS["multi_prompt"].canonical(written) == [
        {"index": 1, "prompt": "a", "duration": "2"},
        {"index": 2, "prompt": "b", "duration": "3"},
    ]


def test_masks_and_their_paths_may_be_json_text():
    written = json.dumps([{"mask": "https://x.example/m.png", "trajectories": '[{"x": "279", "y": 219}]'}])
    assert FIELDS["dynamic_masks"].canonical(written) == [
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
    assert FIELDS[name].canonical(written) == sent


@pytest.mark.parametrize("name", ["camera_control", "dynamic_masks", "multi_prompt", "element_list", "voice_list"])
@pytest.mark.parametrize("text", ["{bad", "[" * 100_000, "1" * 5000])
def test_text_that_is_not_json_is_refused_with_a_message(name, text):
    with pytest.raises(FieldEncodingError, match="not JSON"):
        FIELDS[name].canonical(text)


@pytest.mark.parametrize("value", [None, "", "  \n", [], ()])
def test_nothing_blank_text_and_empty_lists_are_left_out(value):
    assert is_omitted(value)


@pytest.mark.parametrize("value", [0, False, {}, "x", [0]])
def test_zero_and_false_are_values(value):
    assert not is_omitted(value)


def test_every_field_belongs_to_a_product():
    assert set(FIELDS) <= {name for product in PRODUCTS.values() for name in product.by_name}


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_every_rule_of_a_product_exists(product):
    assert check(Request(product, {})) is not None


def test_every_place_of_a_file_is_found():
    body = {
        "image": "a",
        "prompt": "b",
        "dynamic_masks": [{"mask": "c"}, {"trajectories": []}, 7, {"mask": "d"}],
    }
    file_places = list(PRODUCTS["image2video"].file_places(body))
    assert [place for place, _, _ in file_places] == ["image", "dynamic_masks[0].mask", "dynamic_masks[3].mask"]
    assert [holder[key] for _, holder, key in file_places] == ["a", "c", "d"]
    assert list(PRODUCTS["image2video"].file_places({"dynamic_masks": "text"})) == []


@given(name=st.sampled_from(sorted(FIELDS)), value=JSON)
def test_converting_twice_changes_nothing(name, value):
    try:
        once = FIELDS[name].canonical(value)
    except FieldEncodingError:
        return
    if not isinstance(once, str) or name not in ("camera_control", "dynamic_masks", "multi_prompt", "watermark_info"):
        assert FIELDS[name].canonical(once) == once


def test_a_large_bound_is_printed_with_all_its_digits():
    seed = fields.number_field("seed", 0, 2147483647, is_whole=True)
    assert seed.shape.advice == "Give seed as a whole number from 0 to 2147483647"
    assert fields.number_field("speed", 0.8, 2).shape.advice == "Give speed as a number from 0.8 to 2"
