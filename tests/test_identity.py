"""The name of a logical submission."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kling.identity import MAX_LENGTH, Origin, attempt_id, external_task_id, fingerprint

ORIGIN = Origin("dag", "run", "task", 3)
PRINT = fingerprint(account="kling_default@https://x", endpoint="image2video", content={"prompt": "a"})


def test_the_same_submission_has_the_same_id():
    assert external_task_id(ORIGIN, PRINT) == external_task_id(Origin("dag", "run", "task", 3), PRINT)


@pytest.mark.parametrize(
    "change", [{"dag_id": "d"}, {"run_id": "r"}, {"task_id": "t"}, {"map_index": 4}, {"generation": 2}]
)
def test_another_origin_is_another_id(change):
    assert external_task_id(dataclasses.replace(ORIGIN, **change), PRINT) != external_task_id(ORIGIN, PRINT)


def test_parts_that_join_to_the_same_text_are_told_apart():
    assert external_task_id(Origin("a", "bc", "t"), PRINT) != external_task_id(Origin("ab", "c", "t"), PRINT)


@pytest.mark.parametrize(
    "other",
    [
        {"account": "other@https://x", "endpoint": "image2video", "content": {"prompt": "a"}},
        {"account": "kling_default@https://x", "endpoint": "text2video", "content": {"prompt": "a"}},
        {"account": "kling_default@https://x", "endpoint": "image2video", "content": {"prompt": "b"}},
    ],
)
def test_another_content_or_account_is_another_fingerprint(other):
    assert fingerprint(**other) != PRINT


def test_the_order_of_fields_does_not_matter():
    one = fingerprint(account="a", endpoint="e", content={"x": 1, "y": 2})
    assert one == fingerprint(account="a", endpoint="e", content={"y": 2, "x": 1})


def test_the_id_is_safe_to_send():
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", external_task_id(ORIGIN, PRINT))


@given(st.text(alphabet="abc-_", min_size=1, max_size=MAX_LENGTH), st.integers(1, 60), st.integers(1, 60))
def test_attempts_of_one_submission_have_different_ids_within_the_limit(base, one, other):
    assert len(attempt_id(base, one)) <= MAX_LENGTH
    if one != other and len(base) <= 60:
        assert attempt_id(base, one) != attempt_id(base, other)


def test_the_first_attempt_has_no_suffix():
    assert attempt_id("x", 1) == "x"
    assert attempt_id("x", 2) == "x-2"


def test_the_form_of_the_id_does_not_change_with_a_release():
    """A task in flight while the package is upgraded is found again only under the very same id."""
    content = {"model_name": "kling-v3", "prompt": "Größe", "image": "sha256:00", "duration": "5"}
    of_content = fingerprint(account="kling_default@https://x", endpoint="image2video", content=content)
    assert external_task_id(Origin("d", "r", "t"), of_content) == "af-2c7327779f3a8c8af193d1f7a91e93475c1505ef"
