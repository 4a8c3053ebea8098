"""A paid call whose answer is anything: what Kling made is delivered, and made once."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from adversary.fuzzing.fuzzer import assert_readable, damaged_json, fuzz, odd_json
from adversary.scripted import Reply, kling, task
from hypothesis import strategies as st

from airflow_provider_kling.exceptions import KLING_CODES, KlingError
from airflow_provider_kling.hooks import KlingHook

BODY = {"model_name": "kling-v3", "prompt": "a rocket", "image": "https://h.example/rocket.jpg"}

whole = {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": task()}
responses = st.tuples(
    st.sampled_from([200, 201, 204, 302, 404, 408, 429, 500, 502, 504]),
    st.one_of(damaged_json(whole), odd_json, st.just(...)),
)


class Account:
    """A Kling that makes the task and answers the paid call with anything; its reads are good."""

    def __init__(self) -> None:
        self.made: dict[str, int] = {}
        self.response = (200, whole)

    def __call__(self, request):
        if request.method == "GET":
            name = unquote(request.path.rpartition("/")[2])
            if name in self.made:
                return kling(self._task(name))
            return kling(code=1201, message=f"Task not found by id/external id: {name}", status=400)
        name = request.json["external_task_id"]
        if name in self.made:
            return kling(code=1201, message=f"External_task_id {name} already exists", status=400)
        self.made[name] = len(self.made)
        status, body = self.response
        return Reply(b"" if body is ... else json.dumps(body), status=status, cut=body is ...)

    def _task(self, name):
        return task(task_id=str(179527409186300000 + self.made[name]), task_info={"external_task_id": name})


def is_sure_refusal(status, body):
    """What a server that has just made the task would never say: a code of Kling's, or that there is no such route."""
    code = body.get("code") if isinstance(body, dict) else None
    try:
        if 0 < int(code) < 5000 and int(code) in KLING_CODES:
            return True
    except (TypeError, ValueError, OverflowError):
        pass
    return status == 404


def test_a_finished_result_is_delivered_whatever_the_response_was(scripted, no_waiting, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    account = Account()
    scripted(account)
    hook = KlingHook()
    numbers = iter(range(10**9))

    def check(response):
        name, account.response = f"fuzz-{next(numbers)}", response
        made = len(account.made)
        try:
            done = hook.submit("image2video", BODY, external_task_id=name, look_up_first=False)
        except KlingError as error:
            assert_readable(error)
            forgotten = not (is_sure_refusal(*response) or error.transient)
            if forgotten:
                pytest.fail(f"a retry has to look this task up: {error}")
        else:
            assert done.task.task_id
        assert len(account.made) == made + 1, "made once"

    fuzz(responses, check, share=2.0)
