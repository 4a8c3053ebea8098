"""The client stands without Airflow's hook: settings in, Kling's nouns out."""

from __future__ import annotations

import io

import pytest

from airflow_provider_kling.api.auth import AccessKeyPair, ApiKey
from airflow_provider_kling.api.client import KlingClient
from airflow_provider_kling.api.reads import TaskRef
from airflow_provider_kling.api.settings import Settings
from airflow_provider_kling.exceptions import KlingAuthenticationError, KlingTaskNotFoundError
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.video import TEXT2VIDEO

BODY = {"model_name": "kling-v2-6", "prompt": "rain", "mode": "pro", "duration": "5", "external_task_id": "mine"}


@pytest.fixture(params=["key pair", "api key"])
def client(request, kling_simulator) -> KlingClient:
    credential = (
        ApiKey(kling_simulator.api_key)
        if request.param == "api key"
        else AccessKeyPair(kling_simulator.access_key, kling_simulator.secret_key)
    )
    return KlingClient(Settings(kling_simulator.url, credential, timeout_seconds=5, allow_private_urls=True))


def test_a_task_is_made_read_listed_and_fetched(client, kling_simulator):
    created = client.create_once(TEXT2VIDEO, BODY)
    assert created.external_task_id == "mine"
    kling_simulator.finish(created.task_id)
    task = client.get_task(TEXT2VIDEO, "mine")
    assert (task.task_id, task.status) == (created.task_id, TaskStatus.SUCCEED)
    assert [listed.task_id for listed in client.list_tasks(TEXT2VIDEO, 1, 500)] == [task.task_id]
    found, rest = client.get_together([TaskRef("text2video", task.task_id)])
    assert [*found, *rest] == [TaskRef("text2video", task.task_id)]
    target = io.BytesIO()
    assert client.download(task.link, target).bytes == len(target.getvalue()) > 0


def test_a_task_that_is_not_there_is_an_error_and_not_nothing(client):
    with pytest.raises(KlingTaskNotFoundError):
        client.get_task(TEXT2VIDEO, "nobodys")


def test_a_credential_is_checked_for_free(client, kling_simulator):
    client.check_credential()
    wrong = KlingClient(Settings(kling_simulator.url, ApiKey("api-key-kling-unknown")))
    with pytest.raises(KlingAuthenticationError):
        wrong.check_credential()
    assert kling_simulator.requests(method="POST") == []
