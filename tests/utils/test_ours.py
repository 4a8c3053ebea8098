"""Operators and triggers of the package are recognized by their names, and no others."""

from __future__ import annotations

import inspect

import pytest

from airflow_provider_kling import operators
from airflow_provider_kling.get_provider_info import OPERATORS
from airflow_provider_kling.plugins.plugin import TAB_OPERATORS
from airflow_provider_kling.triggers import batch, slot, submit, task
from airflow_provider_kling.utils.ours import is_our_operator, our_trigger

TRIGGERS = [
    cls
    for module in (batch, slot, task)
    for name, cls in inspect.getmembers(module, inspect.isclass)
    if name.startswith("Kling") and name.endswith("Trigger") and cls.__module__ == module.__name__
]


@pytest.mark.parametrize("name", sorted({*OPERATORS, *TAB_OPERATORS}))
def test_our_operators_are_known_by_their_names(name):
    assert is_our_operator(getattr(operators, name, type(name, (), {})).__name__)


@pytest.mark.parametrize("name", ["BashOperator", "KubernetesPodOperator", "kling_task", "MyKlingOperator", "", None])
def test_another_name_gives_nothing(name):
    assert not is_our_operator(name)


def test_our_triggers_are_known_by_their_module():
    assert len(TRIGGERS) == 3
    assert [our_trigger(f"{cls.__module__}.{cls.__name__}") for cls in TRIGGERS] == [cls.__name__ for cls in TRIGGERS]


@pytest.mark.parametrize(("has_task", "waits_in"), [(False, "KlingSlotTrigger"), (True, "KlingTaskTrigger")])
def test_one_that_submits_is_called_by_what_it_waits_for(has_task, waits_in):
    assert our_trigger(submit.KlingSubmitTrigger.path, has_task=has_task) == waits_in


@pytest.mark.parametrize(
    "classpath",
    [
        "airflow.providers.standard.triggers.temporal.DateTimeTrigger",
        "airflow_provider_kling_more.KlingTaskTrigger",
        "KlingTaskTrigger",
        "",
        None,
    ],
)
def test_another_trigger_has_no_name_here(classpath):
    assert our_trigger(classpath) == ""
