"""The sentences of a failure without the ids at its end, of every error that can say some."""

from __future__ import annotations

import pytest

from airflow_provider_kling.exceptions import KlingApiError, KlingError
from airflow_provider_kling.plugins.failure_words import split_details
from airflow_provider_kling.results.failure import failure_of


@pytest.mark.parametrize("code", [None, 1102, 1301, 5000])
@pytest.mark.parametrize("says", ["Failure to pass the risk control system", "Balance is not enough!", ""])
def test_what_an_error_ends_with_is_taken_off_its_message(code, says):
    ids = {"http_status": 429, "request_id": "eef3a5a7-6a50-4950-b8cc-29f3033e54f4", "kling_task_id": "1795899929622"}
    message = failure_of(KlingApiError(code, says, **ids))["message"]
    sentences, details = split_details(message)
    assert message.startswith(sentences)
    assert not {"429", ids["request_id"], ids["kling_task_id"]} & set(sentences.replace(",", " ").split())
    expected = {"task": ids["kling_task_id"], "HTTP": "429", "request_id": ids["request_id"]}
    assert details == (expected | {"code": str(code)} if code else expected)


@pytest.mark.parametrize(
    "message",
    [
        "Look for it at Kling. Kling says: there is no task 1795.",
        "Give another image: the first one is task 17 of the list",
        "It failed. task",
        "",
    ],
)
def test_a_message_that_only_looks_like_it_stays_whole(message):
    assert split_details(message) == (message, {})


def test_an_error_without_ids_stays_whole():
    message = failure_of(KlingError("Give output_uri: there is no place to store it."))["message"]
    assert split_details(message) == (message, {})
