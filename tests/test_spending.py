"""A cap for a Dag run: spent and reserved amounts count, and nothing above it is sent."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from support import FakeTaskInstance, StateStore, advice_first, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling import polling
from airflow_provider_kling.operators import (
    KlingImageToVideoBatchOperator,
    KlingTextToSpeechOperator,
    KlingTextToVideoOperator,
    cap,
    reservations,
    spending,
)
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.submission.budget import Reservation, ReservationState
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred

#: Five seconds of kling-v3: 3 units.
PRICE = 0.42


class Run:
    """A Dag run: its tasks, and the XComs that all of them see."""

    def __init__(self, *names: str, **arguments: Any) -> None:
        self.xcoms: dict[tuple[str, int], dict[str, Any]] = {}
        self.tasks = {name: operator(task_id=name, **arguments) for name in names}

    def add(self, task: Any) -> Any:
        self.tasks[task.task_id] = task
        return task

    def context(self, task_id: str, *, map_index: int = -1, try_number: int = 1) -> dict[str, Any]:
        return {
            "ti": Instance(self, task_id, map_index, try_number),
            "dag": SimpleNamespace(tasks=[*self.tasks.values()]),
        }

    def start(self, task_id: str, **instance: Any) -> Any:
        return self.tasks[task_id].execute(self.context(task_id, **instance))

    def state(self, task_id: str, map_index: int = -1) -> str:
        return self.xcoms[task_id, map_index][reservations.KEY]["state"]


class Instance(FakeTaskInstance):
    def __init__(self, run: Run, task_id: str, map_index: int, try_number: int) -> None:
        mine = run.xcoms.setdefault((task_id, map_index), {})
        if try_number > 1:
            mine.clear()  # as Airflow does
        super().__init__(task_id=task_id, map_index=map_index, try_number=try_number, xcoms=mine)
        self.run = run

    def xcom_push(self, key: str, value: Any) -> None:
        super().xcom_push(key, json.loads(json.dumps(value)))

    def xcom_pull(self, task_ids: Any, key: str, map_indexes: Any = None) -> Any:
        if isinstance(task_ids, str):
            return super().xcom_pull(task_ids, key, map_indexes)
        found = [
            values[key] for (name, _), values in list(self.run.xcoms.items()) if name in task_ids and key in values
        ]
        return [*found, None]


def operator(**fields: Any) -> KlingTextToVideoOperator:
    return KlingTextToVideoOperator(**{"model_name": "kling-v3", "prompt": "A boat", "duration": 5, **fields})


def posts(kling) -> int:
    return len(kling.requests(method="POST"))


def test_what_the_other_tasks_have_spent_counts(kling):
    run = Run("a", "b", "c", max_run_usd=2 * PRICE)
    assert run.start("a")["task_id"]
    assert run.start("b")["task_id"]
    with pytest.raises(errors.KlingBudgetError) as caught:
        run.start("c")
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.message == (
        "Raise max_run_usd, or ask for less: nothing was sent. This request costs about 3 units, $0.42 (price list of "
        "2026-09); of $0.84 for this Dag run, $0.84 are spent or committed by others."
    )
    assert posts(kling) == 2
    assert [run.state(name) for name in "abc"] == ["spent", "spent", "free"]
    assert run.xcoms["c", -1]["failure"]["error"] == "KlingBudgetError"


def test_money_counts_not_units_which_differ_with_the_pack(kling):
    run = Run("a", max_run_usd=PRICE + 0.01)
    run.add(KlingTextToSpeechOperator(task_id="say", text="Hello", voice_id="oversea_male1", voice_language="en"))
    run.start("say")
    assert run.xcoms["say", -1][reservations.KEY]["usd"] == "0.0070"
    assert run.start("a")["task_id"]


def test_tasks_without_a_cap_are_counted_and_not_refused(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    run.add(operator(task_id="free"))
    run.start("free")
    with pytest.raises(errors.KlingBudgetError):
        run.start("a")
    run.tasks["b"].max_run_usd = 10
    run.start("b")
    assert run.tasks["free"].execute(run.context("free"))


def test_a_dag_without_a_cap_reserves_nothing(kling):
    run = Run("a")
    run.start("a")
    assert reservations.KEY not in run.xcoms["a", -1]


def test_a_mapped_task_with_a_cap_is_a_dag_with_a_cap():
    for words in (
        {"partial_kwargs": {"max_run_usd": 1}},
        {"expand_input": SimpleNamespace(value={"max_run_usd": [1]})},
    ):
        mapped = SimpleNamespace(operator_class=KlingTextToVideoOperator, **words)
        assert spending.is_cost_read({"dag": SimpleNamespace(tasks=[mapped])})
    other = SimpleNamespace(operator_class=object, partial_kwargs={"max_run_usd": 1})
    assert not spending.is_cost_read({"dag": SimpleNamespace(tasks=[other])})


def test_an_unknown_price_is_refused(kling):
    run = Run("a", max_run_usd=100)
    run.add(operator(task_id="new", model_name="kling-v9", max_run_usd=100))
    with pytest.raises(errors.KlingBudgetError, match="what this request costs is unknown"):
        run.start("new")
    run.xcoms["new", -1][reservations.KEY]["state"] = "spent"
    with pytest.raises(errors.KlingBudgetError, match="what other Kling tasks cost is unknown"):
        run.start("a")
    assert posts(kling) == 0


def test_a_retry_that_adopts_is_not_refused_and_counts_again(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    first = run.start("a")
    run.tasks["a"].max_run_usd = 0.01
    assert run.start("a", try_number=2)["task_id"] == first["task_id"]
    with pytest.raises(errors.KlingBudgetError):
        run.start("b")
    assert posts(kling) == 1


def test_a_retry_that_has_to_pay_asks(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("b")
    with pytest.raises(errors.KlingBudgetError):
        run.start("a", try_number=2)
    assert posts(kling) == 1


@pytest.mark.parametrize("code", [1102, 1201, 1301])
def test_what_kling_refused_is_free_again(kling, code):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault(code=code, operation="create")
    with pytest.raises(errors.KlingApiError):
        run.start("a")
    assert run.state("a") == "free"
    assert run.start("b")["task_id"]


def test_a_task_that_kling_failed_is_free_again(kling):
    run = Run("a", "b", max_run_usd=PRICE, wait_for_completion=True, deferrable=False, poll_interval=0.05)
    kling.fault("fail_task", operation="create")
    with pytest.raises(errors.KlingTaskFailedError):
        run.start("a")
    assert run.state("a") == "free"
    assert run.start("b")["videos"]


def test_what_is_in_doubt_counts(kling, no_waiting):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault("cut_after", operation="create", times=20)
    kling.fault(code=5000, operation="query", times=20)
    with pytest.raises(errors.KlingError):
        run.start("a")
    assert run.state("a") == "spent"


def test_who_waits_for_a_slot_keeps_its_share(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run.start("a")
    with pytest.raises(errors.KlingBudgetError):
        run.start("b")
    trigger = caught.value.trigger
    resumed = run.tasks["a"].execute_with_slot(run.context("a"), {"since": trigger.since, "until": trigger.until})
    assert resumed["task_id"]


@pytest.mark.parametrize("value", ["much", 0, -1])
def test_an_invalid_cap_is_reported(kling, value):
    with pytest.raises(errors.KlingValidationError, match="Give max_run_usd as a number above 0"):
        Run("a", max_run_usd=value).start("a")


def test_without_xcoms_nothing_is_sent_under_a_cap(kling, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no XComs today")

    run = Run("a", max_run_usd=1)
    monkeypatch.setattr(Instance, "xcom_pull", broken)
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        run.start("a")
    monkeypatch.setattr(Instance, "xcom_push", broken)
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        run.start("a")
    assert posts(kling) == 0


def test_one_that_died_while_it_reserved_lets_the_others_retry_not_pay(kling, monkeypatch):
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(patience=0.0, pause=0.01))
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    run.xcoms["a", -1][reservations.KEY]["state"] = ReservationState.ASKING.value
    with pytest.raises(errors.KlingStorageError, match="nothing was sent") as caught:
        run.start("b")
    assert caught.value.transient
    assert (posts(kling), run.state("b")) == (1, "free")


def test_of_twenty_at_the_same_moment_exactly_those_that_fit_are_sent(monkeypatch):
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(pause=0.01))
    with KlingSimulator(Settings(concurrency=50)) as kling:
        connect(monkeypatch, kling)
        assert at_the_same_moment(20, room=7) == ["KlingBudgetError"] * 13 + ["sent"] * 7
        assert posts(kling) == 7


def at_the_same_moment(count: int, *, room: int | None = None) -> list[str]:
    """What becomes of mapped tasks that start together; the cap of their run has room for some of them."""
    cap = None if room is None else room * PRICE
    run = Run("scene", max_run_usd=cap)
    made = [operator(task_id="scene", max_run_usd=cap) for _ in range(count)]
    outcomes: list[str] = []

    def start(index: int) -> None:
        try:
            made[index].execute(run.context("scene", map_index=index))
            outcomes.append("sent")
        except errors.KlingError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=start, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


def test_a_reservation_is_small_and_has_what_was_planned(kling):
    run = Run("a", max_run_usd=1)
    run.start("a")
    assert run.xcoms["a", -1][reservations.KEY] == {
        "task": "a",
        "map_index": -1,
        "state": "spent",
        "usd": "0.420",
        "units": "3.0",
        "endpoint": "text2video",
        "model_name": "kling-v3",
        "name": run.xcoms["a", -1]["submission"]["external_task_id"],
    }


def batch(tmp_path, **words: Any) -> KlingImageToVideoBatchOperator:
    items = [{"prompt": f"A boat, number {number}"} for number in range(5)]
    defaults = {"model_name": "kling-v3", "duration": 5}
    return KlingImageToVideoBatchOperator(
        task_id="all", items=items, defaults=defaults, endpoint="text2video", output_uri=str(tmp_path), **words
    )


def test_a_batch_counts_what_it_may_cost_at_most(kling, tmp_path):
    run = Run("a", max_run_usd=6 * PRICE)
    run.add(batch(tmp_path, max_run_usd=5 * PRICE))
    with pytest.raises(TaskDeferred):
        run.start("all")
    assert run.xcoms["all", -1][reservations.KEY]["usd"] == "2.100"
    assert run.start("a")["task_id"]
    run.tasks["all"].max_run_usd = 5.9 * PRICE
    with pytest.raises(errors.KlingBudgetError):
        run.start("all", try_number=2)
    run.add(batch(tmp_path, max_run_usd=2 * PRICE, max_units=3))
    with pytest.raises(TaskDeferred):
        run.start("all", try_number=2)
    assert run.xcoms["all", -1][reservations.KEY]["usd"] == "0.420"


def test_a_batch_of_unknown_price_is_refused_unless_it_has_a_limit(kling, tmp_path):
    run = Run()
    run.add(batch(tmp_path, max_run_usd=100))
    run.tasks["all"].defaults = {"model_name": "kling-v9", "duration": 5}
    with pytest.raises(errors.KlingBudgetError, match="unknown"):
        run.start("all")
    run.tasks["all"].max_units = 10
    with pytest.raises(TaskDeferred):
        run.start("all")


@pytest.fixture
def daily(kling, monkeypatch, tmp_path):
    """A connection whose users may spend two videos a day together."""

    def allow(usd: float, **more: Any) -> None:
        extra = {"allow_private_urls": True, "max_usd_per_day": usd, "budget_uri": f"file://{tmp_path}/budget"}
        connect(monkeypatch, kling, extra={**extra, **more})

    allow(2 * PRICE)
    return allow


def test_all_dags_of_a_connection_share_its_day(kling, daily, tmp_path):
    assert Run("a").start("a")["task_id"]
    assert Run("b").start("b")["task_id"]
    with pytest.raises(
        errors.KlingBudgetError, match=r"Raise max_usd_per_day.*\$0.84 are spent or committed by others"
    ):
        Run("c").start("c")
    (day,) = (tmp_path / "budget").iterdir()
    names = sorted(path.name.split("~", 1)[1] for path in day.iterdir())
    assert names == [*["asking~0.420"] * 2, "free~0.420", *["spent~0.420"] * 2]
    daily(3 * PRICE)
    assert Run("c").start("c", try_number=2)["task_id"]
    assert posts(kling) == 3


def test_dags_that_start_together_keep_to_the_day(daily, kling, monkeypatch):
    daily(3 * PRICE)
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(pause=0.01))
    assert at_the_same_moment(8) == ["KlingBudgetError"] * 5 + ["sent"] * 3
    assert posts(kling) == 3


def test_of_two_reservations_of_one_task_the_higher_state_counts(tmp_path):
    folder = tmp_path / "2026-11-28"
    folder.mkdir()
    for name in ("af-1~spent~0.42", "af-1~asking~0.42", "af-2~asking~1", "af-2~free~1", "af-3~spent~much", "a file"):
        (folder / name).write_bytes(b"1")
    found = reservations.DayReservations(f"file://{tmp_path}", date(2026, 11, 28)).read()
    assert {(each.owner[0], each.state.value, each.usd) for each in found} == {
        ("af-1", "spent", Decimal("0.42")),
        ("af-2", "asking", Decimal(1)),
        # Whatever it says: somebody pays.
        ("af-3", "spent", None),
    }


def test_a_retry_of_a_day_counts_once(kling, daily):
    run = Run("a")
    first = run.start("a")
    assert run.start("a", try_number=2)["task_id"] == first["task_id"]
    assert Run("b").start("b")["task_id"]
    assert posts(kling) == 2


def test_a_run_that_is_full_gives_the_day_its_share_back(kling, daily):
    run = Run("a", max_run_usd=0.01)
    with pytest.raises(errors.KlingBudgetError, match="Raise max_run_usd"):
        run.start("a")
    assert Run("b").start("b")["task_id"]
    assert Run("c").start("c")["task_id"]


def test_a_folder_that_is_away_is_a_reason_to_send_nothing(kling, daily, tmp_path):
    (tmp_path / "budget").write_text("a file where the folder should be")
    with pytest.raises(errors.KlingStorageError, match="reservations of max_usd_per_day"):
        Run("a").start("a")
    assert posts(kling) == 0


def test_on_an_object_store_a_day_is_kept_too(kling, daily, object_store):
    daily(PRICE, budget_uri="s3://store@videos/budget")
    assert Run("a").start("a")["task_id"]
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"max_usd_per_day": "much", "budget_uri": "s3://b/x"}, "max_usd_per_day"),
        ({"max_usd_per_day": 0, "budget_uri": "s3://b/x"}, "max_usd_per_day"),
        ({"max_usd_per_day": 5}, "Give budget_uri"),
        ({"budget_uri": 5}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "None"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "s3://"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "budget"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "file:///"}, "budget_uri"),
        ({"budget_uri": "./here"}, "budget_uri"),
        ({"budget_uri": "s3://KEY:SECRET@bucket/x"}, r"^Take the password out of budget_uri in extra: [^S]+$"),
    ],
)
def test_an_invalid_limit_of_a_connection_is_reported(kling, monkeypatch, extra, says):
    connect(monkeypatch, kling, extra=extra)
    with pytest.raises(errors.KlingConfigurationError, match=says):
        Run("a").start("a")


def start(run, name, store, **instance):
    return run.tasks[name].execute({**run.context(name, **instance), "task_state_store": store})


def test_a_clear_that_pays_again_counts_again(kling):
    run = Run("a", "b", max_run_usd=2 * PRICE, on_clear="regenerate")
    store = StateStore()
    first = start(run, "a", store)

    def clear(number):
        context = {**run.context("a", try_number=number), "task_state_store": store}
        context["ti"].max_tries = number
        return run.tasks["a"].execute(context)

    assert clear(2)["task_id"] != first["task_id"]
    assert run.xcoms["a", -1][reservations.KEY]["usd"] == "0.840"
    with pytest.raises(errors.KlingBudgetError, match=r"\$0.84 were paid by this task before a Clear"):
        clear(3)
    assert (run.state("a"), run.xcoms["a", -1][reservations.KEY]["usd"]) == ("spent", "0.840")
    with pytest.raises(errors.KlingBudgetError):
        start(run, "b", StateStore())
    assert posts(kling) == 2


def test_a_second_take_that_is_refused_leaves_the_first_paid(kling):
    run = Run("a", max_run_usd=3 * PRICE)
    store = StateStore()
    start(run, "a", store)
    run.tasks["a"].prompt = "Another boat"
    kling.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        start(run, "a", store, try_number=2)
    assert (run.state("a"), run.xcoms["a", -1][reservations.KEY]["usd"]) == ("spent", "0.420")
    assert len(store["takes"]) == 1


def test_a_retry_of_the_same_submission_counts_once(kling):
    run, store = Run("a", max_run_usd=PRICE), StateStore()
    assert start(run, "a", store)["task_id"] == start(run, "a", store, try_number=2)["task_id"]
    assert run.xcoms["a", -1][reservations.KEY]["usd"] == "0.420"


def test_a_store_that_is_down_is_not_a_reason_to_pay_above_a_cap(kling):
    class Broken(StateStore):
        def get(self, key, default=None):
            raise OSError("no store today")

    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        start(Run("a", max_run_usd=1), "a", Broken())
    assert posts(kling) == 0
    run = Run("a")
    run.add(operator(task_id="capped", max_run_usd=1))
    assert start(run, "a", Broken())["task_id"]


@pytest.mark.parametrize("content", [b"", b'{"af-1": "0.4', b"[]", b"\xff\xfe", b"{}\n{}\n"])
def test_a_damaged_file_of_what_was_paid_is_named_and_never_exceeds_the_cap(kling, daily, tmp_path, content):
    daily(1000)
    run = Run("a", "b", max_run_usd=100, on_clear="regenerate")
    run.start("a")
    (kept,) = tmp_path.glob("budget/sent/*.takes.json")
    kept.write_bytes(content)
    cleared = run.context("a", try_number=2)
    cleared["ti"].max_tries = 1
    with pytest.raises(errors.KlingBudgetError) as caught:
        run.tasks["a"].execute(cleared)
    name = f"sent/{kept.name[:11]}….takes.json"
    assert advice_first(caught.value.message).startswith(f"Look what this task paid, then remove {name}: max_run_usd ")
    assert str(kept) in caught.value.message
    with pytest.raises(errors.KlingBudgetError, match=r"what other Kling tasks cost is unknown"):
        run.start("b")
    assert posts(kling) == 1
    # A task without a cap goes on, and does not forget that something was paid before.
    free = run.add(operator(task_id="a", on_clear="regenerate", prompt="Another boat"))
    free.execute(run.context("a", try_number=3))
    assert run.xcoms["a", -1][reservations.KEY]["usd"] is None
    free.max_run_usd, free.prompt = 100, "A third boat"
    with pytest.raises(errors.KlingBudgetError, match="a price of what this task paid before a Clear is not known"):
        free.execute(run.context("a", try_number=4))
    assert posts(kling) == 2
    kept.unlink()
    assert free.execute(run.context("a", try_number=5))["task_id"]


@pytest.mark.parametrize(
    "kept", [{"task": "b"}, {"task": "b", "map_index": -1, "state": "spent", "usd": "NaN"}, "text", {}, [3],
             {"task": "b", "map_index": -1, "state": "spent", "usd": "-5"},
             {"task": "b", "map_index": -1, "state": "promised", "usd": "1"}]
)  # fmt: skip
def test_a_reservation_that_cannot_be_read_is_not_free(kling, kept):
    run = Run("a", "b", max_run_usd=100)
    run.xcoms["b", -1] = {reservations.KEY: kept}
    with pytest.raises(errors.KlingBudgetError, match=r"what other Kling tasks cost is unknown \(1 of them\)"):
        run.start("a")
    assert posts(kling) == 0


def test_a_day_is_listed_in_pieces_and_no_reservation_is_missed_while_it_moves(tmp_path):
    day = reservations.DayReservations(f"file://{tmp_path}", date(2026, 11, 28))
    mine = Reservation(("af-1", -1), ReservationState.ASKING, Decimal(1))
    day.write(mine)
    first = day._file_names()
    day.write(mine._replace(state=ReservationState.SPENT))
    # The first half of a listing that begins before the second write, and the second half of one that ends after it.
    assert "af-1~asking~1" in first
    assert set(day._file_names()) == {"af-1~asking~1", "af-1~spent~1"}


def test_a_reservation_of_a_try_that_died_while_it_asked_goes_with_its_retry(daily, kling, tmp_path):
    daily(PRICE)
    run = Run("a")
    run.start("a")
    (folder,) = (tmp_path / "budget").iterdir()
    other = Run("b")
    with pytest.raises(errors.KlingBudgetError):
        other.start("b")
    (free,) = folder.glob("*~free~*")
    (folder / free.name.replace("free", "asking")).write_bytes(b"1")
    with pytest.raises(errors.KlingBudgetError):
        other.start("b", try_number=2)
    assert len([*folder.glob("*~asking~*")]) == 1


@pytest.mark.parametrize("code", [1102, 1201])
def test_what_kling_refused_is_free_again_on_its_day(kling, daily, code):
    daily(PRICE)
    kling.fault(code=code, operation="create")
    with pytest.raises(errors.KlingApiError):
        Run("a").start("a")
    assert Run("b").start("b")["task_id"]


@pytest.mark.kling_simulator(seconds=0.1)
@pytest.mark.parametrize("deferrable", [True, False])
def test_what_kling_failed_is_free_again_on_its_day(kling, daily, deferrable):
    daily(PRICE)
    words = {"wait_for_completion": True, "deferrable": deferrable, "poll_interval": 0.05}
    run = Run("a", **words)
    kling.fault("fail_task", operation="create")
    with pytest.raises((TaskDeferred, errors.KlingTaskFailedError)):
        run.start("a")
    if deferrable:  # another process
        time.sleep(0.2)
        event = polling.Event("error", run.xcoms["a", -1]["task_id"], "failed").payload()
        with pytest.raises(errors.KlingTaskFailedError):
            operator(task_id="a", **words).execute_complete(run.context("a"), event)
    assert Run("b").start("b")["task_id"]


def test_what_is_in_doubt_counts_on_its_day(kling, daily, no_waiting):
    daily(PRICE)
    kling.fault("cut_after", operation="create", times=20)
    kling.fault(code=5000, operation="query", times=20)
    with pytest.raises(errors.KlingError):
        Run("a").start("a")
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")


class Clock(datetime):
    """A clock that a test moves by days."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.ahead


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(spending, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta())
    return lambda **time: monkeypatch.setattr(Clock, "ahead", timedelta(**time))


