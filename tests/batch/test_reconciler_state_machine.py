"""The reconciler with generated responses, crashes, restarts and a second triggerer."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import STEPS
from support_reconciler import CUT, FULL, START, batch, task

from airflow_provider_kling.batch.actions import FindTask, Finish, Store, Submit, Wait, Watch
from airflow_provider_kling.exceptions import (
    KlingConnectionError,
    KlingDuplicateTaskError,
    KlingResultError,
    KlingTaskNotFoundError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission import protocol

if TYPE_CHECKING:
    from airflow_provider_kling.batch.reconciler import Reconciler


class Kling:
    """Tasks by external id, and the rule that an id is taken once."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.tasks: dict[str, Task] = {}
        self.numbers = itertools.count(1)

    def alive(self) -> list[str]:
        return [name for name, reconciler in self.tasks.items() if not reconciler.status.is_terminal]

    def create(self, name: str, now: float) -> protocol.Outcome:
        if name in self.tasks:
            return protocol.Problem(KlingDuplicateTaskError(1201, "already exists", http_status=400))
        if len(self.alive()) >= self.slots:
            return protocol.Problem(FULL)
        self.tasks[name] = task(name, task_id=f"t{next(self.numbers)}", created=now)
        return protocol.Found(self.tasks[name])

    def end(self, name: str, status: TaskStatus, message: str = "") -> None:
        old = self.tasks[name]
        self.tasks[name] = task(
            name, status, task_id=old.task_id, message=message, units="1", created=old.created_at / 1000
        )


STORE_FAULTS = {
    "lost": KlingResultError("HTTP 503"),
    "before": KlingConnectionError("storage is away"),
    "blind": KlingTaskNotFoundError(1201, "no such task", http_status=404),
}


