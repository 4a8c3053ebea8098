"""What resumes a task may be anybody's: other versions, other tasks, broken triggers."""

from __future__ import annotations

import pytest
from adversary.fuzzing.fuzzer import fuzz, obeys, odd_json, odd_text
from hypothesis import strategies as st
from support import PHOTOGRAPH, FakeTaskInstance

from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger, KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred

events = st.one_of(
    odd_json,
    st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["success", "failed", "timeout", "error"]) | odd_json,
            "kling_task_id": odd_text | st.just("179527409186300000"),
            "message": odd_json,
            "since": odd_json,
            "until": odd_json,
            "batch_id": odd_json,
            "summary": odd_json,
            "permanent": odd_json,
        },
    ),
)


def _resumed(call):
    try:
        return obeys(call)
    except TaskDeferred:
        return None


@pytest.fixture
def running(kling):
    """A task that runs at Kling, and the task instance that submitted it."""
    ti = FakeTaskInstance()
    operator = KlingImageToVideoOperator(task_id="animate", image=str(PHOTOGRAPH), prompt="a rocket")
    operator.execute({"ti": ti})
    return operator, ti


def test_an_operator_is_resumed_by_anything(running):
    operator, ti = running
    fuzz(events, lambda event: _resumed(lambda: operator.execute_complete({"ti": ti}, event)))


def test_a_slot_wait_is_resumed_by_anything(running, kling):
    operator, ti = running
    fuzz(events, lambda event: _resumed(lambda: operator.execute_with_slot({"ti": ti}, event)))
    assert len(kling.tasks()) == 1, "no event makes a second video"


def test_a_sensor_is_resumed_by_anything(running):
    _, ti = running
    sensor = KlingTaskSensor(task_id="wait", kling_task_id=ti.xcoms["task_id"])
    fuzz(events, lambda event: _resumed(lambda: sensor.execute_complete({"ti": ti}, event)))


def test_a_batch_is_resumed_by_anything(kling, tmp_path):
    batch = KlingImageToVideoBatchOperator(task_id="batch", items=[{"prompt": "x"}], output_uri=f"file://{tmp_path}/")
    fuzz(events, lambda event: _resumed(lambda: batch.execute_complete({"ti": FakeTaskInstance()}, event)))


@pytest.mark.parametrize("trigger", [KlingTaskTrigger, KlingSlotTrigger, KlingSubmitTrigger])
def test_arguments_of_another_version_load(trigger):
    known = trigger().serialize()[1]
    arguments = st.dictionaries(st.sampled_from([*known, "from_another_version"]), odd_json, max_size=4)
    fuzz(arguments, lambda given: trigger(**given).serialize(), share=0.3)
