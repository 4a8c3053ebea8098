"""Sensor, trigger and transfer for every product of the catalogue that has tasks, in each generation that serves it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
import pytest
from test_catalogue import OPERATORS
from test_every_operation import REQUESTS, account, simulator  # noqa: F401 - fixtures

from airflow_provider_kling.products.catalogue import PRODUCTS, V2_PRODUCTS
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.triggers import KlingTaskTrigger

#: Product and model; no model is the product's own default. What answers at once has no task that could be waited for.
ROWS = [
    *((name, "") for name, product in PRODUCTS.items() if product.answers == "task"),
    *((product.counterpart, product.default_model) for product in V2_PRODUCTS.values()),
]

#: What has no file, only an id for later requests.
WITHOUT_FILES = {"advanced-custom-elements"}


def submitted(account, endpoint: str, model: str):  # noqa: F811 - the fixture
    fields = REQUESTS[OPERATORS[endpoint].__name__](account)
    extra = fields.pop("extra_body", None)
    named = {"model_name": model} if model else {}
    return account.hook.create_task(endpoint, {**fields, **named}, extra_body=extra)


async def fired(trigger: KlingTaskTrigger) -> dict:
    (event,) = [event async for event in trigger.run()]
    return event.payload


@pytest.mark.parametrize(("endpoint", "model"), ROWS)
def test_a_task_is_waited_for_on_a_worker_and_in_the_triggerer_and_stored(
    account,  # noqa: F811 - the fixture
    ti,
    tmp_path,
    monkeypatch,
    endpoint,
    model,
):
    monkeypatch.setattr(KlingTaskTrigger, "min_deferral", 0.0)
    task_id = submitted(account, endpoint, model).task_id
    known = {"kling_task_id": task_id, "endpoint": endpoint}
    event = asyncio.run(fired(KlingTaskTrigger(**known, poll_interval=0.1)))
    assert (event["status"], event["kling_task_id"]) == ("success", task_id)
    manifest = KlingTaskSensor(task_id="wait", **known, deferrable=False, poke_interval=0.05).execute({"ti": ti})
    assert (manifest["task_id"], manifest["status"]) == (task_id, "succeed")
    stored = KlingToObjectStorageOperator(task_id="store", manifest=manifest, output_uri=f"file://{tmp_path}/")
    files = [Path(file["uri"].removeprefix("file://")) for file in stored.execute({"ti": ti})["files"]]
    assert bool(files) is (endpoint not in WITHOUT_FILES)
    for file in files:
        with av.open(str(file)) as container:
            assert next(container.decode(container.streams[0]))


def test_every_product_is_walked():
    at_once = {name for name, product in PRODUCTS.items() if product.answers != "task"}
    assert {endpoint for endpoint, _ in ROWS} | at_once == set(PRODUCTS)
    assert {product.counterpart for product in V2_PRODUCTS.values()} == {name for name, model in ROWS if model}
