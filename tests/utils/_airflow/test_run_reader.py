"""What the pages read of Airflow's database, from a real one: any XCom, of any size, spoils nothing but itself."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS

if not AIRFLOW_V_3_1_PLUS:
    pytest.skip("Airflow 3.1 is the first with a place for the pages", allow_module_level=True)

from airflow.models.base import Base
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel  # noqa: F401 - a table that others refer to
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from sqlalchemy.orm import Session

from airflow_provider_kling.models import SUBMISSION_KEY
from airflow_provider_kling.triggers import KlingSubmitTrigger
from airflow_provider_kling.utils._airflow import api_server, run_reader
from airflow_provider_kling.utils._airflow.api_server import TaskKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.triggers.base import KlingTrigger

NOW = datetime.now(UTC)
MANIFEST = {"task_id": "1", "status": "succeed"}


class Database:
    """Task instances of the run ``r`` of the Dag ``d``, and their XComs as the text that the database keeps."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def add(self, task_id: str, map_index: int = -1, /, trigger: KlingTrigger | None = None, **xcoms: str) -> None:
        place = {"dag_id": "d", "run_id": "r", "task_id": task_id, "map_index": map_index}
        # Airflow before 3.2 keeps ids as text.
        number = uuid.uuid4()
        is_text = isinstance(TaskInstance.__table__.c.id.type, sa.String)
        columns = {
            "id": str(number) if is_text else number,
            "operator": "KlingTextToVideoOperator",
            "pool": "p",
            "pool_slots": 1,
        }
        row = {**place, **columns, "try_number": 1, "max_tries": 0}
        if trigger:
            stored = Trigger(*trigger.serialize())
            self.session.add(stored)
            self.session.flush()
            row["trigger_id"] = stored.id
        self.session.execute(sa.insert(TaskInstance.__table__).values(row))
        for key, text in xcoms.items():
            # As text: what Airflow's own column would never write may still stand there.
            values = {**place, "dag_run_id": 1, "key": key, "value": text, "timestamp": NOW}
            table = sa.table("xcom", *map(sa.column, values))
            self.session.execute(sa.insert(table).values(values))


@pytest.fixture
def database(monkeypatch) -> Iterator[Database]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        run = {"id": 1, "dag_id": "d", "run_id": "r", "run_type": "manual", "run_after": NOW}
        session.execute(sa.insert(DagRun.__table__).values(run))
        for module in (run_reader, api_server):
            monkeypatch.setattr(module, "create_session", lambda scoped: contextlib.nullcontext(session))
        yield Database(session)


def returned() -> dict[str, object]:
    return {task.task_id: task.xcoms.get("return_value") for task in run_reader.read_run("d", "r")}


def tab_of(task_id: str) -> dict[str, object]:
    return api_server.read_task(TaskKey("d", "r", task_id, -1)).xcoms


@pytest.mark.parametrize(
    "odd",
    [
        json.dumps("[" * 100_000),
        json.dumps("[" * 5000 + "]" * 5000),
        "[" * 5000 + "]" * 5000,
        '{"updated_at": ' + "9" * 5000 + "}",
        json.dumps({"task_id": "x" * 3_000_000}),
        "not JSON",
    ],
    ids=["deep text", "deep text that ends", "deep", "a long number", "three megabytes", "no JSON"],
)
def test_an_xcom_that_nobody_can_read_leaves_the_others_and_the_page(database, odd):
    database.add("bad", return_value=odd)
    database.add("good", return_value=json.dumps(MANIFEST))
    assert returned()["good"] == MANIFEST
    assert not isinstance(returned()["bad"], dict)
    assert not isinstance(tab_of("bad").get("return_value"), dict)


def test_what_another_backend_keeps_elsewhere_is_text(database):
    database.add("t", return_value=json.dumps("s3://bucket/xcom/1.json"))
    assert returned() == {"t": "s3://bucket/xcom/1.json"}
    database.add("u", return_value=json.dumps(json.dumps(MANIFEST)))
    assert returned()["u"] == MANIFEST


def test_the_tab_reads_only_the_xcoms_that_it_shows(database):
    told = {SUBMISSION_KEY: '{"accepted_at": 1}', "progress": "{}", "failure": "{}", "return_value": "{}"}
    database.add("t", **told, frames=json.dumps("x" * 100))
    assert tab_of("t").keys() == told.keys()


def test_no_more_is_read_at_once_than_the_api_server_can_hold(database):
    for number in range(30):
        database.add("t", number, return_value=json.dumps({"task_id": "x" * 980}))
    tasks = run_reader.read_run("d", "r", most=10_000)
    assert len(tasks) == 30
    assert sum("return_value" in task.xcoms for task in tasks) == 10


@pytest.mark.parametrize(("xcoms", "waits_in"), [({}, "KlingSlotTrigger"), ({"task_id": '"179"'}, "KlingTaskTrigger")])
def test_a_trigger_that_submits_is_one_for_a_slot_until_kling_has_accepted_the_task(database, xcoms, waits_in):
    trigger = KlingSubmitTrigger(since=5.0, external_task_id="af-1")
    database.add("t", trigger=trigger, **xcoms)
    (task,) = run_reader.read_run("d", "r")
    assert task.trigger == api_server.read_task(TaskKey("d", "r", "t", -1)).trigger == waits_in
