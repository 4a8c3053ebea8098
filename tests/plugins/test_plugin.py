"""What Airflow loads: the tab, and nothing that makes any of its components slower."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.sdk import BaseOperator

import airflow_provider_kling
from airflow_provider_kling import operators, sensors, transfers
from airflow_provider_kling.get_provider_info import get_provider_info
from airflow_provider_kling.plugins import plugin
from airflow_provider_kling.plugins.links import KlingBatchLink
from airflow_provider_kling.plugins.plugin import TAB_OPERATORS, KlingPlugin

ROOT = Path(airflow_provider_kling.__file__).parents[1]


def _loaded_by(statement: str) -> set[str]:
    """Modules that a fresh process has more of after a statement than Airflow's own plugin manager brings."""
    code = (
        "import sys; import airflow.sdk, airflow.configuration, airflow.plugins_manager; before = set(sys.modules); "
        f"{statement}; print('\\n'.join(set(sys.modules) - before))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(result.stdout.split())


needs_pages = pytest.mark.skipif(
    not plugin.AIRFLOW_V_3_1_PLUS, reason="Airflow 3.1 is the first with a place for the pages"
)


def test_loading_the_plugin_brings_nothing_heavy():
    loaded = _loaded_by("from airflow_provider_kling.plugins.plugin import KlingPlugin; KlingPlugin()")
    assert "airflow_provider_kling.plugins.plugin" in loaded
    ours = {name for name in loaded if name.startswith("airflow_provider_kling")}
    assert not any(
        name.startswith(("airflow_provider_kling.hooks", "airflow_provider_kling.operators")) for name in ours
    )
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"fastapi", "starlette", "requests", "PIL", "sqlalchemy", "jwt", "yaml"}
    # Two of them are loaded before by a newer Airflow.
    assert len(ours) <= 11


@needs_pages
def test_the_web_application_is_created_by_the_first_request_only():
    (app,) = KlingPlugin().fastapi_apps
    assert app["url_prefix"] == "/kling"
    assert app["app"]._app is None


@needs_pages
def test_the_tab_is_on_a_task_instance_and_names_it():
    view, _ = KlingPlugin().external_views
    assert (view["name"], view["destination"], view["url_route"]) == ("Kling", "task_instance", "kling")
    query = parse_qs(urlsplit(view["href"]).query)
    assert query == {
        "dag_id": ["{DAG_ID}"],
        "run_id": ["{RUN_ID}"],
        "task_id": ["{TASK_ID}"],
        "map_index": ["{MAP_INDEX}"],
    }


@needs_pages
def test_the_gallery_is_on_a_dag_run_and_names_it():
    _, view = KlingPlugin().external_views
    assert (view["name"], view["destination"], view["url_route"]) == ("Kling", "dag_run", "kling-gallery")
    assert parse_qs(urlsplit(view["href"]).query) == {"dag_id": ["{DAG_ID}"], "run_id": ["{RUN_ID}"]}


@needs_pages
def test_an_airflow_below_a_path_is_found_there(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    view, gallery = KlingPlugin().external_views
    assert view["href"].startswith("/team/kling/task?")
    assert gallery["href"].startswith("/team/kling/gallery?")
    assert view["icon"].startswith("/team/kling/static/")


@needs_pages
def test_the_button_of_a_batch_leads_to_the_gallery_of_its_run(monkeypatch):
    key = TaskInstanceKey("d", "all", "manual__2026-11-28T00:00:00+00:00 #1", 1)
    link = KlingBatchLink().get_link(None, ti_key=key)
    assert link == "/dags/d/runs/manual__2026-11-28T00%3A00%3A00%2B00%3A00%20%231/plugin/kling-gallery"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/team/")
    assert KlingBatchLink().get_link(None, ti_key=key).startswith("/team/dags/d/runs/")
    monkeypatch.setenv("AIRFLOW__KLING__UI", "False")
    assert KlingBatchLink().get_link(None, ti_key=key) == ""


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("AIRFLOW__KLING__UI", "False")
    assert not KlingPlugin().external_views
    assert not KlingPlugin().fastapi_apps


def test_it_is_not_registered_where_airflow_does_not_support_it(monkeypatch):
    monkeypatch.setattr(plugin, "AIRFLOW_V_3_1_PLUS", False)
    assert not KlingPlugin().external_views
    assert not KlingPlugin().fastapi_apps


@needs_pages
@pytest.mark.parametrize("limits", [True, False])
def test_airflow_3_4_shows_it_on_our_tasks_only(monkeypatch, limits):
    monkeypatch.setattr(plugin, "AIRFLOW_V_3_4_PLUS", limits)
    view, _ = KlingPlugin().external_views
    assert ("applies_to" in view) is limits
    if limits:
        assert "KlingImageToVideoOperator" in view["applies_to"]["operator_name"]


def test_every_name_that_has_the_tab_is_an_operator_of_ours():
    places = (operators, sensors, transfers)
    found = [next(getattr(place, name) for place in places if hasattr(place, name)) for name in TAB_OPERATORS]
    assert [cls.__name__ for cls in found] == list(TAB_OPERATORS)
    assert all(issubclass(cls, BaseOperator) for cls in found)


def test_the_switch_is_declared_with_its_default():
    option = get_provider_info()["config"]["kling"]["options"]["ui"]
    assert option["default"] == "True"
    assert option["type"] == "boolean"


def test_the_wheel_names_the_plugin_and_carries_its_files():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    name = project["project"]["entry-points"]["airflow.plugins"]["kling"]
    entry = importlib.metadata.EntryPoint("kling", name, "airflow.plugins")
    assert entry.load() is KlingPlugin
    # hatchling packs every file of the package that git knows.
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["airflow_provider_kling"]
