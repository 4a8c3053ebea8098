"""Which tasks may end in the triggerer: those that a worker would leave nothing more."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG, Asset, BaseOperatorLink, task, task_group

from airflow_provider_kling import triggers
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.utils._airflow import completion


class PageLink(BaseOperatorLink):
    """A link of the user's."""

    name = "Page"

    def get_link(self, operator, *, ti_key):
        return "https://example.com"


class WithLink(KlingTextToVideoOperator):
    operator_extra_links = (KlingResultLink(), PageLink())


class WithOwnEnd(KlingTextToVideoOperator):
    def execute_complete(self, context, event=None):
        return super().execute_complete(context, event)


class WithPostExecute(KlingTextToVideoOperator):
    def post_execute(self, context, result=None):
        """Code of the user's."""


class WithRenderedFields(KlingTextToVideoOperator):
    overwrite_rtif_after_execution = True


def operator(kind=KlingTextToVideoOperator, **kwargs):
    return kind(task_id="animate", prompt="x", wait_for_completion=True, **kwargs)


@pytest.mark.parametrize(
    ("kind", "kwargs", "ends_here"),
    [
        (KlingTextToVideoOperator, {}, True),
        (KlingTextToVideoOperator, {"map_index_template": "{{ task.prompt }}"}, True),
        (KlingTextToVideoOperator, {"on_failure_callback": print, "on_execute_callback": print}, True),
        (KlingTextToVideoOperator, {"inlets": [Asset("in")]}, True),
        (KlingTextToVideoOperator, {"map_index_template": "{{ ti.xcom_pull(key='manifest') }}"}, False),
        (KlingTextToVideoOperator, {"map_index_template": "{{ task_instance.task_id }}"}, False),
        (KlingTextToVideoOperator, {"map_index_template": "{{ ti.map_index }} {{ task.prompt }}"}, True),
        (KlingTextToVideoOperator, {"map_index_template": "{{ ti.map_index_of(ti) }}"}, False),
        (KlingTextToVideoOperator, {"multiple_outputs": True}, False),
        (KlingTextToVideoOperator, {"outlets": [Asset("out")]}, False),
        (KlingTextToVideoOperator, {"on_success_callback": print}, False),
        (KlingTextToVideoOperator, {"do_xcom_push": False}, False),
        (WithLink, {}, False),
        (WithOwnEnd, {}, False),
        (WithPostExecute, {}, False),
        (WithRenderedFields, {}, False),
    ],
)
def test_what_needs_a_worker_ends_on_a_worker(kind, kwargs, ends_here):
    assert completion.can_finish_in_triggerer(operator(kind, **kwargs)) is ends_here


def test_a_result_that_is_expanded_over_ends_on_a_worker():
    @task
    def use(item):
        return item

    @task_group
    def group(item):
        use(item)

    with DAG("d", schedule=None):
        plain, expanded, grouped = (
            KlingTextToVideoOperator(task_id=name, prompt="x") for name in ("plain", "expanded", "grouped")
        )
        use(plain.output)
        use.expand(item=expanded.output)
        group.expand(item=grouped.output)
    assert [completion.can_finish_in_triggerer(tested) for tested in (plain, expanded, grouped)] == [
        True,
        False,
        False,
    ]


def test_a_cleared_task_state_is_cleared_by_a_worker(monkeypatch):
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
    assert not completion.can_finish_in_triggerer(operator())


def test_a_sensor_that_starts_in_the_triggerer_asks_there_whether_it_is_expanded_over():
    class Task:
        def __init__(self, dependants):
            self.iter_mapped_dependants = lambda: iter(dependants)

    class Instance:
        def __init__(self, task):
            self.task = task

    assert completion.is_mapped_over(Instance(Task(["downstream"])))
    assert not completion.is_mapped_over(Instance(Task([])))
    assert not completion.is_mapped_over(object())


@pytest.mark.parametrize("kind", ["KlingTaskTrigger", "KlingSlotTrigger", "KlingSubmitTrigger"])
def test_a_triggers_path_in_the_database_stays(kind):
    path, _ = getattr(triggers, kind)().serialize()
    assert path == f"airflow_provider_kling.triggers.{kind}"


def test_the_same_table_decides_for_a_sensor():
    assert completion.can_finish_in_triggerer(KlingTaskSensor(task_id="wait", kling_task_id="7"))
    assert not completion.can_finish_in_triggerer(
        KlingTaskSensor(task_id="wait", kling_task_id="7", multiple_outputs=True)
    )
