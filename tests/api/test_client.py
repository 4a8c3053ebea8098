"""The client stands without Airflow's hook: settings in, Kling's nouns out."""

from __future__ import annotations

import io

import pytest

from airflow_provider_kling.api.auth import AccessKeyPair, ApiKey
from airflow_provider_kling.api.client import KlingClient
from airflow_provider_kling.api.settings import Settings
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingServerError,
    KlingTaskNotFoundError,
)
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.video import TEXT2VIDEO, TEXT_TO_VIDEO

BODY = {"model_name": "kling-v2-6", "prompt": "rain", "mode": "pro", "duration": "5", "external_task_id": "mine"}


@pytest.fixture(params=["key pair", "api key"])
def client(request, kling_simulator) -> KlingClient:
    credential = (
        ApiKey(kling_simulator.api_key)
        if request.param == "api key"
        else AccessKeyPair(kling_simulator.access_key, kling_simulator.secret_key)
    )
    return KlingClient(Settings(kling_simulator.url, credential, timeout_seconds=5, allow_private_urls=True))


def test_a_task_is_created_read_listed_and_downloaded(client, kling_simulator):
    created = client.create_once(TEXT2VIDEO, BODY)
    assert created.external_task_id == "mine"
    kling_simulator.finish(created.task_id)
    task = client.get_task(TEXT2VIDEO, "mine")
    assert (task.task_id, task.status) == (created.task_id, TaskStatus.SUCCEED)
    assert [listed.task_id for listed in client.list_tasks(TEXT2VIDEO, 1, 500)] == [task.task_id]
    found, rest = client.get_tasks_in_bulk([TaskRef("text2video", task.task_id)])
    assert [*found, *rest] == [TaskRef("text2video", task.task_id)]
    target = io.BytesIO()
    assert client.download(task.link, target).bytes == len(target.getvalue()) > 0


def test_a_missing_task_is_an_error(client):
    with pytest.raises(KlingTaskNotFoundError):
        client.get_task(TEXT2VIDEO, "nobodys")


def test_a_credential_is_checked_for_free(client, kling_simulator):
    client.check_credential()
    wrong = KlingClient(Settings(kling_simulator.url, ApiKey("api-key-kling-unknown")))
    with pytest.raises(KlingAuthenticationError):
        wrong.check_credential()
    assert kling_simulator.requests(method="POST") == []


NEW_BODY = {"model_name": "kling-3.0-turbo", "prompt": "rain", "duration": "3", "external_task_id": "mine"}


@pytest.fixture
def keyed(kling_simulator) -> KlingClient:
    return KlingClient(Settings(kling_simulator.url, ApiKey(kling_simulator.api_key), allow_private_urls=True))


@pytest.fixture
def paired(kling_simulator) -> KlingClient:
    pair = AccessKeyPair(kling_simulator.access_key, kling_simulator.secret_key)
    return KlingClient(Settings(kling_simulator.url, pair, allow_private_urls=True))


def test_the_model_decides_the_path_of_the_submission(keyed, kling_simulator):
    created = keyed.create_once(TEXT2VIDEO, NEW_BODY)
    (sent,) = kling_simulator.requests(method="POST")
    assert sent["path"] == "/text-to-video/kling-3.0-turbo"
    assert sent["body"] == {"prompt": "rain", "settings": {"duration": 3}, "options": {"external_task_id": "mine"}}
    assert (created.endpoint, created.external_task_id) == ("text-to-video", "mine")
    kling_simulator.finish(created.task_id)
    for name in (created.task_id, "mine"):
        task = keyed.get_task(TEXT_TO_VIDEO, name)
        assert (task.status, task.units) == (TaskStatus.SUCCEED, "2.4")
        assert task.videos


def test_a_key_pair_gets_advice_before_anything_is_sent(paired, kling_simulator):
    for call in (
        lambda: paired.create_once(TEXT2VIDEO, NEW_BODY),
        lambda: paired.get_task(TEXT_TO_VIDEO, "mine"),
        lambda: paired.list_tasks(TEXT_TO_VIDEO, 1, 500),
    ):
        with pytest.raises(KlingConfigurationError, match="Give the connection an API key"):
            call()
    assert kling_simulator.requests() == []


def test_whoever_does_not_know_the_generation_finds_the_task_nevertheless(keyed, paired, kling_simulator):
    created = keyed.create_once(TEXT2VIDEO, NEW_BODY)
    for name in (created.task_id, "mine"):
        assert keyed.get_task_of_any_generation(TEXT2VIDEO, name).task_id == created.task_id
    with pytest.raises(KlingTaskNotFoundError):
        keyed.get_task_of_any_generation(TEXT2VIDEO, "nobodys")
    with pytest.raises(KlingTaskNotFoundError):
        paired.get_task_of_any_generation(TEXT2VIDEO, created.task_id)


def test_a_transient_failure_is_not_taken_for_absence(keyed, kling_simulator):
    created = keyed.create_once(TEXT2VIDEO, NEW_BODY)
    kling_simulator.fault(http_status=503, code=5001, product="tasks", operation="query")
    with pytest.raises(KlingServerError):
        keyed.get_task_of_any_generation(TEXT2VIDEO, created.task_id, tries=1)


def test_twenty_tasks_are_read_in_a_call(keyed, kling_simulator):
    made = [
        keyed.create_once(TEXT2VIDEO, {**NEW_BODY, "external_task_id": f"n-{number}"}).task_id for number in range(5)
    ]
    refs = [TaskRef("text-to-video", task_id) for task_id in [*made, *(str(10**17 + number) for number in range(16))]]
    found, _ = keyed.get_tasks_in_bulk(refs)
    assert {ref.task_id for ref in found} == set(made)
    sizes = [len(request["query"]["task_ids"].split(",")) for request in kling_simulator.requests(method="GET")]
    assert sorted(sizes) == [1, 20]


def test_pages_of_the_second_generation_follow_one_another(keyed):
    made = [keyed.create_once(TEXT2VIDEO, {**NEW_BODY, "external_task_id": f"n-{number}"}) for number in range(3)]
    pages = [keyed.list_tasks(TEXT_TO_VIDEO, number, 2) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert {task.task_id for page in pages for task in page} == {task.task_id for task in made}


def test_tasks_of_both_generations_are_read_in_one_call(keyed, kling_simulator):
    old, new = keyed.create_once(TEXT2VIDEO, BODY), keyed.create_once(TEXT2VIDEO, {**NEW_BODY, "external_task_id": "n"})
    refs = [TaskRef(task.endpoint, task.task_id) for task in (old, new)]
    found, rest = keyed.get_tasks_in_bulk(refs)
    assert ([found[ref].endpoint for ref in refs], rest) == (["text2video", "text-to-video"], [])
    assert len(kling_simulator.requests(method="GET")) == 1
