"""Values of other types than a field's: sequences, numbers, enums, what is not JSON, deep nesting."""

from __future__ import annotations

import collections
import decimal
import enum
import fractions
import types
from collections.abc import Sequence
from datetime import date

import pytest
from support import PHOTOGRAPH, advice_first
from support_fields import animate, refused

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.video import TEXT2VIDEO

PROMPTS = ["prompt", "negative_prompt"]


class Lazy(Sequence):
    """Like Airflow's output of a mapped task: not a list, and each item is a request."""

    def __init__(self, *items):
        self.items = items
        self.read = 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        self.read += 1
        return item


ELEMENTS = [{"element_id": 1}, {"element_id": 2}]


@pytest.mark.parametrize(
    "given",
    [
        (1, 2),
        Lazy(1, 2),
        Lazy({"element_id": "1"}, {"element_id": 2}),
        iter(["1", "2"]),
        (number for number in (1, 2)),
        collections.deque([1, 2]),
        range(1, 3),
        [types.MappingProxyType({"element_id": 1}), collections.OrderedDict(element_id=2)],
        "[1, 2]",
        Lazy(decimal.Decimal(1), decimal.Decimal("2.0")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_sequence_is_accepted_as_a_list(given):
    assert animate(element_list=given).body["element_list"] == ELEMENTS


def test_a_lazy_sequence_is_read_once():
    lazy = Lazy(1, 2)
    animate(element_list=lazy)
    assert lazy.read == 2


def test_an_empty_lazy_sequence_is_left_out():
    assert "element_list" not in animate(element_list=Lazy(), voice_list=iter([])).body


def test_shots_voices_and_masks_may_be_lazy_too():
    shots = Lazy(types.MappingProxyType({"index": "1", "prompt": 7, "duration": 5}))
    body = animate(prompt=None, multi_shot="True", shot_type="customize", multi_prompt=shots).body
    assert body["multi_prompt"] == [{"index": 1, "prompt": "7", "duration": "5"}]
    paths = Lazy({"x": 1, "y": 2}, {"x": "3", "y": 4.0})
    masks = Lazy(types.MappingProxyType({"mask": PHOTOGRAPH, "trajectories": paths}))
    body = animate(validate="warn", model_name="kling-v1", image=PHOTOGRAPH, dynamic_masks=masks).body
    assert body["dynamic_masks"][0]["trajectories"] == [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
    assert body["dynamic_masks"][0]["mask"] == body["image"]
    body = animate(validate="warn", sound=True, voice_list=Lazy(5, "b")).body
    assert body["voice_list"] == [{"voice_id": "5"}, {"voice_id": "b"}]


@pytest.mark.parametrize(("given", "text"), [(5, "5"), (2.5, "2.5"), (True, "True"), (decimal.Decimal(7), "7")])
@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_that_native_rendering_turned_into_a_number_is_text_again(name, given, text):
    assert animate(**{name: given}).body[name] == text


def test_an_own_id_that_native_rendering_turned_into_a_number_is_text_again():
    assert animate(external_task_id=20251125).body["external_task_id"] == "20251125"


@pytest.mark.parametrize("given", [fractions.Fraction(1, 2), decimal.Decimal("0.5"), 0.5, "0.5"])
def test_a_number_of_any_type_is_a_number(given):
    assert animate(cfg_scale=given).body["cfg_scale"] == 0.5


def test_a_member_of_a_text_enum_is_its_value():
    mode = enum.StrEnum("Mode", {"PRO": "pro"}).PRO
    old = enum.Enum("Model", {"V3": "kling-v3"}, type=str)
    assert animate(mode=mode, model_name=old.V3).content == animate(mode="pro", model_name="kling-v3").content


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({1, 2}, "Give element_list as a list: it is a set"),
        (frozenset({1}), "Give element_list as a list: it is a frozenset"),
        (date(2026, 11, 25), "Give element_list in another type: it is a date"),
        (b"1", "Give element_list in another type: it is a bytes"),
        ([object()], "Give element_list[0] in another type: it is an object"),
        ({1: 2}, "Write the keys of element_list as text: one of them is 1"),
        ([float("nan")], "Give element_list[0] as a finite number"),
        ([float("-inf")], "Give element_list[0] as a finite number"),
        ([decimal.Decimal("sNaN")], "Give element_list[0] as a finite number"),
        ("[NaN]", "Give element_list[0] as a finite number"),
        ("[1e999]", "Give element_list[0] as a finite number"),
        ([10**4000], "Give element_list[0] as a smaller number"),
        ([10**9000], "Give element_list[0] as a smaller number"),
        (iter(int, 1), "Shorten element_list: it has more than 20000 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
@pytest.mark.parametrize("validate", ["strict", "off"])
def test_what_cannot_become_json_is_named_with_its_place(given, words, validate):
    if not isinstance(given, collections.abc.Iterator) or validate == "strict":
        assert words in refused(element_list=given, validate=validate)


@pytest.mark.parametrize("name", ["prompt", "multi_prompt", "element_list", "camera_control", "cfg_scale"])
@pytest.mark.parametrize("size", [60, 2_000, 100_000])
def test_deep_nesting_is_a_clear_error(name, size):
    deep: list = []
    for _ in range(size):
        deep = [deep]
    assert "Nest " in refused(**{name: deep})
    assert "Nest " in refused(extra_body={name: deep})


def test_a_list_that_holds_itself_is_a_clear_error_and_takes_no_time():
    twice: list = []
    twice += [twice, twice]
    assert "element_list" in refused(element_list=twice)
    assert "extra_body" in refused(extra_body={"a": twice})
    assert "extra_body" in refused(extra_body=redact_images({"a": twice}))


def test_a_small_list_that_stands_for_a_billion_values_is_a_clear_error():
    billion = [[[0] * 300] * 2000] * 2000
    assert "it has more than 20000 values" in refused(element_list=billion)
    assert "it has more than 20000 values" in refused(extra_body={"a": billion})
    assert len(redact_images(billion)) == 2000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": NaN}', "Give extra_body.a as a finite number"),
        ('{"a": 1e999}', "Give extra_body.a as a finite number"),
        ('{"a": "\\ud83d"}', "Take U+D83D out of extra_body.a"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "Nest extra_body.a"),
    ],
)
def test_extra_body_as_text_is_read_as_strictly_as_a_dict(text, words):
    assert words in refused(extra_body=text)


@pytest.mark.parametrize("given", [None, "prompt", 5, [("prompt", "x")], {"prompt"}, object()])
def test_fields_that_are_not_a_dict_are_a_clear_error(given):
    with pytest.raises(KlingValidationError, match="Give fields as a dict") as caught:
        prepare(TEXT2VIDEO, given)
    advice_first(caught.value.problems[0])


def test_extra_body_may_be_json_text_and_any_mapping():
    for extra in ('{"new": [1, 2]}', types.MappingProxyType({"new": (1, 2)}), {"new": Lazy(1, 2)}):
        assert animate(extra_body=extra).body["new"] == [1, 2]
    assert animate(extra_body="").body == animate(extra_body=None).body
