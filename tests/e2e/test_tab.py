"""The tab Kling in a real API server: it is there, plays what was stored, and asks who looks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS
from dev.local_airflow import LocalAirflow

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="Airflow 3.1 is the first with a place for the tab")


def tab(airflow, path="api/task", headers=None, **query):
    return airflow.page(f"kling/{path}", headers, **query)


def asked(airflow, path, headers=None, **query):
    """The answer to somebody who brings these headers and no others."""
    return requests.get(f"{airflow.url}/kling/{path}", params=query, headers=headers, timeout=60)


def test_airflow_lists_the_tab_on_task_instances(airflow):
    views = [view for plugin in airflow.get("plugins")["plugins"] for view in plugin["external_views"]]
    (view,) = [view for view in views if view["destination"] == "task_instance"]
    assert view["url_route"] == "kling"
    assert airflow.get("plugins/importErrors")["total_entries"] == 0
    assert tab(airflow, "task").headers["Content-Type"].startswith("text/html")


def test_it_plays_the_file_that_the_task_stored(airflow, tmp_path):
    conf = {"output_uri": f"{tmp_path.as_uri()}/", "prompt": "It moves <b>"}
    run_id = airflow.trigger_dag("kling_quickstart", conf)
    state = airflow.wait_for_run("kling_quickstart", run_id)
    assert state == "success", airflow.states("kling_quickstart", run_id)
    where = {"dag_id": "kling_quickstart", "run_id": run_id, "map_index": "{MAP_INDEX}"}

    submitted = tab(airflow, **where, task_id="animate").json()
    assert (submitted["headline"], submitted["prompt"]) == ("Submitted", "It moves <b>")
    assert any(row["label"] == "Estimated cost" for row in submitted["facts"])

    view = tab(airflow, **where, task_id="store").json()
    assert view["headline"] == "Done"
    assert [step["label"] for step in view["time_line"]] == ["Accepted by Kling", "Made by Kling", "Stored"]
    (result,) = view["results"]
    stored = Path(unquote(urlsplit(result["place"]).path)).read_bytes()
    part = tab(airflow, "api/file", {"Range": "bytes=10-99"}, **where, task_id="store", index=result["file"])
    assert (part.status_code, part.content) == (206, stored[10:100])
    whole = tab(airflow, "api/file", **where, task_id="store", index=result["file"])
    assert (whole.status_code, whole.headers["Content-Type"], whole.content) == (200, "video/mp4", stored)


def test_a_deferred_task_is_shown_as_being_generated(airflow):
    run_id = airflow.trigger_dag("promise_hand_over")
    seen = []
    while not seen or seen[-1]["refresh_seconds"]:
        response = tab(airflow, dag_id="promise_hand_over", run_id=run_id, task_id="animate")
        seen.append(response.json())
        time.sleep(0.2)
    (made, *_) = [view for view in seen if view["headline"] == "Being made"]
    assert made["wait"]["since"] > 0
    assert seen[-1]["headline"] == "Done"
    assert seen[-1]["results"][0]["link"].startswith("http")
    airflow.wait_for_run("promise_hand_over", run_id)
    other = tab(airflow, dag_id="promise_hand_over", run_id=run_id, task_id="receive").json()
    assert other["is_kling"] is False


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An Airflow that asks who its users are; nothing runs in it."""
    env = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "reader:viewer",
    }
    with LocalAirflow(tmp_path_factory.mktemp("guarded"), HERE / "dags", env=env, triggerers=0) as running:
        yield running


@pytest.mark.parametrize("path", ["api/task", "api/file", "api/run/file"])
def test_airflows_own_auth_manager_decides_who_may_look(guarded, path):
    where = {"dag_id": "promise_hand_over", "run_id": "none", "task_id": "animate", "index": 0}
    assert asked(guarded, path, **where).status_code == 401
    assert asked(guarded, path, {"Authorization": "Bearer nonsense"}, **where).status_code in (401, 403)
    passwords = json.loads((guarded.home / "simple_auth_manager_passwords.json.generated").read_text())
    login = {"username": "reader", "password": passwords["reader"]}
    token = requests.post(f"{guarded.url}/auth/token", json=login, timeout=60).json()["access_token"]
    allowed = asked(guarded, path, {"Authorization": f"Bearer {token}"}, **where)
    assert (allowed.status_code, allowed.json()["detail"]) == (404, "Airflow has no such task instance.")
    with_cookie = requests.get(f"{guarded.url}/kling/{path}", params=where, cookies={"_token": token}, timeout=60)
    assert with_cookie.status_code == 404
