"""The gallery in a real API server: what a run has made, from Airflow's own database and a batch's manifest."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="Airflow 3.1 is the first with a place for the gallery"),
]


def gallery(airflow, path="api/run", **query):
    return airflow.page(f"kling/{path}", **query)


def test_airflow_lists_the_gallery_on_dag_runs(airflow):
    views = [view for plugin in airflow.get("plugins")["plugins"] for view in plugin["external_views"]]
    (view,) = [view for view in views if view["destination"] == "dag_run"]
    assert (view["name"], view["url_route"]) == ("Kling", "kling-gallery")
    assert gallery(airflow, "gallery").headers["Content-Type"].startswith("text/html")


def test_submit_wait_and_store_are_one_card_with_poster_and_video(airflow, tmp_path):
    pytest.importorskip("av", reason="the extra posters is not installed")
    run_id = airflow.trigger_dag("kling_quickstart", {"output_uri": f"{tmp_path.as_uri()}/"})
    assert airflow.wait_for_run("kling_quickstart", run_id) == "success"
    run = {"dag_id": "kling_quickstart", "run_id": run_id}
    response = gallery(airflow, **run).json()
    (card,) = response["cards"]
    assert (card["task_id"], card["state"], card["files"], card["poster"]) == ("animate", "done", 1, True)
    assert response["sentence"].startswith("1 of 1 done, took ")
    assert response["refresh_seconds"] == 0

    where = {**run, **dict(zip(("task_id", "map_index"), card["holder"], strict=True)), "item": card["item"]}
    (stored,), (drawn,) = tmp_path.glob("*.mp4"), tmp_path.glob("*.poster.jpg")
    assert gallery(airflow, "api/run/file", **where).content == stored.read_bytes()
    poster = gallery(airflow, "api/run/file", **where, what="poster")
    assert (poster.headers["Content-Type"], poster.content) == ("image/jpeg", drawn.read_bytes())


def test_a_batch_is_a_card_for_each_item(airflow):
    run_id = airflow.trigger_dag("promise_batch")
    assert airflow.wait_for_run("promise_batch", run_id, timeout=120) == "success"
    response = gallery(airflow, dag_id="promise_batch", run_id=run_id).json()
    assert (response["counts"]["done"], response["notes"]) == (12, [])
    assert {card["item"] for card in response["cards"]} == set(range(12))


def test_a_run_costs_a_few_queries_however_many_tasks_it_has(airflow):
    """Of a run with mapped tasks, in a process that counts what it sends to Airflow's database."""
    with_tasks = airflow.rows(
        "SELECT dag_id, run_id FROM task_instance GROUP BY dag_id, run_id ORDER BY count(*) DESC"
    )[0]
    program = """
import json, sys
from sqlalchemy import event
from airflow import settings
from airflow_provider_kling.utils._airflow.run_reader import read_run
read_run("warm", "up")
sent = []
event.listen(settings.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
tasks = read_run(*sys.argv[1:])
print(json.dumps([len(tasks), [query for query in sent if query.lstrip().upper().startswith("SELECT")]]))
"""
    environment = {**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow.home / 'airflow.db'}"}
    command = [sys.executable, "-c", program, with_tasks["dag_id"], with_tasks["run_id"]]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    tasks, sent = json.loads(done.stdout.splitlines()[-1])
    assert tasks >= 1
    assert len(sent) <= 4, sent
