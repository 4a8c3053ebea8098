"""Messages and attributes of the errors."""

from __future__ import annotations

import logging

import pytest
from support import FakeTaskInstance

from airflow_provider_kling import exceptions as kling
from airflow_provider_kling import polling
from airflow_provider_kling.api import account, classic, envelope
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.polling import Event
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.video import IMAGE2VIDEO
from airflow_provider_kling.results.failure import push_failure

TASK_ID = "179527409186300000"
MODERATED = "Failure to pass the risk control system"


def task(status: TaskStatus, message: str = "") -> Task:
    return Task(TASK_ID, status, "image2video", message=message, request_id="r-1")


def raised(function, *arguments) -> kling.KlingError:
    with pytest.raises(kling.KlingError) as caught:
        function(*arguments)
    return caught.value


#: Every sentence that this part of the package can say.
SENTENCES = {
    **{
        f"code {code}": row.error(code, "Kling's own words", http_status=429, request_id="r-1")
        for code, row in kling.KLING_CODES.items()
    },
    "unknown code": kling.KlingRequestError(1999, "text"),
    "not found": kling.KlingTaskNotFoundError(1201, "Task not found by id/external id: 7"),
    "duplicate": kling.KlingDuplicateTaskError(1201, "External_task_id a already exists"),
    "1 problem": kling.KlingValidationError(["Give a prompt."]),
    "5000 problems": kling.KlingValidationError(["Give a prompt."] * 5000),
    "unknown code, HTTP 500": raised(envelope.read, 500, b'{"code": 5999, "message": "text"}'),
    "unknown code, HTTP 400": raised(envelope.read, 400, b'{"code": 1999, "message": "text"}'),
    "HTML": raised(envelope.read, 502, b"<html>502 Bad Gateway</html>"),
    "no code": raised(envelope.read, 200, b'{"code": []}'),
    "no task": raised(classic.read_task, envelope.Response(None, "r-1"), IMAGE2VIDEO),
    "unknown status": raised(
        classic.read_task, envelope.Response({"task_id": TASK_ID, "task_status": "resting"}, "r-1"), IMAGE2VIDEO
    ),
    "no account": raised(account.read_costs, envelope.Response(None, "r-1")),
    "account refused": raised(account.read_costs, envelope.Response({"code": 1100, "msg": "text"}, "r-1")),
    "endpoint": raised(product_of, "image-2-video"),
    "failed": raised(
        polling.require_success, task(TaskStatus.FAILED, "Image pixel is invalid"), Event("failed", TASK_ID)
    ),
    "moderated": raised(polling.require_success, task(TaskStatus.FAILED, MODERATED), Event("failed", TASK_ID)),
    "timeout": raised(
        polling.require_success, task(TaskStatus.PROCESSING), Event("timeout", TASK_ID, "60 s have passed")
    ),
    "broken": raised(polling.require_success, task(TaskStatus.PROCESSING), Event("error", TASK_ID, "boom")),
    "no result": raised(polling.require_success, task(TaskStatus.SUCCEED), Event("success", TASK_ID)),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_to_do_comes_within_the_part_of_a_line_that_a_log_shows(name):
    advice = SENTENCES[name].message.splitlines()[0].split(". ")[0]
    assert len(advice) <= kling.ADVICE_CHARACTERS, advice
    assert advice.split(" ")[0].rstrip(",") in {
        *("Ask", "Buy", "Change", "Check", "Correct", "Give", "Look", "Retry", "Top", "Try", "Use", "Wait"),
        "Nothing",  # was paid: correct ...
    }


@pytest.mark.parametrize("name", SENTENCES)
def test_what_support_asks_for_is_on_the_last_line_and_only_there(name):
    first, *others = SENTENCES[name].message.splitlines()
    for word in ("request_id", "HTTP "):
        assert word not in first
    assert len(others) <= 1 or name.endswith("problems")
    for nothing in ("None", "none", "HTTP 0", "request_id \n"):
        assert nothing not in SENTENCES[name].message


def test_the_example_of_an_account_in_arrears_reads_like_this():
    error = kling.KlingAccountError(1101, "Account in arrears", http_status=429, request_id="abc")
    assert str(error) == (
        "Top up the account: it is in arrears. Kling says: Account in arrears.\ncode 1101, HTTP 429, request_id abc"
    )


def test_only_known_details_are_printed():
    assert kling.KlingApiError(None, "").message == f"{kling.UNKNOWN_CODE_ADVICE} Kling gives no reason."
    assert kling.error_details() == ""
    assert kling.error_details(kling_task_id="7", code=0, http_status=0) == "\ntask 7, code 0"


@pytest.mark.parametrize("code", [*kling.KLING_CODES, None, 200, 1999, 40001, -1])
def test_only_klings_own_codes_below_5000_are_a_refusal_for_sure(code):
    assert kling.KlingApiError(code, "text").refused_for_sure is (code in kling.KLING_CODES and code < 5000)
    assert not kling.KlingConnectionError("text").refused_for_sure


FOREIGN = "half \ud83d an emoji " + "data:image/png;base64," + "A" * 3_000_000


def test_klings_messages_are_short_and_clean_everywhere():
    error = kling.KlingRequestError(1201, FOREIGN, request_id="r" * 10_000)
    assert len(error.message) < 1000
    assert len(error.request_id) <= kling.REQUEST_ID_CHARACTERS
    assert error.message.encode()
    assert "AAAA" not in error.message
    payload = Event("error", TASK_ID, FOREIGN).payload()
    assert len(payload["message"].encode()) < 2100


def test_the_xcom_of_a_failure_is_small_whatever_the_message(ti):
    push_failure(kling.KlingResultError(FOREIGN, kling_task_id="x" * 10_000), {"ti": ti})
    (left,) = [value for key, value in ti.xcoms.items() if key == "failure"]
    assert len(left["message"]) <= 500
    assert len(left["task_id"]) <= 128
    assert left["message"].encode()


def test_a_failure_that_cannot_be_stored_does_not_hide_what_failed(caplog):
    class Full(FakeTaskInstance):
        def xcom_push(self, key, value):
            raise OSError("disk full")

    with caplog.at_level(logging.WARNING, "airflow_provider_kling.results.failure"):
        push_failure(kling.KlingContentPolicyError(1301, "text"), {"ti": Full()})
    assert "disk full" in caplog.text
