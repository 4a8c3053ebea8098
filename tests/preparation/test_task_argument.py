"""What names a task, for the hook, the sensor, its trigger and the transfer alike."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.task_argument import MAX_ID_LENGTH, read_manifest, task_ref_of

MANIFEST = {"task_id": "880000000000000001", "endpoint": "text2video", "status": "succeed", "videos": []}


@pytest.mark.parametrize(
    "value", ["880000000000000001", 880000000000000001, " mine_1-2\n", "v1.2:a", "x" * MAX_ID_LENGTH]
)
def test_an_id_is_taken(value):
    assert task_ref_of(value, "image2video") == ("image2video", str(value).strip())


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", None, "None", True, 0, -1, 1.5, b"1", [], {}, {"a": 1}, {"task_id": None}, "{'task_id': '1'"),
        *(
            "..",
            ".",
            "../../etc",
            "a/b",
            "a\\b",
            "a b",
            "7?x=1",
            "7#x",
            "%2e%2e",
            "7\n8",
            "7\x008",
            "\ud83d",
            "x" * 300,
        ),
    ],
)
def test_what_an_address_would_read_as_something_else_is_none(value):
    with pytest.raises(KlingValidationError, match="Give kling_task_id a task's id"):
        task_ref_of(value, "image2video")


@pytest.mark.parametrize("written", [dict, json.dumps, str, lambda manifest: f"\n {manifest} "])
def test_a_manifest_names_its_task_and_product(written):
    assert read_manifest(written(MANIFEST)) == MANIFEST
    assert task_ref_of(written(MANIFEST), "image2video") == ("text2video", MANIFEST["task_id"])


@pytest.mark.parametrize("value", ["7", "[]", "{", "{[}", "{" * 5_000, "{1: 2}" + " " * 200_000, None, 7, [MANIFEST]])
def test_what_is_not_a_manifest_is_none(value):
    assert read_manifest(value) is None
