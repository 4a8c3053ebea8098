"""The message of a failure without the ids at its end, for every error that names some."""

from __future__ import annotations

import pytest

from airflow_provider_kling.exceptions import KlingApiError, KlingError, KlingServerError
from airflow_provider_kling.plugins.failure_words import split_details
from airflow_provider_kling.results.failure import failure_of

IDS = {"http_status": 429, "request_id": "eef3a5a7-6a50-4950-b8cc-29f3033e54f4", "kling_task_id": "1795899929622"}


@pytest.mark.parametrize("code", [None, 1102, 1301, 5000])
@pytest.mark.parametrize("says", ["Failure to pass the risk control system", "Balance is not enough!", ""])
def test_what_an_error_ends_with_is_taken_off_its_message(code, says):
    message = failure_of(KlingApiError(code, says, **IDS))["message"]
    sentences, details = split_details(message)
    assert sentences == message[: message.index(f" task {IDS['kling_task_id']}")]
    expected = {"task": IDS["kling_task_id"], "HTTP": "429", "request_id": IDS["request_id"]}
    assert details == (expected | {"code": str(code)} if code else expected)


@pytest.mark.parametrize("end", [".", "!", "?", "…"])
def test_klings_own_words_may_stand_before_the_ids(end):
    """An error adds a full stop only where Kling's message has no end of its own."""
    message = failure_of(KlingServerError(5999, f"Try later{end}", **IDS))["message"]
    sentences, details = split_details(message)
    assert sentences.endswith(f"Try later{end}")
    assert list(details) == ["task", "code", "HTTP", "request_id"]


@pytest.mark.parametrize("name", ["task", "code", "HTTP", "request_id"])
@pytest.mark.parametrize("end", [".", "!", "?", "…"])
def test_one_id_alone_is_taken_off(name, end):
    assert split_details(f"Send it again{end} {name} a-17") == (f"Send it again{end}", {name: "a-17"})


@pytest.mark.parametrize(
    "message",
    [
        "Look for it at Kling. Kling says: there is no task 1795.",
        "Give another image: the first one is task 17 of the list",
        "Give another image: the first one is task 17",
        "It failed. task 17 is the first of the list",
        "It failed. page 17",
        "It failed. task",
        "",
    ],
)
def test_a_message_that_only_looks_like_it_stays_whole(message):
    assert split_details(message) == (message, {})


def test_an_error_without_ids_stays_whole():
    message = failure_of(KlingError("Give output_uri: there is no place to store it."))["message"]
    assert split_details(message) == (message, {})
