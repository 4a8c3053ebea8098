"""The scripted server does what the other tests of this folder count on."""

from __future__ import annotations

import requests
from adversary.scripted import Reply, kling, task


def test_it_answers_in_turn_and_repeats_the_last(scripted):
    server = scripted([kling(task()), Reply("gone", status=503)])
    answers = [requests.post(server.url, json={"n": number}, timeout=5) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 503, 503]
    assert answers[0].json()["data"]["task_status"] == "submitted"
    assert [request.json for request in server.posts()] == [{"n": 0}, {"n": 1}, {"n": 2}]
