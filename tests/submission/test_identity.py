"""The name of a logical submission."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.submission.identity import (
    MAX_LENGTH,
    Intent,
    Origin,
    attempt_id,
    digest_of_words,
    external_task_id,
    fingerprint,
    generation_of,
    own_id,
)

ORIGIN = Origin("dag", "run", "task", 3)
FINGERPRINT = fingerprint(account="kling_default@https://x", endpoint="image2video", content={"prompt": "a"})


def test_the_same_submission_has_the_same_id():
    assert external_task_id(ORIGIN, FINGERPRINT) == external_task_id(Origin("dag", "run", "task", 3), FINGERPRINT)


@pytest.mark.parametrize(
    "change",
    [{"dag_id": "d"}, {"run_id": "r"}, {"task_id": "t"}, {"map_index": 4}, {"generation": 2}, {"iteration": 0}],
)
def test_another_origin_is_another_id(change):
    assert external_task_id(ORIGIN._replace(**change), FINGERPRINT) != external_task_id(ORIGIN, FINGERPRINT)


def test_parts_that_join_to_the_same_text_give_different_ids():
    assert external_task_id(Origin("a", "bc", "t"), FINGERPRINT) != external_task_id(
        Origin("ab", "c", "t"), FINGERPRINT
    )


@pytest.mark.parametrize(
    "other",
    [
        {"account": "other@https://x", "endpoint": "image2video", "content": {"prompt": "a"}},
        {"account": "kling_default@https://x", "endpoint": "text2video", "content": {"prompt": "a"}},
        {"account": "kling_default@https://x", "endpoint": "image2video", "content": {"prompt": "b"}},
    ],
)
def test_another_content_or_account_is_another_fingerprint(other):
    assert fingerprint(**other) != FINGERPRINT


def test_the_order_of_fields_does_not_matter():
    left = fingerprint(account="a", endpoint="e", content={"x": 1, "y": 2})
    assert left == fingerprint(account="a", endpoint="e", content={"y": 2, "x": 1})


def test_the_id_is_safe_to_send():
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", external_task_id(ORIGIN, FINGERPRINT))


OWN_IDS = st.text(alphabet="ab1-_", min_size=1, max_size=MAX_LENGTH)
LONG_IDS = st.builds(
    lambda head, tail: (head * 64)[: 64 - len(tail)] + tail, st.sampled_from("ab"), st.text("ab", max_size=4)
)


def accepted(text):
    try:
        return own_id(text)
    except KlingValidationError:
        return None


@given(st.lists(OWN_IDS | LONG_IDS, min_size=2, max_size=2, unique=True), st.integers(1, 60), st.integers(1, 60))
def test_no_attempt_of_one_submission_is_an_attempt_of_another(ids, left, other):
    first, second = map(accepted, ids)
    assume(first and second)
    names = {attempt_id(first, left), attempt_id(second, other)}
    assert len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert left == other or attempt_id(first, left) != attempt_id(first, other)


def test_the_second_attempt_of_an_own_id_is_not_an_own_id():
    for base in ("promo", "x" * 64, "x" * 60):
        with pytest.raises(KlingValidationError, match="further attempt"):
            own_id(attempt_id(base, 2))


@pytest.mark.parametrize(
    "text",
    ["", " ", "None", "null", "NaN", "undefined", "promo-None", "None_7", "a b", "é", "x" * 65, "123", 123, b"x", True],
)
def test_an_id_that_is_not_a_name_is_refused(text):
    with pytest.raises(KlingValidationError, match="external_task_id="):
        own_id(text)


def test_an_own_id_has_one_form():
    assert own_id(None, " a-1 ", "a-1") == "a-1"
    assert own_id() is own_id(None, None) is None


def test_the_first_attempt_has_no_suffix():
    assert attempt_id("x", 1) == "x"
    assert attempt_id("x", 2) == "x-af-2"


def test_the_form_of_the_id_does_not_change_with_a_release():
    """A task in flight while the package is upgraded is found again only under the very same id."""
    content = {"model_name": "kling-v3", "prompt": "Größe", "image": "sha256:00", "duration": "5"}
    of_content = fingerprint(account="kling_default@https://x", endpoint="image2video", content=content)
    assert external_task_id(Origin("d", "r", "t"), of_content) == "af-2c7327779f3a8c8af193d1f7a91e93475c1505ef"


IDS = [f"af-{number:040x}" for number in range(2)]
KEPT = Intent(IDS[0], "print", "words", 2, 2, "1.0")


@pytest.mark.parametrize(
    ("change", "kept_id"),
    [
        ({}, True),
        ({"words": "other"}, True),
        ({"fingerprint": "other"}, False),
        ({"generation": 4}, False),
        ({"version": "2.0", "fingerprint": "other"}, True),
        ({"version": "2.0", "fingerprint": "other", "words": "other"}, False),
        ({"version": "2.0", "fingerprint": "other", "generation": 4}, False),
        ({"external_task_id": "mine"}, False),
    ],
)
def test_a_kept_id_is_used_when_the_content_is_the_same_as_far_as_can_be_known(change, kept_id):
    now = dataclasses.replace(KEPT, **{"external_task_id": IDS[1], **change})
    assert now.with_id_of(KEPT).external_task_id == (IDS[0] if kept_id else now.external_task_id)


def test_an_own_id_of_an_earlier_try_is_not_taken_over():
    kept = dataclasses.replace(KEPT, external_task_id="mine")
    now = dataclasses.replace(KEPT, external_task_id=IDS[1])
    assert now.with_id_of(kept) == now.with_id_of(None) == now


def test_what_was_kept_is_read_back():
    assert Intent.from_dict(json.loads(json.dumps(dataclasses.asdict(KEPT)))) == KEPT
    assert Intent.from_dict({**dataclasses.asdict(KEPT), "new": 1}) == KEPT


@pytest.mark.parametrize("stored", [None, "x", 5, [1], {}, {**dataclasses.asdict(KEPT), "generation": "2"}])
def test_what_is_not_an_intent_is_not_read_as_one(stored):
    assert Intent.from_dict(stored) is None


def test_an_intent_whose_id_cannot_be_sent_is_not_read_as_one():
    assert Intent.from_dict({**dataclasses.asdict(KEPT), "external_task_id": "../../x"}) is None


@pytest.mark.parametrize(
    ("on_clear", "max_tries", "kept", "generation"),
    [
        ("reuse", 2, None, 0),
        ("regenerate", 2, None, 2),
        ("regenerate", 2, KEPT, 2),
        ("regenerate", 4, KEPT, 4),
        ("reuse", 4, KEPT, 2),
        ("regenerate", 3, dataclasses.replace(KEPT, generation=0, max_tries=3), 0),
    ],
)
def test_a_clear_moves_the_generation_and_nothing_else_does(on_clear, max_tries, kept, generation):
    assert generation_of(on_clear=on_clear, max_tries=max_tries, stored=kept) == generation


def test_the_fields_of_a_dag_author_are_digested_whatever_their_type():
    class Inline:
        content = b"picture"

    of_words = digest_of_words("a", "e", {"image": Inline(), "path": Path("x"), "prompt": "\ud800", "none": None})
    assert of_words == digest_of_words("a", "e", {"image": Inline(), "path": Path("x"), "prompt": "\ud800"})
    assert of_words != digest_of_words("a", "e", {"image": b"other", "path": Path("x"), "prompt": "\ud800"})
