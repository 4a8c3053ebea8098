"""Tab and gallery of an Airflow whose XCom backend keeps every value in object storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_4_PLUS
from airflow_provider_kling.utils._airflow.xcom_references import BACKEND
from dev.local_airflow import LocalAirflow

HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="Airflow 3.1 is the first with a place for the pages"),
]


@pytest.fixture(scope="module")
def keeping(tmp_path_factory, connection):
    """An Airflow whose database has references alone."""
    pytest.importorskip("airflow.providers.common.io.xcom.backend", reason="the provider common.io is missing")
    folder = tmp_path_factory.mktemp("keeping")
    env = {
        "AIRFLOW__CORE__XCOM_BACKEND": BACKEND,
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": (folder / "xcoms").as_uri(),
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "0",
    }
    folders = [HERE / "dags", HERE.parents[1] / "example_dags"]
    with LocalAirflow(folder / "airflow", folders, env, connections={"kling_default": connection}) as running:
        yield running


def test_a_video_whose_xcoms_are_kept_elsewhere_plays_and_is_on_the_sheet(keeping, tmp_path):
    run_id = keeping.trigger_dag("kling_quickstart", {"output_uri": f"{tmp_path.as_uri()}/"})
    assert keeping.wait_for_run("kling_quickstart", run_id) == "success"
    table = "xcom_v2" if AIRFLOW_V_3_4_PLUS else "xcom"
    rows = keeping.rows(f"SELECT value FROM {table} WHERE key = 'return_value'")
    assert rows
    assert all("/xcoms/kling_quickstart/" in row["value"] for row in rows)

    run = {"dag_id": "kling_quickstart", "run_id": run_id}
    view = keeping.page("kling/api/task", **run, task_id="store").json()
    assert (view["headline"], view["sentence"]) == ("Done", "")
    assert [step["label"] for step in view["time_line"]] == ["Accepted by Kling", "Made by Kling", "Stored"]
    (stored,) = tmp_path.glob("*.mp4")
    assert keeping.page("kling/api/file", **run, task_id="store", index=0).content == stored.read_bytes()

    response = keeping.page("kling/api/run", **run).json()
    (card,) = response["cards"]
    assert (card["task_id"], card["state"], card["files"], response["notes"]) == ("animate", "done", 1, [])
    where = dict(zip(("task_id", "map_index"), card["holder"], strict=True))
    assert keeping.page("kling/api/run/file", **run, **where).content == stored.read_bytes()


def test_a_batch_whose_xcoms_are_kept_elsewhere_is_a_card_for_each_item(keeping):
    run_id = keeping.trigger_dag("promise_batch")
    assert keeping.wait_for_run("promise_batch", run_id, timeout=120) == "success"
    response = keeping.page("kling/api/run", dag_id="promise_batch", run_id=run_id).json()
    assert (response["counts"]["done"], response["notes"]) == (12, [])
