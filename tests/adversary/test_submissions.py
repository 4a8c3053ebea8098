"""Relays and broken servers during a submission: paid once and delivered, in this try or in a retry."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import pytest
from adversary.scripted import Reply, kling, task
from support import FakeTaskInstance

from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingError,
    KlingSubmissionInDoubtError,
    KlingValidationError,
)
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred

VIDEO = {"videos": [{"id": "v", "url": "https://example.com/v.mp4", "duration": "5.0"}]}
NOT_FOUND = kling(code=1201, message="Task not found by id/external id: x", status=400)
DUPLICATE = kling(code=1201, message="External_task_id x already exists", status=400)
NO_MONEY = kling(code=1102, message="Resource pack exhausted", status=429)


class Relay:
    """
    Creates a task for each new id, as Kling does, and says whatever a test wants about it.

    :param posts: what is answered to one POST after the other; ``None`` is the truth; ``NO_MONEY`` creates nothing.
    :param hidden: how many looks a task stays invisible for.
    :param looks: what is answered to one look after the other; ``None`` is the truth.
    """

    def __init__(self, *posts, hidden=0, looks=()):
        self.tasks = {}
        self._posts = itertools.chain(posts, itertools.repeat(None))
        self._looks = itertools.chain(looks, itertools.repeat(None))
        self._hidden = hidden

    def __call__(self, request):
        if request.method == "POST":
            return self._create(request.json["external_task_id"], next(self._posts))
        return self._look(request.path.rsplit("/", 1)[-1], next(self._looks))

    def _create(self, name, said):
        if said == NO_MONEY:
            return said
        if name in self.tasks:
            return said or DUPLICATE
        self.tasks[name] = str(179527409186300000 + len(self.tasks))
        return said or kling(self._task(name, "submitted"))

    def _look(self, name, said):
        names = {name: name, **{number: given for given, number in self.tasks.items()}}
        name = names.get(name, name)
        if said is not None:
            return said
        if name not in self.tasks:
            return NOT_FOUND
        if self._hidden > 0:
            self._hidden -= 1
            return NOT_FOUND
        return kling(self._task(name, "succeed", task_result=VIDEO))

    def _task(self, name, status, **more):
        return task(status, task_id=self.tasks[name], task_info={"external_task_id": name}, **more)


def animate(ti, **more):
    operator = KlingTextToVideoOperator(
        task_id="animate", prompt="A boat", wait_for_completion=True, deferrable=False, poll_interval=0.01, **more
    )
    return operator.execute({"ti": ti})


def retries_until_done(ti, tries=3, **more):
    """What Airflow does: another try after each error that is not final."""
    for number in range(1, tries + 1):
        try:
            return animate(dataclasses.replace(ti, try_number=number, xcoms={}), **more)
        except KlingError as error:
            if isinstance(error, AirflowFailException):
                raise
            last = error
    raise last


WRAPPED = [
    kling({"ok": True}, code=200, message="success"),
    kling(code=200, message="success", status=201),
    kling(code="200"),
    kling(code=1399, message="unknown"),
    kling(code=4999, message="timeout upstream"),
    kling(code=50001, message="relay busy"),
    kling(code=-1, message="error"),
    kling(code="ok"),
    kling(code=None),
    kling(None),
    kling({"task_id": None}),
    kling([]),
    Reply("<html>502</html>", status=502),
    Reply("<html>welcome</html>", status=200),
    Reply(b"", status=200),
    Reply(b"\xff\xfe", status=200),
    Reply("request timeout", status=408),
    Reply(cut=True),
]


@pytest.mark.parametrize("said", WRAPPED, ids=str)
def test_a_task_missing_in_the_response_is_found_in_the_same_try(scripted, no_waiting, said):
    server = scripted(Relay(said))
    assert animate(FakeTaskInstance())["status"] == "succeed"
    assert len(server.posts()) == 1


@pytest.mark.parametrize("said", WRAPPED[:6], ids=str)
@pytest.mark.parametrize("hidden", [3, 6, 20])
def test_lookups_that_lag_pay_once(scripted, no_waiting, said, hidden):
    relay = Relay(said, said, hidden=hidden)
    scripted(relay)
    assert retries_until_done(FakeTaskInstance(), tries=6)["status"] == "succeed"
    assert len(relay.tasks) == 1


def test_a_response_that_names_another_id_is_looked_up(scripted, no_waiting):
    relay = Relay(kling(task(task_id="1795274091", task_info={"external_task_id": "monday-s-cat"})))
    server = scripted(relay)
    manifest = animate(FakeTaskInstance())
    assert manifest["task_id"] in relay.tasks.values()
    assert len(server.posts()) == 1


@pytest.mark.parametrize("own", [None, "tuesday-s-dog"])
def test_a_lookup_that_returns_another_task_adopts_nothing_and_sends_nothing(scripted, own):
    cat = kling(task("succeed", task_info={"external_task_id": "monday-s-cat"}, task_result=VIDEO))
    server = scripted(cat)
    ti = FakeTaskInstance(try_number=2)
    with pytest.raises(KlingSubmissionInDoubtError, match="monday-s-cat"):
        animate(ti, external_task_id=own)
    assert server.posts() == []
    assert "task_id" not in ti.xcoms
    with pytest.raises(KlingError, match="monday-s-cat"):
        KlingHook().find_task("tuesday-s-dog")


def test_a_refusal_of_the_second_post_does_not_end_what_the_first_one_paid_for(scripted, no_waiting):
    relay = Relay(Reply(cut=True), NO_MONEY, hidden=4)
    scripted(relay)
    ti = FakeTaskInstance()
    with pytest.raises(KlingSubmissionInDoubtError, match="Resource pack exhausted"):
        animate(ti)
    assert animate(dataclasses.replace(ti, try_number=2, xcoms={}))["task_id"] in relay.tasks.values()
    assert len(relay.tasks) == 1


def test_a_refusal_of_the_first_post_is_final(scripted):
    server = scripted(Relay(NO_MONEY))
    with pytest.raises(KlingAccountError):
        animate(FakeTaskInstance())
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "words", ["外部 external_task_id 已存在", "external task id is duplicated", "ExternalTaskID taken"]
)
def test_a_duplicate_reported_with_another_message_is_adopted(scripted, no_waiting, words):
    relay = Relay(Reply(cut=True), kling(code=1201, message=words, status=400), hidden=3)
    scripted(relay)
    assert animate(FakeTaskInstance())["task_id"] in relay.tasks.values()


@pytest.mark.parametrize("said", [kling(code=1201, message="任务不存在", status=400), kling(code=40400, message="no")])
def test_an_unknown_not_found_message_is_neither_an_absence_nor_the_end(scripted, said):
    server = scripted(Relay(looks=[said] * 4))
    with pytest.raises(KlingError) as caught:
        animate(FakeTaskInstance(try_number=2))
    assert caught.value.transient
    assert not isinstance(caught.value, AirflowFailException)
    assert server.posts() == []


def test_an_id_of_the_response_is_the_one_that_is_waited_for(scripted, no_waiting):
    """Kling's id comes from the answer to our request; the wait asks for nothing else."""
    relay = Relay()
    server = scripted(relay)
    manifest = animate(FakeTaskInstance())
    (number,) = relay.tasks.values()
    assert manifest["task_id"] == number
    assert {request.path.rsplit("/", 1)[-1] for request in server.received if request.method == "GET"} <= {number}


