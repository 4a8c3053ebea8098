"""Tests of the scripted server itself."""

from __future__ import annotations

import requests
from adversary.scripted import Reply, kling, task


def test_it_responds_in_turn_and_repeats_the_last(scripted):
    server = scripted([kling(task()), Reply("gone", status=503)])
    responses = [requests.post(server.url, json={"n": number}, timeout=5) for number in range(3)]
    assert [response.status_code for response in responses] == [200, 503, 503]
    assert responses[0].json()["data"]["task_status"] == "submitted"
    assert [request.json for request in server.posts()] == [{"n": 0}, {"n": 1}, {"n": 2}]