def test_who_waits_for_a_slot_over_midnight_asks_the_new_day(kling, daily, clock):
    daily(PRICE)
    run = Run("a")
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run.start("a")
    event = {"since": caught.value.trigger.since, "until": caught.value.trigger.until}
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")
    clock(days=1)
    Run("c").start("c")
    with pytest.raises(errors.KlingBudgetError):
        operator(task_id="a").execute_with_slot(run.context("a"), event)
    clock(days=0)
    assert operator(task_id="a").execute_with_slot(run.context("a"), event)["task_id"], "it has its share of its day"
    assert Clock.now(UTC).date() == datetime.now(UTC).date()


def test_what_an_earlier_try_may_have_paid_is_not_freed_by_a_refusal(kling, monkeypatch, no_waiting):
    with KlingSimulator(Settings(external_ids="drop")) as relay:
        connect(monkeypatch, relay, extra={"allow_private_urls": True, "timeout_seconds": 5, "external_ids": False})
        run, store = Run("a", max_run_usd=5, on_doubt="resend"), StateStore()
        relay.fault("cut_before", operation="create")
        relay.fault(code=1102, operation="create")
        with pytest.raises(errors.KlingSubmissionInDoubtError):
            start(run, "a", store)
        assert run.state("a") == "spent"
        relay.fault(code=1102, operation="create")
        with pytest.raises(errors.KlingAccountError):
            start(run, "a", store, try_number=2)
        assert run.state("a") == "spent"
        assert store["sent"]["since"]


@pytest.mark.parametrize("code", [1002, 1102, 1302])
def test_a_refused_look_up_frees_nothing_that_an_earlier_try_has_paid(kling, daily, code, no_waiting):
    daily(PRICE)
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    kling.fault(code=code, operation="query", times=20)
    with contextlib.suppress(errors.KlingApiError):
        run.start("a", try_number=2)
    assert len(kling.tasks()) == 1
    kling.clear_faults()
    assert run.state("a") == "spent"
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")


def test_a_retry_whose_look_up_is_throttled_asks_the_cap_before_it_waits_elsewhere(kling, no_waiting):
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    kling.fault(code=1302, operation="query", times=4)
    with pytest.raises(errors.KlingBudgetError):
        run.start("b", try_number=2)
    assert posts(kling) == 1


def test_without_a_cap_it_waits_in_the_triggerer(kling, no_waiting):
    run = Run("a")
    kling.fault(code=1302, operation="query", times=4)
    with pytest.raises(TaskDeferred):
        run.start("a", try_number=2)