@pytest.mark.parametrize("given", [{"external_task_id": "mine"}, {"extra_body": {"external_task_id": " mine "}}])
def test_the_hook_sends_an_own_id_wherever_it_stands(scripted, given):
    relay = Relay()
    scripted(relay)
    KlingHook().create_task("text2video", {"prompt": "A boat"}, **given)
    assert list(relay.tasks) == ["mine"]


@pytest.mark.parametrize("own", ["", " ", "None", "179527409186300000", "promo-af-2"])
def test_the_hook_refuses_an_own_id_that_names_nothing_or_another_task(scripted, own):
    server = scripted(Relay())
    for given in ({"external_task_id": own}, {"extra_body": {"external_task_id": own}}):
        with pytest.raises(KlingValidationError, match="external_task_id"):
            KlingHook().create_task("text2video", {"prompt": "A boat"}, validate="off", **given)
    assert server.received == []


@pytest.mark.parametrize("extra", ['{"external_task_id": "mine"}', '{"external_task_id": "None"}'])
def test_extra_body_as_text_hides_no_own_id(scripted, extra):
    relay = Relay()
    scripted(relay)
    refused = "None" in extra
    with pytest.raises(KlingValidationError) if refused else contextlib.nullcontext():
        animate(FakeTaskInstance(), extra_body=extra)
    assert list(relay.tasks) == ([] if refused else ["mine"])


ODD_MODELS = ["kling model " * 10_000, 7, ["kling-v3"], {"name": "kling-v3"}]


@pytest.mark.parametrize("model", ODD_MODELS, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("code", [0, 1303])
def test_whatever_model_is_sent_unchecked_what_is_stored_of_it_is_short_text(scripted, ti, model, code):
    server = scripted(kling(task("submitted"), code=code, status=429 if code else 200))
    fields = {"prompt": "A boat", "model_name": model, "wait_for_completion": True}
    with pytest.raises(TaskDeferred) as caught:
        KlingTextToVideoOperator(task_id="animate", validate="off", **fields).execute({"ti": ti})
    assert server.posts()[0].json["model_name"] in (model, str(model).strip())
    stored = [caught.value.trigger.serialize()[1], *ti.xcoms.values()]
    names = [value["model_name"] for value in stored if isinstance(value, dict)]
    assert len(names) == (1 if code else 2)
    assert all(isinstance(name, str) and 0 < len(name) <= 80 for name in names)


def test_a_manifest_has_a_short_model_whoever_made_it(scripted, ti):
    relay = Relay()
    scripted(relay)
    made = animate(ti, model_name="kling model " * 10_000, validate="off")
    assert len(made["model_name"]) == 80
    assert relay.tasks
