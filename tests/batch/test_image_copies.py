"""Images beside a plan: there when the batch runs, and gone when it was refused."""

from __future__ import annotations

import asyncio

import pytest
from object_store import BUCKET
from support import PHOTOGRAPH, FakeTaskInstance
from support_batch import deferred, fire, operator, posts, set_fast_pace

from airflow_provider_kling.exceptions import KlingBudgetError, KlingStorageError, KlingValidationError


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


PICTURE = PHOTOGRAPH.read_bytes()
OTHER = PICTURE + b"\0"


class Alone(FakeTaskInstance):
    """The only Kling task of its Dag run."""

    def xcom_pull(self, task_ids, key, map_indexes=None):
        return [] if isinstance(task_ids, list) else super().xcom_pull(task_ids, key, map_indexes)


GOOD, BAD = {"image": PICTURE, "prompt": "A boat"}, {"image": OTHER, "prompt": "A boat", "cfg_scale": 7}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"items": [GOOD, BAD]}, KlingValidationError),
        ({"items": [BAD, GOOD]}, KlingValidationError),
        ({"items": [{**GOOD, "key": "a"}, {**GOOD, "key": "a"}]}, KlingValidationError),
        ({"items": [GOOD, {**GOOD, "prompt": b"\xff"}]}, KlingValidationError),
        ({"items": [GOOD], "max_run_usd": 0.01}, KlingBudgetError),
    ],
)
def test_a_refused_batch_leaves_nothing(kling, tmp_path, change, error):
    with pytest.raises(error):
        operator(tmp_path, **change).execute({"ti": Alone()})
    assert [path.name for path in tmp_path.rglob("*")] == []
    assert posts(kling) == []


def test_a_refused_retry_leaves_what_the_batch_before_needs(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, items=[GOOD])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KlingValidationError):
        operator(tmp_path, items=[GOOD, {"image": OTHER, "prompt": "A boat"}, BAD]).execute({"ti": ti})
    assert sorted(tmp_path.rglob("*")) == before
    assert asyncio.run(fire(trigger))["summary"]["done"] == 1


def test_a_refused_batch_leaves_nothing_on_object_storage(kling, ti, object_store):
    made = operator("", items=[GOOD, BAD], output_uri=f"s3://{BUCKET}/videos/", output_conn_id="store")
    with pytest.raises(KlingValidationError):
        made.execute({"ti": ti})
    assert object_store.keys() == []


def test_a_storage_without_delete_permission_keeps_them_and_the_error_stays(kling, ti, object_store, logged):
    object_store.broken = lambda environ: environ.get("QUERY_STRING", "").startswith("delete")
    made = operator("", items=[GOOD, BAD], output_uri=f"s3://{BUCKET}/videos/", output_conn_id="store")
    with pytest.raises(KlingValidationError, match="cfg_scale"):
        made.execute({"ti": ti})
    assert len(object_store.keys()) == 1


def test_a_storage_that_breaks_between_two_images_is_an_error_of_its_own(kling, ti, object_store):
    object_store.broken = lambda environ: environ["REQUEST_METHOD"] == "PUT" and bool(object_store.keys())
    items = [GOOD, {"image": OTHER, "prompt": "A boat"}]
    made = operator("", items=items, output_uri=f"s3://{BUCKET}/videos/", output_conn_id="store")
    with pytest.raises(KlingStorageError):
        made.execute({"ti": ti})
    assert object_store.keys() == []
