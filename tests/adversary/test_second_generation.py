"""Lost, damaged and foreign responses of the second generation: one task is paid and delivered."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from adversary.scripted import Reply, kling
from support import FakeTaskInstance, limit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingOmniVideoOperator, KlingSolutionOperator, KlingTextToVideoOperator

WAITS = {"task_id": "make", "deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}


def record(task_id, external_id, status="succeeded"):
    now = int(time.time() * 1000)
    video = {"type": "video", "id": "1", "url": "https://host.example/v.mp4", "duration": 5}
    return {
        "id": task_id,
        "external_id": external_id,
        "status": status,
        "create_time": now,
        "update_time": now,
        "outputs": [video] if status == "succeeded" else [],
    }


class Server:
    """Makes a task for each new id, whatever it says to the first POST and to the first looks."""

    def __init__(self, said, looks):
        self.said, self.looks, self.tasks = [said], list(looks), {}

    def __call__(self, request):
        if request.method == "POST":
            return self.create(request.json["options"]["external_task_id"])
        if self.looks:
            return self.looks.pop(0)
        asked = parse_qs(urlsplit(request.path).query)
        names = {*asked.get("external_task_ids", []), *asked.get("task_ids", [])}
        return kling([task for task in self.tasks.values() if names & {task["id"], task["external_id"]}])

    def create(self, name):
        if name in self.tasks:
            return kling(code=1201, message=f"External_task_id {name} already exists", status=400)
        self.tasks[name] = record(str(990000000000000000 + len(self.tasks)), name)
        return self.said.pop(0) if self.said else kling({**self.tasks[name], "status": "submitted", "outputs": []})


SAID = {
    "cut": Reply(cut=True),
    "gateway": Reply("<html>502</html>", status=502),
    "page": Reply("<html>ok</html>"),
    "login of a network": Reply("<html>log in</html>", status=511),
    "redirect": Reply(b"", status=308, headers={"Location": "/elsewhere"}),
    "no data": kling(None),
    "empty list": kling([]),
    "id that is a path": kling({"id": "../x"}),
    "no id": kling({"id": None, "status": "submitted"}),
    "server error": kling(code=5000, status=500, message="x"),
    "foreign code": kling(code="weird", message="?"),
    "another task": kling(record("123456789012345678", "of-somebody")),
    "cut in the middle": Reply(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"code":0', raw=True),
    "long id": kling(code=200, data={"task": {"task_id": "x" * 300}}),
    "UTF-16": Reply(b"\xff\xfe" + '{"code":1e999}'.encode("utf-16-le")),
    "NaN, twice": Reply('{"code":0,"code":NaN,"data":{}}'),
    "deep": Reply("[" * 100_000),
    "long number": Reply('{"code":' + "9" * 5000 + "}"),
}

LOOKS = {
    "at once": [],
    "server away": [Reply("<html>", status=503)] * 2,
    "no list": [kling({"x": 1})],
    "another task": [kling([record("880000000000000001", "of-somebody")])],
}

OPERATORS = {
    "text": lambda: KlingTextToVideoOperator(**WAITS, prompt="A boat", model_name="kling-3.0-turbo"),
    "omni": lambda: KlingOmniVideoOperator(
        **WAITS, prompt="A boat", duration=5, mode="pro", aspect_ratio="16:9", model_name="kling-3.0-omni"
    ),
    "scenario": lambda: KlingSolutionOperator(**WAITS, solution="talking-agent", extra_body={"topic": "boats"}),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("looks", LOOKS)
@pytest.mark.parametrize("said", SAID)
def test_one_task_is_paid_and_delivered_whatever_is_returned(scripted, monkeypatch, no_waiting, said, looks, operator):
    limit(monkeypatch, read_attempts=1)
    server = Server(SAID[said], LOOKS[looks])
    scripted(server)
    manifest = delivered(OPERATORS[operator])
    (made,) = server.tasks.values()
    assert (manifest["task_id"], manifest["external_task_id"]) == (made["id"], made["external_id"])
    assert manifest["videos"]


def delivered(make, tries=6):
    """What the first try returns that succeeds; Airflow makes another one for each error that is not permanent."""
    for number in range(1, tries):
        try:
            return make().execute({"ti": FakeTaskInstance(try_number=number)})
        except errors.KlingError as error:
            if not error.transient:
                raise
    return make().execute({"ti": FakeTaskInstance(try_number=tries)})
