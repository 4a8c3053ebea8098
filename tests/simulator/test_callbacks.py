import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airflow_provider_kling.simulator.callbacks import sign

from .support import eventually

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


class Receiver:
    """Keeps what was posted; answers with ``statuses`` in turn, then 200."""

    def __init__(self, statuses=()):
        self.got = []
        responses = list(statuses)
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((dict(self.headers), body))
                self.send_response(responses.pop(0) if responses else 200)
                self.end_headers()

            def log_message(self, *_arguments):
                """Keep the test output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def bodies(self):
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receive():
    receivers = []

    def begin(*statuses):
        receivers.append(Receiver(statuses))
        return receivers[-1]

    yield begin
    for receiver in receivers:
        receiver.server.shutdown()
        receiver.server.server_close()


def test_the_signature_is_the_one_of_the_published_test_vector():
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
    )
    signature = sign(SECRET, message_id="9876543210", timestamp="1781080794", body=body)
    assert signature == "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="


def test_every_change_of_status_is_posted_in_order_as_a_bare_task(kling, receive):
    receiver = receive()
    task_id = kling.create(callback_url=receiver.url, external_task_id="a")
    kling.simulator.finish(task_id)
    submitted, processing, done = eventually(lambda: len(receiver.got) == 3 and receiver.bodies())
    assert [body["task_status"] for body in (submitted, processing, done)] == ["submitted", "processing", "succeed"]
    assert submitted.keys() == {
        "task_id", "task_status", "task_status_msg", "created_at", "updated_at", "task_info", "task_result",
    }  # fmt: skip
    assert submitted["task_result"] == {"images": [], "videos": []}
    assert done.keys() == submitted.keys() | {"final_unit_deduction", "final_balance_deduction"}
    assert done["task_info"] == {"parent_video": {"id": "", "url": "", "duration": ""}, "external_task_id": "a"}
    assert done["task_result"]["videos"] == kling.task(task_id)["task_result"]["videos"]
    assert "webhook-signature" not in {name.lower() for name in receiver.got[0][0]}


def test_a_failure_is_posted_with_its_message_and_no_cost(kling, receive):
    receiver = receive()
    kling.simulator.finish(kling.create(callback_url=receiver.url), failure="no")
    failed = eventually(lambda: len(receiver.got) == 3 and receiver.bodies()[-1])
    assert (failed["task_status"], failed["task_status_msg"], failed["final_unit_deduction"]) == ("failed", "no", "0")


def test_a_signed_callback_verifies_against_the_raw_body(start, receive):
    kling, receiver = start(webhook_secret=SECRET), receive()
    kling.create(callback_url=receiver.url)
    headers, body = eventually(lambda: receiver.got and receiver.got[0])
    headers = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert headers["webhook-signature"] == sign(SECRET, message_id=message_id, timestamp=timestamp, body=body)
    assert abs(time.time() - int(timestamp)) < 10


def test_a_refused_callback_is_tried_again_with_the_same_id(start, receive):
    kling, receiver = start(webhook_secret=SECRET, time_scale=0.01), receive(500, 503)
    task_id = kling.create(callback_url=receiver.url)
    eventually(lambda: len(receiver.got) == 3)
    ids = {headers.get("webhook-id") or headers.get("Webhook-Id") for headers, _ in receiver.got}
    assert len(ids) == 1
    deliveries = eventually(lambda: len(kling.simulator.callbacks()) == 3 and kling.simulator.callbacks())
    assert [(delivery["attempt"], delivery["answer"]) for delivery in deliveries] == [(1, 500), (2, 503), (3, 200)]
    assert {delivery["task_id"] for delivery in deliveries} == {task_id}


def test_retries_end_and_can_be_switched_off(start):
    kling = start(callback_retries=1, time_scale=0.01)
    kling.create(callback_url="http://127.0.0.1:9/nobody")
    never = start(callback_retries=0, time_scale=0.01)
    never.create(callback_url="http://127.0.0.1:9/nobody")
    eventually(lambda: len(kling.simulator.callbacks()) == 2)
    time.sleep(0.1)
    assert [delivery["answer"] for delivery in kling.simulator.callbacks()] == ["ClientConnectorError"] * 2
    assert len(never.simulator.callbacks()) == 1


def test_a_callback_url_that_is_invalid_does_not_disturb_the_task(start):
    kling = start(callback_retries=0)
    seen = kling.finished(kling.create(callback_url="not a url"))
    assert seen["task_status"] == "succeed"


def test_a_task_of_the_second_generation_is_posted_with_its_own_field_names(kling, receive):
    receiver = receive()
    body = {"prompt": "a cat", "options": {"callback_url": receiver.url, "external_task_id": "a"}}
    task_id = kling.send("POST", "/text-to-video/kling-3.0-turbo", json=body).json()["data"]["id"]
    kling.simulator.finish(task_id)
    submitted, _processing, done = eventually(lambda: len(receiver.got) == 3 and receiver.bodies())
    assert submitted.keys() == {"id", "status", "message", "create_time", "update_time", "external_id", "outputs"}
    assert [done] == kling.get("/tasks", task_ids=task_id).json()["data"]
    assert [delivery["task_status"] for delivery in kling.simulator.callbacks()][:2] == ["submitted", "processing"]


def test_the_field_names_of_a_v2_callback_are_a_setting(start, receive):
    kling, receiver = start(v2_callback="classic"), receive()
    body = {"prompt": "a cat", "options": {"callback_url": receiver.url}}
    kling.send("POST", "/text-to-video/kling-3.0-turbo", json=body)
    (submitted,) = eventually(lambda: receiver.got and receiver.bodies())
    assert submitted["task_status"] == "submitted"


def test_a_long_run_keeps_nothing_of_the_callbacks_of_tasks_that_ended(start, receive):
    receiver = receive()
    kling = start()
    for _ in range(3):
        kling.simulator.finish(kling.create(callback_url=receiver.url))
    eventually(lambda: [body["task_status"] for body in receiver.bodies()].count("succeed") == 3)
    locks = kling.simulator._server._service.callbacks._locks
    eventually(lambda: not locks)
