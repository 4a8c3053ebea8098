"""What Airflow's provider discovery reads."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import airflow
import jsonschema
import pytest
import yaml

from airflow_provider_kling.get_provider_info import CONNECTION_FIELDS, get_provider_info
from airflow_provider_kling.hooks import KlingHook

AIRFLOW = Path(airflow.__file__).parent
INFO = get_provider_info()


def test_it_fits_the_schema_that_airflow_checks_at_run_time():
    jsonschema.validate(INFO, json.loads((AIRFLOW / "provider_info.schema.json").read_text()))


def test_the_connection_form_fits_the_schema_of_provider_yaml():
    schema = json.loads((AIRFLOW / "provider.yaml.schema.json").read_text())
    items = schema["properties"]["connection-types"]["items"]
    jsonschema.validate(INFO["connection-types"][0], {**items, "definitions": schema.get("definitions", {})})


def test_the_form_cannot_have_a_field_that_no_setting_reads():
    from airflow_provider_kling.api.settings import EXTRAS

    assert set(CONNECTION_FIELDS) == set(EXTRAS)


def test_a_connection_saved_in_the_form_is_read_as_one_without_extra_and_airflow_warns_of_nothing():
    from airflow.sdk import Connection

    from airflow_provider_kling.api.settings import settings_of

    saved = {name: field["schema"].get("default") for name, field in CONNECTION_FIELDS.items()}
    plain, filled = (
        {"conn_id": "k", "conn_type": "kling", "password": "k" * 20, "extra": e} for e in ("", json.dumps(saved))
    )
    assert settings_of(Connection(**filled)) == settings_of(Connection(**plain))
    # Airflow logs "Skipping masking for a secret as it's too short" in each process that reads a text such as "true".
    assert [text for text in saved.values() if isinstance(text, str)] == []


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_it_names_can_be_imported(kind):
    for entry in INFO[kind]:
        for module in entry["python-modules"]:
            importlib.import_module(module)


def test_the_registered_hook_class_exists_and_agrees():
    (entry,) = INFO["connection-types"]
    module, _, name = entry["hook-class-name"].rpartition(".")
    hook = getattr(importlib.import_module(module), name)
    assert hook is KlingHook
    assert (hook.conn_type, hook.hook_name) == (entry["connection-type"], entry["hook-name"])
    assert hook.conn_name_attr == "kling_conn_id"
    assert hook.default_conn_name == "kling_default"


def test_the_hooks_own_form_for_older_airflow_is_the_same():
    behaviour = KlingHook.get_ui_field_behaviour()
    assert behaviour["relabeling"] == INFO["connection-types"][0]["ui-field-behaviour"]["relabeling"]
    assert "hidden_fields" in behaviour


def test_the_name_is_the_distributions():
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert f'name = "{INFO["package-name"]}"' in project


def test_airflow_discovers_it():
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    assert "airflow-provider-kling" in manager.providers
    assert manager.hooks["kling"].hook_class_name == "airflow_provider_kling.hooks.KlingHook"


def test_the_info_is_plain_data():
    assert yaml.safe_load(yaml.safe_dump(INFO)) == INFO
