"""The XComs of a task: its id, the submission and the button."""

from __future__ import annotations

import dataclasses
import time

import pytest
from support import PHOTOGRAPH, FakeTaskInstance, again
from support_operators import operator, run

from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.plugins.links import KlingResultLink, link_of
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@dataclasses.dataclass
class Counts(FakeTaskInstance):
    """A task instance that remembers what was asked of Airflow."""

    calls: list[str] = dataclasses.field(default_factory=list)

    def xcom_push(self, key, value):
        self.calls.append(f"push {key}")
        super().xcom_push(key, value)

    def xcom_pull(self, task_ids, key, map_indexes):
        self.calls.append(f"pull {key}")
        return super().xcom_pull(task_ids, key, map_indexes)


@pytest.mark.parametrize("wait", [False, True])
def test_airflow_gets_the_id_and_the_submission_but_nothing_that_the_return_value_has(kling, wait):
    ti = Counts()
    task = operator(wait_for_completion=wait, deferrable=False)
    manifest = task.execute({"ti": ti})
    assert ti.calls == ["push task_id", "push submission"]
    assert KlingResultLink().get_link(task, ti_key=None) == link_of(manifest)
    assert bool(link_of(manifest)) is wait
    assert ti.calls == ["push task_id", "push submission"], "the button asks nobody"


@pytest.mark.kling_simulator(seconds=30)
def test_a_deferral_pushes_the_id_and_no_link_yet(kling):
    ti = Counts()
    task = operator(wait_for_completion=True)
    with pytest.raises(TaskDeferred):
        task.execute({"ti": ti})
    kling.finish(ti.xcoms["task_id"])
    assert KlingResultLink().get_link(task, ti_key=None) == ""
    assert ti.calls == ["push task_id", "push submission"]
    resumed = operator(wait_for_completion=True)
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    manifest = resumed.execute_complete({"ti": ti}, event)
    assert KlingResultLink().get_link(resumed, ti_key=None) == manifest["videos"][0]["url"]
    assert ti.calls == ["push task_id", "push submission", "pull task_id"]


class AnotherName(KlingImageToVideoOperator):
    """The pages know it by the XCom of its button."""


@pytest.mark.kling_simulator(seconds=30)
def test_airflow_pushes_no_button_that_opens_nothing(kling, ti):
    """It pushes one for each of these links when the process ends: a request to its API server."""
    waits, returns = operator(wait_for_completion=True), operator()
    renamed = AnotherName(task_id="other", image=str(PHOTOGRAPH), duration=3)
    page = object()
    waits.operator_extra_links = (*waits.operator_extra_links, page)
    with pytest.raises(TaskDeferred):
        waits.execute({"ti": ti})
    assert waits.operator_extra_links == (page,), "a user's own stays"
    for task in (returns, renamed):
        task.execute({"ti": ti})
    assert returns.operator_extra_links == ()
    assert [type(link) for link in renamed.operator_extra_links] == [KlingResultLink]
    kling.finish(ti.xcoms["task_id"])
    finished = operator(wait_for_completion=True, deferrable=False)
    finished.execute({"ti": ti})
    assert [type(link) for link in finished.operator_extra_links] == [KlingResultLink]


@dataclasses.dataclass
class Refuses(FakeTaskInstance):
    """A task instance whose XCom backend is down for one key."""

    broken: str = ""

    def xcom_push(self, key, value):
        if key == self.broken:
            raise OSError("the XCom backend is down")
        super().xcom_push(key, value)


def test_an_id_that_cannot_be_pushed_is_an_error_that_a_retry_fixes(kling):
    with pytest.raises(OSError, match="XCom backend"):
        run(Refuses(broken="task_id"))
    ti = FakeTaskInstance(try_number=2)
    assert run(ti)["task_id"] == kling.tasks()[0]["task_id"]
    assert len(kling.tasks()) == 1


def test_a_task_pushes_what_its_page_shows_of_the_submission(kling):
    ti = FakeTaskInstance()
    before = time.time() * 1000
    manifest = operator(deferrable=False).execute({"ti": ti})
    submission = ti.xcoms["submission"]
    assert before - 1 <= submission.pop("submitted_at") <= time.time() * 1000
    assert submission == {
        "external_task_id": manifest["external_task_id"],
        "endpoint": "image2video",
        "model_name": manifest["model_name"],
        "slot_since": None,
        "accepted_at": manifest["created_at"],
        "adopted": False,
        "estimate": "about 1.8 units, $0.25 (price list of 2026-09)",
    }


def test_the_submission_of_a_retry_is_recorded_as_adopted(kling):
    ti = FakeTaskInstance()
    operator(deferrable=False).execute({"ti": ti})
    retry = again(ti)
    operator(deferrable=False).execute({"ti": retry})
    assert retry.xcoms["submission"]["adopted"] is True
    assert retry.xcoms["submission"]["submitted_at"] is None