class Observer:
    """One triggerer's run of the batch: a reconciler, and what its threads have not carried out yet."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.pending: list = []
        self.finish: Finish | None = None

    def decide(self, now: float) -> None:
        if self.finish:
            return
        for action in self.reconciler.decide(now):
            if isinstance(action, Finish):
                self.finish = action
            elif not isinstance(action, Wait):
                self.pending.append(action)


FAULTS = st.sampled_from([[], [], [], ["lost"], ["lost", "blind"], ["before", "blind"], ["before"], ["blind"]])


class Batch(RuleBasedStateMachine):
    """State machine: all events of a batch, in any order."""

    @initialize(count=st.integers(1, 9), concurrency=st.integers(1, 4), slots=st.integers(1, 5), calm=st.booleans())
    def begin(self, count, concurrency, slots, calm):
        self.calm = calm
        self.now, self.count, self.concurrency = START + 1, count, concurrency
        self.kling = Kling(slots)
        self.orphans: list[tuple[str, bool]] = []
        self.disorder = 0
        self.observers = [self.fresh(complete=True)]

    def fresh(self, *, complete: bool) -> Observer:
        reconciler = batch(self.count, concurrency=self.concurrency, item_retries=2)
        known = dict(itertools.islice(self.kling.tasks.items(), None if complete else len(self.kling.tasks) // 2))
        reconciler.observe_all(known, complete=complete, sent_before=True, now=self.now)
        return Observer(reconciler)

    def protocol(self, name: str, look_up_first: bool, faults: list[str]) -> protocol.Done | protocol.Fail:
        """Run the real pay-once protocol with this Kling."""
        machine = protocol.Submission(name, look_up_first=look_up_first)
        step, faults = machine.start(), list(faults)
        while not isinstance(step, (protocol.Done, protocol.Fail)):
            fault = faults.pop(0) if faults else ""
            match step:
                case protocol.Wait():
                    outcome = protocol.Waited()
                case protocol.LookUp(attempt):
                    found = self.kling.tasks.get(attempt)
                    outcome = protocol.Found(found) if found else protocol.Absent()
                    outcome = protocol.Problem(CUT) if fault == "blind" else outcome
                case protocol.Post(attempt):
                    outcome = None if fault == "before" else self.kling.create(attempt, self.now)
                    outcome = protocol.Problem(CUT) if fault in ("lost", "before") else outcome
            step = machine.next_step(outcome)
        return step

    def carry_out(self, observer: Observer, action, faults: list[str]) -> bool:
        """Whether the action is over."""
        reconciler, fault = observer.reconciler, faults[0] if faults else ""
        match action:
            case Submit(key, look_up_first):
                result = self.protocol(f"x{key[1:]}", look_up_first, faults)
                if isinstance(result, protocol.Done):
                    reconciler.observed(key, result.task, self.now)
                else:
                    reconciler.not_submitted(key, result.error, self.now)
            case Watch(key, watched):
                current = self.kling.tasks[watched.external_task_id]
                if fault:
                    reconciler.unreadable(key, "not found, three times", self.now)
                    return True
                if not current.status.is_terminal:
                    return False
                reconciler.observed(key, current, self.now)
            case Store(key, _, _):
                if fault:
                    reconciler.not_stored(key, STORE_FAULTS[fault], self.now)
                else:
                    reconciler.stored(key, [{"uri": key}])
            case FindTask():
                raise AssertionError("nothing stops this batch early")
        return True

    @rule(data=st.data(), faults=FAULTS)
    def the_loop_turns(self, data, faults):
        observer = data.draw(st.sampled_from(self.observers))
        observer.decide(self.now)
        self.a_thread_of(observer, data, faults)

    @rule(data=st.data(), faults=FAULTS)
    def a_thread_comes_back(self, data, faults):
        self.a_thread_of(data.draw(st.sampled_from(self.observers)), data, faults)

    def a_thread_of(self, observer, data, faults):
        if observer.pending:
            action = observer.pending.pop(data.draw(st.integers(0, len(observer.pending) - 1)))
            if not self.carry_out(observer, action, faults):
                observer.pending.append(action)

    @rule(data=st.data(), bad=st.sampled_from(["", "", "", "busy", "risk control"]))
    def kling_ends_a_task(self, data, bad):
        if alive := self.kling.alive():
            name = data.draw(st.sampled_from(alive))
            self.kling.end(name, TaskStatus.FAILED if bad else TaskStatus.SUCCEED, bad)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 100.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: not self.calm)
    @rule(data=st.data(), complete=st.booleans(), in_the_air=st.booleans())
    def a_triggerer_restarts(self, data, complete, in_the_air):
        index = data.draw(st.integers(0, len(self.observers) - 1))
        sent = (
            [reconciler for reconciler in self.observers[index].pending if isinstance(reconciler, Submit)]
            if in_the_air
            else []
        )
        self.orphans += [(f"x{reconciler.key[1:]}", reconciler.look_up_first) for reconciler in sent]
        self.disorder += len(sent)
        self.observers[index] = self.fresh(complete=complete)

    @precondition(lambda self: not self.calm and len(self.observers) < 2)
    @rule(complete=st.booleans())
    def a_second_triggerer_runs_the_same(self, complete):
        self.disorder += self.concurrency
        self.observers.append(self.fresh(complete=complete))

    @precondition(lambda self: self.orphans)
    @rule(faults=FAULTS)
    def a_request_of_a_dead_triggerer_arrives(self, faults):
        self.protocol(*self.orphans.pop(), faults)

    @invariant()
    def an_item_has_one_task_alive_and_never_a_second_success(self):
        if not hasattr(self, "kling"):
            return
        for number in range(self.count):
            chain = [reconciler for name, reconciler in self.kling.tasks.items() if name.split("-")[0] == f"x{number}"]
            assert sum(reconciler.status is not TaskStatus.FAILED for reconciler in chain) <= 1

    @invariant()
    def what_is_paid_is_never_given_up(self):
        for observer in getattr(self, "observers", ()):
            for record in observer.reconciler.records():
                if record["status"] == "failed":
                    assert self.kling.tasks[self.named(record)].status is TaskStatus.FAILED

    @invariant()
    def no_more_run_than_were_asked_for(self):
        if hasattr(self, "kling"):
            assert len(self.kling.alive()) <= self.concurrency + self.disorder

    def teardown(self):
        if not hasattr(self, "kling"):
            return
        while self.orphans:
            self.protocol(*self.orphans.pop(), [])
        for _ in range(300):
            self.now += 200
            for observer in self.observers:
                observer.decide(self.now)
                observer.pending = [
                    reconciler for reconciler in observer.pending if not self.carry_out(observer, reconciler, [])
                ]
            for name in self.kling.alive():
                self.kling.end(name, TaskStatus.SUCCEED)
            if all(observer.finish for observer in self.observers):
                break
        for observer in self.observers:
            assert observer.finish == Finish("done")
            self.check_that_nothing_is_lost(observer.reconciler.records(ended=True))

    def check_that_nothing_is_lost(self, records):
        assert {record["status"] for record in records} <= {"succeed", "failed"}
        for record in records:
            if record["status"] == "failed":
                assert record["error"]["error"] in {"KlingTaskFailedError", "KlingContentPolicyError"}
            else:
                assert self.kling.tasks[self.named(record)].status is TaskStatus.SUCCEED
                assert record["files"]

    def named(self, record) -> str:
        return next(name for name, reconciler in self.kling.tasks.items() if reconciler.task_id == record["task_id"])


TestBatch = Batch.TestCase


TestBatch.settings = settings(max_examples=100 * STEPS, stateful_step_count=50, deadline=None)
