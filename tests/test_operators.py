"""The operators with the simulator and a fake task instance."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import os
import subprocess
import sys
import time
import types
from datetime import timedelta

import pytest
from airflow.listeners import hookimpl
from support import PHOTOGRAPH, FakeTaskInstance, StateStore, again, connect, set_pace

from airflow_provider_kling import __version__
from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.plugins.links import KlingResultLink, link_of
from airflow_provider_kling.products.media import InlineImage
from airflow_provider_kling.submission import identity
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred


def operator(**kwargs) -> KlingImageToVideoOperator:
    defaults = {"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "It moves", "duration": 3}
    return KlingImageToVideoOperator(**{**defaults, "poll_interval": 0.05, **kwargs})


def run(ti, **kwargs):
    return operator(**kwargs).execute({"ti": ti})


def test_it_submits_pushes_the_id_and_returns_the_manifest(kling, ti):
    manifest = run(ti)
    (task,) = kling.tasks()
    assert ti.xcoms["task_id"] == task["task_id"] == manifest["task_id"]
    assert (manifest["status"], manifest["model_name"], manifest["videos"]) == ("submitted", "kling-v3", [])


def test_text_to_video_works_with_its_own_fields(kling, ti):
    manifest = KlingTextToVideoOperator(task_id="t", prompt="A boat", aspect_ratio="1:1").execute({"ti": ti})
    assert manifest["endpoint"] == "text2video"
    assert kling.requests(method="POST")[0]["body"]["aspect_ratio"] == "1:1"


def test_the_cost_of_a_video_is_logged_before_it_is_submitted(kling, ti, capsys):
    run(ti, model_name="kling-v3", duration=5)
    assert "Submitting image2video, kling-v3, 5 s; about 3 units, $0.42" in capsys.readouterr().out


def test_a_limit_of_units_refuses_before_anything_is_sent(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="Raise max_units"):
        run(ti, duration=5, max_units=2)
    with pytest.raises(errors.KlingValidationError, match="known price"):
        run(ti, model_name="kling-9", max_units=100)
    with pytest.raises(errors.KlingValidationError, match="max_units"):
        run(ti, max_units="many")
    assert kling.requests(method="POST") == []
    assert run(ti, duration=5, max_units="3")["task_id"]


def test_an_estimate_sends_nothing(kling, ti):
    assert operator(duration=10).estimate().units == 6
    assert operator(duration=10).hook.estimate("text2video", {"model_name": "kling-v3", "prompt": "A boat"}).units == 3
    assert kling.requests() == []


class BrokenStore:
    def get(self, key, default=None):
        raise OSError("the state store is down")

    def set(self, key, value):
        raise OSError("the state store is down")


def test_a_state_store_that_is_down_fails_nothing_that_is_paid(kling, ti):
    context = {"ti": ti, "task_state_store": BrokenStore()}
    manifest = operator().execute(context)
    assert ti.xcoms["task_id"] == manifest["task_id"] == kling.tasks()[0]["task_id"]
    assert operator().execute({**context, "ti": again(ti)})["task_id"] == manifest["task_id"]
    assert len(kling.requests(method="POST")) == 1, "the retry looked before it sent"


def test_what_is_submitted_is_kept_in_the_task_state_store_before_the_post_and_nothing_after_it(kling, ti):
    store = StateStore()
    kling.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        operator().execute({"ti": ti, "task_state_store": store})
    assert set(store) == {"submission"}
    operator().execute({"ti": again(ti), "task_state_store": store})
    (task,) = kling.tasks()
    assert set(store) == {"submission"}, "each entry is a request to Airflow; the XCom says what Kling made of it"
    assert store["submission"]["external_task_id"] == task["external_task_id"]


def upgraded(monkeypatch):
    """From now on another version of the package runs, which encodes the content differently."""
    whole = identity.fingerprint
    monkeypatch.setattr("airflow_provider_kling.operators.record.__version__", "99.0")
    monkeypatch.setattr(
        "airflow_provider_kling.submission.identity.fingerprint",
        lambda **parts: whole(**{**parts, "content": {**parts["content"], "encoded": "otherwise"}}),
    )


def test_an_upgrade_between_two_tries_pays_nothing(kling, ti, monkeypatch, logged):
    context = {"ti": ti, "task_state_store": StateStore()}
    first = operator().execute(context)
    upgraded(monkeypatch)
    later = operator()
    lines = logged(later)
    assert later.execute({**context, "ti": again(ti)})["task_id"] == first["task_id"]
    assert any(f"Version {__version__} of this package" in line for line in lines)
    assert operator().execute({**context, "ti": again(again(ti))})["task_id"] == first["task_id"]


def test_a_changed_prompt_is_a_new_video_whatever_the_store_holds(kling, ti, monkeypatch):
    context = {"ti": ti, "task_state_store": StateStore()}
    operator().execute(context)
    operator(prompt="Another").execute({**context, "ti": again(ti)})
    assert len(kling.tasks()) == 2
    upgraded(monkeypatch)
    operator(prompt="A third").execute({**context, "ti": again(ti)})
    assert len(kling.tasks()) == 3


@pytest.mark.parametrize("stored", [None, "text", 7, [], {}, {"external_task_id": 5}, {"external_task_id": "../../x"}])
def test_what_is_not_a_record_of_ours_in_the_store_is_not_used(kling, ti, stored):
    first = run(ti)
    context = {"ti": again(ti), "task_state_store": StateStore(submission=stored)}
    assert operator().execute(context)["task_id"] == first["task_id"]


@pytest.mark.parametrize("store", [None, StateStore()])
def test_retries_that_were_edited_between_two_tries_are_no_clear(kling, ti, store):
    ti.max_tries = 2
    context = {"ti": ti, "task_state_store": store}
    first = operator(retries=2, on_clear="regenerate").execute(context)
    second = operator(retries=5, on_clear="regenerate").execute({**context, "ti": again(ti)})
    assert second["task_id"] == first["task_id"]


def test_with_a_store_on_clear_may_be_edited_between_two_tries(kling, ti):
    ti.max_tries = 2
    context = {"ti": ti, "task_state_store": StateStore()}
    first = operator(retries=2).execute(context)
    second = operator(retries=2, on_clear="regenerate").execute({**context, "ti": again(ti)})
    cleared = again(ti, max_tries=4)
    third = operator(retries=2, on_clear="regenerate").execute({**context, "ti": cleared})
    fourth = operator(retries=2).execute({**context, "ti": again(cleared, max_tries=6)})
    assert [second["task_id"], fourth["task_id"]] == [first["task_id"], third["task_id"]]
    assert len(kling.tasks()) == 2


@pytest.mark.parametrize("where", ["argument", "extra_body"])
@pytest.mark.parametrize(
    "text", ["", "  ", "None", " none ", "null", "a b", "x" * 65, "867283741759111202", "promo-af-2"]
)
def test_an_own_id_that_could_be_shared_or_mistaken_is_refused(kling, ti, where, text):
    given = {"external_task_id": text}
    with pytest.raises(errors.KlingValidationError, match="external_task_id"):
        run(ti, validate="off", **(given if where == "argument" else {"extra_body": given}))
    assert kling.requests() == []


@pytest.mark.parametrize("given", [{"external_task_id": " mine "}, {"extra_body": {"external_task_id": "mine"}}])
def test_an_own_id_is_sent_in_one_form_wherever_it_is_given(kling, ti, given):
    run(ti, **given)
    assert kling.tasks()[0]["external_task_id"] == "mine"


def test_an_own_id_given_twice_must_be_the_same(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="external_task_id once"):
        run(ti, external_task_id="a", extra_body={"external_task_id": "b"})


def test_a_callback_url_in_extra_body_is_sent(kling, ti):
    run(ti, extra_body={"callback_url": "https://example.com/hook"})
    assert kling.requests(method="POST")[0]["body"]["callback_url"] == "https://example.com/hook"


def test_a_first_try_that_adopts_under_an_own_id_logs_what_happened(kling, ti, logged):
    run(ti, external_task_id="campaign-7")
    other = operator(external_task_id="campaign-7", prompt="a dog")
    lines = logged(other)
    other.execute({"ti": dataclasses.replace(ti, run_id="tuesday", xcoms={})})
    assert any("somebody submitted it before under your external_task_id" in line for line in lines)
    assert not any("earlier try" in line for line in lines)


def test_the_second_attempt_of_an_own_id_is_not_another_own_id(kling, ti):
    kling.fault("fail_task", message="Internal error")
    with pytest.raises(errors.KlingTaskFailedError):
        run(ti, external_task_id="promo", wait_for_completion=True, deferrable=False)
    other = run(dataclasses.replace(ti, task_id="other", xcoms={}), external_task_id="promo-2", prompt="another")
    second = run(again(ti), external_task_id="promo")
    assert second["task_id"] != other["task_id"]


@pytest.mark.parametrize(
    "bad",
    [
        {"timeout": "soon"},
        {"timeout": float("nan")},
        {"poll_interval": "fast"},
        {"slot_timeout": -1},
        {"on_clear": "regenrate"},
        {"validate": "of"},
        {"output_uri": "None"},
        {"output_uri": 5},
        {"wait_for_completion": "False"},
        {"deferrable": "no"},
    ],
)
def test_our_own_arguments_are_checked_before_anything_is_paid(kling, ti, bad):
    with pytest.raises(errors.KlingValidationError, match=next(iter(bad))) as caught:
        run(ti, **bad)
    assert len(caught.value.problems) == 1
    assert kling.requests() == []


@pytest.mark.kling_simulator(seconds=60)
@pytest.mark.parametrize("bad", [{"timeout": "soon"}, {"on_clear": "regenrate"}, {"poll_interval": None}])
def test_an_argument_that_was_spoilt_while_kling_worked_loses_nothing(kling, ti, bad):
    run(ti)
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    with pytest.raises(TaskDeferred):
        operator(wait_for_completion=True, **bad).execute_complete({"ti": ti}, {**event, "kling_task_id": "8"})
    kling.finish(ti.xcoms["task_id"])
    assert operator(wait_for_completion=True, **bad).execute_complete({"ti": ti}, event)["status"] == "succeed"


def test_a_target_that_is_gone_after_the_wait_is_left_to_a_retry(kling, ti, tmp_path):
    """A video that is paid for is not given up because a disk is away; before paying it would be refused."""
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    (tmp_path / "file").write_text("not a folder")
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    with pytest.raises(errors.KlingError) as caught:
        operator(output_uri=f"{tmp_path}/file/").execute_complete({"ti": ti}, event)
    assert not isinstance(caught.value, AirflowFailException)


def test_all_problems_of_ours_and_of_kling_s_are_named_at_once(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="3 problems"):
        run(ti, timeout="soon", external_task_id="None", cfg_scale=7.0)


@pytest.mark.kling_simulator(seconds=30)
@pytest.mark.parametrize("timeout", ["100", timedelta(seconds=100), 100])
def test_times_may_be_text_or_timedelta(kling, ti, timeout):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, timeout=timeout, poll_interval="15")
    assert caught.value.trigger.end_time == pytest.approx(kling.tasks()[0]["created_at"] / 1000 + 100)
    assert caught.value.trigger.poll_interval == 15


@pytest.mark.parametrize("reason", ["Trigger timeout", "Trigger failure"])
def test_a_wait_for_a_slot_that_airflow_ends_submits_once_more(kling, ti, reason):
    """Nothing was accepted yet: there is no Kling task to read."""
    manifest = operator().resume_execution("__fail__", {"error": reason}, {"ti": ti})
    assert manifest["task_id"] == kling.tasks()[0]["task_id"]
    assert not any("None" in request["path"] for request in kling.requests())


def test_a_wait_for_a_slot_that_airflow_ends_is_left_to_a_retry_when_there_still_is_none(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(errors.KlingConcurrencyError):
        operator().resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert kling.tasks() == []


def test_a_resumed_wait_whose_xcom_is_gone_looks_the_task_up(kling, ti):
    run(ti)
    kling.finish(ti.xcoms.pop("task_id"))
    event = {"status": "success", "kling_task_id": kling.tasks()[0]["task_id"], "message": ""}
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, event)["status"] == "succeed"
    assert len(kling.tasks()) == 1


def test_a_process_for_one_video_imports_neither_the_batch_nor_what_only_requests_need():
    code = (
        "import sys, airflow_provider_kling.operators, airflow_provider_kling.sensors\n"
        "print(*[name for name in sys.modules if name.startswith('airflow_provider_kling.')])\n"
        "print(*{'PIL', 'requests', 'jwt'} & set(sys.modules))\n"
        "print(airflow_provider_kling.operators.KlingImageToVideoBatchOperator.__name__)\n"
        "print(airflow_provider_kling.operators.KlingVideoItem.__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    ours, heavy, *later = done.stdout.splitlines()[-4:]
    assert not [name for name in ours.split() if ".batch" in name or name.endswith((".hooks", ".prepare"))]
    assert not {"PIL", "requests"} & set(heavy.split())
    assert later == ["KlingImageToVideoBatchOperator", "KlingVideoItem"]


#: What a process does not import that pays for one video with an id, without a cap, of a picture on this machine.
NOT_FOR_ONE_VIDEO = (
    *("batch", "models.account", "operators.batch", "operators.cap", "operators.reservations", "operators.session"),
    *("operators.stored_submission", "operators.unnamed", "preparation.sounds", "results.storage", "results.targets"),
    *("submission.budget", "submission.unnamed", "transfers", "utils._airflow.object_storage", "waiting.shared_poller"),
    *("api.billing", "api.download", "api.listing", "api.read_plan", "api.selection", "api.solutions", "api.v2"),
    *("products.rules.faces", "products.rules.omni", "products.rules.references"),
)


def test_a_process_that_pays_for_one_video_imports_no_second_protocol_no_caps_and_no_storage(kling):
    code = (
        "import sys\n"
        "from support import PHOTOGRAPH, FakeTaskInstance\n"
        "from airflow_provider_kling.operators import KlingImageToVideoOperator\n"
        "picture = str(PHOTOGRAPH)\n"
        "operator = KlingImageToVideoOperator(task_id='a', image=picture, prompt='x', wait_for_completion=True)\n"
        "try:\n"
        "    operator.execute({'ti': FakeTaskInstance()})\n"
        "except BaseException as end:\n"
        "    print(type(end).__name__)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    end, modules = done.stdout.splitlines()[-2:]
    assert end == "TaskDeferred"
    assert len(kling.tasks()) == 1
    known = set(modules.split())
    assert {"airflow_provider_kling.submission.protocol", "airflow_provider_kling.triggers.task"} <= known
    assert not {name for name in NOT_FOR_ONE_VIDEO if f"airflow_provider_kling.{name}" in known}
    # Not aiohttp: Airflow 3.0 imports it itself.
    assert not known & {"PIL", "av"}


def test_a_process_that_waits_with_a_sensor_imports_nothing_of_the_wire_before_it_reads():
    code = "import sys, airflow_provider_kling.sensors; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    wire = "airflow_provider_kling.api."
    ours = {name.removeprefix(wire) for name in done.stdout.splitlines()[-1].split() if name.startswith(wire)}
    assert ours == {"task_ref"}


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


def test_the_log_of_a_one_step_task_shows_every_step(kling, ti, tmp_path, logged):
    animate = operator(deferrable=False, output_uri=f"{tmp_path}/", mode="pro")
    lines = logged(animate)
    manifest = animate.execute({"ti": ti})
    story = [line for line in lines if "outside of the Task Runner" not in line]
    assert len(story) <= 6
    assert "image2video, kling-v3, pro, 3 s" in story[0]
    assert f"Kling accepted task {manifest['task_id']}" in story[1]
    assert "is done" in story[-2]
    assert f"{manifest['units']} units" in story[-2]
    assert str(tmp_path) in story[-1]
    assert "MB" in story[-1]


def test_iterations_of_a_loop_are_separate_submissions(kling, ti):
    class Loop:
        index = 0

    for index in (0, 1, 1):
        Loop.index = index
        operator().execute({"ti": again(ti), "loop": Loop})
    assert len(kling.tasks()) == 2


def test_a_region_of_a_loop_counts_and_the_empty_region_does_not(kling, ti):
    first = run(ti)
    ti.region_id, ti.region_index = "00000000-0000-0000-0000-000000000000", 0
    assert operator().execute({"ti": again_in(ti, 0, ti.region_id)})["task_id"] == first["task_id"]
    assert (
        operator().execute({"ti": again_in(ti, 1, "6f1f9d0e-0000-0000-0000-000000000001")})["task_id"]
        != first["task_id"]
    )


def again_in(ti, index, region_id):
    later = again(ti)
    later.region_index, later.region_id = index, region_id
    return later


def test_a_retry_adopts_what_the_first_try_paid_for(kling, ti):
    first = run(ti)
    second = run(again(ti))
    assert second["task_id"] == first["task_id"]
    assert len(kling.tasks()) == 1


def test_a_clear_adopts_by_default(kling, ti):
    first = run(ti, retries=2)
    assert run(again(ti, max_tries=3), retries=2)["task_id"] == first["task_id"]


def test_a_clear_pays_for_a_new_take_when_asked_and_a_retry_never_does(kling, ti):
    ti.max_tries = 2
    first = run(ti, retries=2, on_clear="regenerate")
    assert run(again(ti), retries=2, on_clear="regenerate")["task_id"] == first["task_id"]
    cleared = again(ti, max_tries=4)
    second = run(cleared, retries=2, on_clear="regenerate")
    assert second["task_id"] != first["task_id"]
    assert run(again(cleared), retries=2, on_clear="regenerate")["task_id"] == second["task_id"]
    assert len(kling.tasks()) == 2


@pytest.mark.parametrize("change", [{"prompt": "It moves more"}, {"duration": 4}, {"mode": "pro"}])
def test_a_changed_request_is_a_new_video(kling, ti, change):
    run(ti)
    run(again(ti), **change)
    assert len(kling.tasks()) == 2


def test_an_image_that_changed_behind_the_same_path_is_a_new_video(kling, ti, tmp_path):
    from PIL import Image

    path = tmp_path / "picture.png"
    for colour, expected in (("red", 1), ("red", 1), ("blue", 2)):
        Image.new("RGB", (400, 300), colour).save(path)
        run(again(ti), image=str(path))
        assert len(kling.tasks()) == expected


def test_mapped_tasks_have_a_task_each(kling, ti):
    for index in range(3):
        run(dataclasses.replace(ti, map_index=index))
    assert len(kling.tasks()) == 3


def test_an_id_of_the_users_own_is_kept(kling, ti):
    run(ti, external_task_id="campaign-7")
    run(again(ti), external_task_id="campaign-7", prompt="another one")
    assert [task["external_task_id"] for task in kling.tasks()] == ["campaign-7"]


def test_it_waits_on_the_worker_when_not_deferrable(kling, ti):
    manifest = run(ti, wait_for_completion=True, deferrable=False)
    assert manifest["status"] == "succeed"
    assert manifest["videos"][0]["url"].startswith(kling.url)


@pytest.mark.kling_simulator(seconds=30)
def test_it_defers_with_nothing_but_strings_and_numbers(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingTaskTrigger)
    _, kwargs = trigger.serialize()
    assert all(isinstance(value, (str, int, float)) or value is None for value in kwargs.values())
    assert kwargs["kling_task_id"] == ti.xcoms["task_id"]
    assert kwargs["end_time"] == pytest.approx(kling.tasks()[0]["created_at"] / 1000 + 100)
    assert kwargs["ends_task"] is True
    assert caught.value.timeout > timedelta(seconds=100), "the trigger's own deadline comes first"


@pytest.mark.kling_simulator(seconds=30)
def test_execution_timeout_bounds_the_deferred_wait_too(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, execution_timeout=timedelta(seconds=10))
    assert caught.value.trigger.end_time < caught.value.trigger.deferred_at + 11


@pytest.mark.kling_simulator(seconds=30)
def test_an_execution_timeout_of_zero_ends_no_wait_as_it_ends_no_work_in_airflow(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, execution_timeout=timedelta(0))
    assert caught.value.trigger.end_time > caught.value.trigger.deferred_at + 3000


@pytest.mark.kling_simulator(seconds=30)
@pytest.mark.parametrize(
    "work",
    [
        {"output_uri": "file:///tmp/kling-results-of-a-test/"},
        {"post_execute": lambda context, result: None},
        {"on_success_callback": lambda context: None},
        {"outlets": ["asset"]},
    ],
)
def test_a_worker_is_resumed_when_it_has_something_to_do(kling, ti, work):
    if "outlets" in work:
        from airflow.sdk import Asset

        work = {"outlets": [Asset("s3://videos/one")]}
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, **work)
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_resumed_for_a_subclass_with_its_own_execute_complete(kling, ti):
    class Named(KlingImageToVideoOperator):
        def execute_complete(self, context, event=None):
            return {**super().execute_complete(context, event), "name": "rocket"}

    named = Named(task_id="animate", image=str(PHOTOGRAPH), duration=3, wait_for_completion=True)
    with pytest.raises(TaskDeferred) as caught:
        named.execute({"ti": ti})
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_resumed_when_a_plugin_listens_to_successes(kling, ti):
    listener = pytest.importorskip("airflow.sdk.listener", reason="Airflow 3.2 brought it")

    class Lineage:
        @hookimpl
        def on_task_instance_success(self, previous_state, task_instance):
            """Tell a lineage backend."""

    manager, lineage = listener.get_listener_manager(), Lineage()
    manager.pm.register(lineage)
    try:
        with pytest.raises(TaskDeferred) as caught:
            run(ti, wait_for_completion=True)
    finally:
        manager.pm.unregister(lineage)
    assert caught.value.trigger.ends_task is False


def test_a_finished_task_is_not_deferred_for(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    assert run(again(ti), wait_for_completion=True)["status"] == "succeed"


@pytest.mark.parametrize("wait", [False, True])
def test_a_clear_after_forty_days_hands_over_no_dead_links(kling, ti, wait):
    kling.advance(-40 * 86_400)
    kling.finish(run(ti)["task_id"])
    kling.advance(40 * 86_400)
    with pytest.raises(errors.KlingResultExpiredError, match="after 30 days"):
        run(again(ti), wait_for_completion=wait, deferrable=False)
    assert len(kling.tasks()) == 1


def test_it_resumes_with_fresh_links(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    manifest = operator().execute_complete({"ti": ti}, event)
    assert manifest["videos"][0]["url"]
    assert manifest["model_name"] == "kling-v3"


@pytest.mark.kling_simulator(seconds=60)
def test_after_an_event_of_another_task_the_wait_continues_for_its_own(kling, ti):
    run(ti)
    own = ti.xcoms["task_id"]
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    with pytest.raises(TaskDeferred) as caught:
        operator(wait_for_completion=True).execute_complete({"ti": ti}, stranger)
    assert caught.value.trigger.kling_task_id == own
    kling.finish(own)
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, stranger)["task_id"] == own


@pytest.mark.kling_simulator(seconds=2)
def test_a_wait_whose_trigger_has_no_connection_continues_on_the_worker(kling, ti, monkeypatch):
    run(ti)
    own = ti.xcoms["task_id"]
    event = types.SimpleNamespace(status="error", kling_task_id=own, message="no connection", needs_worker=True)
    monkeypatch.setattr("airflow_provider_kling.polling.read_event", lambda *_: event)
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, {})["status"] == "succeed"


@pytest.mark.kling_simulator(seconds=60)
def test_an_event_of_another_task_ends_no_wait_for_a_slot(kling, ti):
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    assert operator().execute_with_slot({"ti": ti}, stranger)["task_id"] == ti.xcoms["task_id"]


def test_after_a_trigger_failed_the_task_is_polled_once_more(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    manifest = operator().resume_execution("__fail__", {"error": "Trigger failure"}, {"ti": ti})
    assert manifest["status"] == "succeed"


@pytest.mark.kling_simulator(seconds=30)
def test_a_trigger_that_broke_while_the_task_runs_leaves_it_to_a_retry(kling, ti):
    run(ti)
    with pytest.raises(errors.KlingResultError, match="runs on and will be billed"):
        operator(wait_for_completion=True).resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert run(again(ti))["task_id"] == ti.xcoms["task_id"]


def test_it_stores_the_result_in_the_same_task(kling, ti, tmp_path):
    manifest = run(ti, deferrable=False, output_uri=f"file://{tmp_path}/")
    (file,) = manifest["files"]
    path = tmp_path / f"{manifest['task_id']}_0.mp4"
    assert file["uri"] == f"file://{path}"
    assert path.stat().st_size == file["bytes"]
    assert file["duration"] == pytest.approx(3, abs=0.2)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"code": 1301}, "KlingContentPolicyError"),
        ({"code": 1102}, "KlingAccountError"),
        ({"kind": "fail_task", "message": "Failure to pass the risk control system"}, "KlingContentPolicyError"),
    ],
)
def test_a_permanent_failure_is_not_retried_and_leaves_an_xcom_for_a_branch(kling, ti, fault, error):
    kling.fault(operation="create", **fault)
    with pytest.raises(AirflowFailException):
        run(ti, wait_for_completion=True, deferrable=False)
    assert ti.xcoms["failure"]["error"] == error
    assert ti.xcoms["failure"]["message"]


def test_a_failed_task_is_left_to_airflows_retries_which_submit_again(kling, ti):
    kling.fault("fail_task", message="Internal error, please contact Kling customer service.")
    with pytest.raises(errors.KlingTaskFailedError) as caught:
        run(ti, wait_for_completion=True, deferrable=False)
    assert not isinstance(caught.value, AirflowFailException)
    manifest = run(again(ti), wait_for_completion=True, deferrable=False)
    assert manifest["external_task_id"].endswith("-af-2")
    assert manifest["units"]
    assert [task["status"] for task in kling.tasks()] == ["failed", "succeed"]


def test_a_bad_request_costs_nothing(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="3 problems"):
        run(ti, image="missing.png", duration=99, cfg_scale=7.0)
    assert kling.requests() == []
    assert ti.xcoms["failure"]["error"] == "KlingValidationError"


def test_an_unknown_keyword_passes_through_extra_body(kling, ti):
    run(ti, extra_body={"brand_new_field": 1})
    assert kling.requests(method="POST")[0]["body"]["brand_new_field"] == 1


@pytest.mark.parametrize("form", ["bytes", "data", "base64"])
def test_an_images_content_shows_nowhere(kling, ti, form):
    content = PHOTOGRAPH.read_bytes()
    text = base64.b64encode(content).decode()
    image = {"bytes": content, "data": f"data:image/jpeg;base64,{text}", "base64": text}[form]
    made = operator(image=image)
    assert isinstance(made.image, InlineImage)
    assert text[:60] not in repr(made.image) + str(made.image) + str(made.image.serialize())
    made.execute({"ti": ti})
    assert len(kling.tasks()) == 1


def test_an_image_that_a_template_brings_in_is_redacted_before_airflow_shows_it():
    text = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    made = operator(image="{{ picture }}")
    made.render_template_fields({"picture": text})
    assert isinstance(made.image, InlineImage)


@pytest.mark.parametrize("cls", [KlingImageToVideoOperator, KlingTextToVideoOperator])
def test_every_field_is_an_argument_an_attribute_and_a_template_field(cls):
    made = cls(task_id="x", prompt="y")
    for name in (*cls.product.arguments, *cls.template_fields):
        assert hasattr(made, name)
    assert set(cls.product.arguments) <= set(cls.template_fields)
    own = {
        name
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if parameter.kind.name == "KEYWORD_ONLY"
    }
    assert own == set(cls.product.arguments)
    assert cls.__doc__ is not None
    assert all(f":param {name}:" in cls.__doc__ for name in own)


def test_on_kill_logs_what_keeps_running(kling, ti, logged):
    made = operator()
    lines = logged(made)
    made.execute({"ti": ti})
    made.on_kill()
    assert f"Kling task {ti.xcoms['task_id']} keeps running" in lines[-1]


def test_the_constructor_touches_nothing(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    operator(image="s3://nowhere/nothing.png", kling_conn_id="{{ var.value.which }}")


def test_a_lost_response_in_the_middle_of_a_submit_is_one_video(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    manifest = run(ti)
    assert [task["task_id"] for task in kling.tasks()] == [manifest["task_id"]]


@pytest.mark.parametrize("api_key", [True, False])
def test_the_api_key_and_the_secret_show_in_no_xcom_and_no_trigger(kling_simulator, monkeypatch, ti, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    secret = kling_simulator.api_key if api_key else kling_simulator.secret_key
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, prompt="x")
    seen = str(ti.xcoms) + str(caught.value.trigger.serialize()) + repr(caught.value.trigger)
    assert len(kling_simulator.tasks()) == 1, "it was submitted with that key"
    assert secret not in seen
    assert "eyJ" not in seen, "nor a token made of it"


def test_no_free_slot_is_a_wait_outside_the_worker_that_creates_nothing(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run(ti, slot_timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingSlotTrigger)
    assert caught.value.method_name == "execute_with_slot"
    assert trigger.until == pytest.approx(trigger.since + 100)
    assert trigger.estimate == str(operator().estimate()), "its page says it meanwhile"
    assert kling.tasks() == []
    manifest = operator().execute_with_slot({"ti": ti}, {"since": trigger.since, "until": trigger.until})
    assert [task["task_id"] for task in kling.tasks()] == [manifest["task_id"]]


def test_the_wait_for_a_slot_keeps_its_place_and_its_end(kling, ti):
    kling.fault(code=1302, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        operator().execute_with_slot({"ti": ti}, {"since": 5.0, "until": 9e9})
    assert (caught.value.trigger.since, caught.value.trigger.until) == (5.0, 9e9)


def test_the_wait_for_a_slot_has_an_end(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(errors.KlingConcurrencyError):
        operator().execute_with_slot({"ti": ti}, {"since": 5.0, "until": 6.0})
    assert ti.xcoms["failure"]["code"] == 1303


def test_waiting_for_a_slot_is_logged_once(kling, ti, logged, monkeypatch):
    set_pace(monkeypatch, worker_probe=0.01)
    kling.fault(code=1303, operation="create", times=3)
    animate = operator(deferrable=False)
    lines = logged(animate)
    animate.execute({"ti": ti})
    assert len([line for line in lines if "Waiting for a slot" in line]) == 1
    kling.fault(code=1303, operation="create")
    later = operator(prompt="another")
    lines.clear()
    ti.xcoms.clear()
    with pytest.raises(TaskDeferred):
        later.execute_with_slot({"ti": ti}, {"since": 5.0, "until": 9e9})
    assert [line for line in lines if "outside of the Task Runner" not in line] == []


def test_a_slot_is_waited_for_on_the_worker_when_not_deferrable(kling, ti, monkeypatch):
    set_pace(monkeypatch, worker_probe=0.05)
    kling.fault(code=1303, operation="create", times=2)
    assert run(ti, deferrable=False)["task_id"] == kling.tasks()[0]["task_id"]


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
