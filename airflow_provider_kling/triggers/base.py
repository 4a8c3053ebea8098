"""The base of the triggers: exactly one event, its earliest time, the deadline, and serialization."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_kling.models import is_time
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.utils._airflow.completion import is_still_deferred, set_xcom
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import JsonValue

#: Seconds between a deferral and the earliest resumption on a worker. A trigger that fires at once can meet the
#: executor's late "success" of the deferring process and lose a healthy task (apache/airflow#72716): after 1 s it lost
#: 7 of 20, after 5 s one now and then on a busy machine, after 10 s none. A wait that ends in the triggerer is not
#: affected.
MIN_DEFERRAL = 10.0

#: Seconds between the trigger's own deadline and Airflow's; the triggerer may be restarting.
BACKSTOP_MARGIN = 120.0


class KlingTrigger(BaseTrigger):
    """
    Wait in the triggerer and fire exactly one event, always.

    Arguments are strings and numbers, never a key or an image; arguments of other versions of the package are accepted.
    A subclass implements the wait (:meth:`_wait`) and the event of a wait that broke (:meth:`_error_event`).
    """

    #: Class path in the rows of the database: it must stay when the class moves.
    path: ClassVar[str]

    #: Seconds between the deferral and the earliest event; not serialized.
    min_deferral: ClassVar[float] = MIN_DEFERRAL

    #: Epoch seconds of the deferral.
    deferred_at: float

    #: Whether a success may end the Airflow task here, without a worker. It needs Airflow 3.2: below, an XCom that is
    #: set from a thread kills the trigger runner.
    ends_task: bool = False

    @property
    def log(self) -> Any:
        """
        The logger of this class; the triggerer finds the trigger of a line by its context.

        Airflow makes one logger for each trigger: with ten thousand waits these are a fifth of all objects that the
        garbage collector visits.
        """
        return _logger(type(self))

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        return self.path, {name: getattr(self, name) for name in _arguments(type(self))}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield exactly one event: the Airflow task's success, or an event that resumes it on a worker."""
        try:
            event = await self._wait()
            if event.get("status") == "success" and await self._may_finish_here():
                links = await self._push_result(event)
                if links is not None:
                    # Airflow sets them with the success, without a request. For links only: it encodes such an XCom
                    # twice, which the UI's buttons can read, and a task that pulls it could not.
                    yield TaskSuccessEvent(xcoms=links)
                    return
        except Exception as error:  # noqa: BLE001 - without an event the Airflow task would wait until its backstop
            event = self._error_event(error)
        await asyncio.sleep(seconds_left(self.deferred_at, self.min_deferral, time.time()))
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """Say what keeps running: Kling has no call that cancels a task."""
        # Airflow 3.3.0 to 3.3.2 also call this when the wait moves to another triggerer (apache/airflow#73454).
        if not await in_thread(Work.REPORT, is_still_deferred, self.task_instance):
            self._warn_still_running()

    async def _wait(self) -> dict[str, Any]:
        """Wait; return the event."""
        raise NotImplementedError

    def _error_event(self, error: Exception) -> dict[str, Any]:
        """Return the event of a wait that broke."""
        raise NotImplementedError

    async def _push_result(self, event: dict[str, Any]) -> dict[str, JsonValue] | None:
        """Push what the worker would push. Return the links of buttons by XCom, or ``None`` when a worker goes on."""
        return None

    def _warn_still_running(self) -> None:
        """Log what keeps running at Kling after a kill."""

    async def _may_finish_here(self) -> bool:
        # dag.test() runs triggers without a task instance; it resumes in process.
        return self.ends_task and await self._is_still_deferred()

    async def _is_still_deferred(self) -> bool:
        """Whether the task is known to wait still, so that this trigger may act for it."""
        if self.task_instance is None or not AIRFLOW_V_3_2_PLUS:
            return False
        try:
            # After a pause this trigger may belong to another task (ids are reused); it would act for the wrong one.
            return await in_thread(Work.REPORT, is_still_deferred, self.task_instance)
        except Exception as error:  # noqa: BLE001 - then a worker goes on
            self.log.warning("Airflow does not say whether the task is still deferred: %s", reason(error))
            return False

    async def _push(self, key: str, value: Any) -> bool:
        """Push an XCom that the task can do without. Return whether it was pushed."""
        ti = self.task_instance
        if not AIRFLOW_V_3_2_PLUS or ti is None:
            return False
        try:
            await in_thread(Work.REPORT, set_xcom, ti, key, value)
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend raises
            self.log.warning("The XCom %s was not pushed: %s", key, reason(error))
            return False
        return True


def seconds_left(deferred_at: Any, min_deferral: float, now: float) -> float:
    """
    Return how long an event, or a submission, still waits: never longer than the whole pause.

    The worker's clock may be hours ahead, and another version of the package may have written something else.

    :param deferred_at: epoch seconds at which the pause began.
    :param min_deferral: seconds of the whole pause.
    :param now: epoch seconds.
    """
    if not is_time(deferred_at):
        return min_deferral
    return max(0.0, min(deferred_at + min_deferral - now, min_deferral))


@functools.cache
def _arguments(trigger: type[KlingTrigger]) -> tuple[str, ...]:
    """Return the names of a trigger's own arguments, those of its bases first."""
    classes = [
        each for each in reversed(trigger.__mro__) if issubclass(each, KlingTrigger) and each is not KlingTrigger
    ]
    parameters = [parameter for each in classes for parameter in inspect.signature(each).parameters.values()]
    return tuple(dict.fromkeys(each.name for each in parameters if each.kind is not each.VAR_KEYWORD))


@functools.cache
def _logger(trigger: type[KlingTrigger]) -> logging.Logger:
    return logging.getLogger(f"{trigger.__module__}.{trigger.__qualname__}")


def backstop(end_time: float, *, margin: float = 0.0) -> timedelta:
    """
    Return the time after which Airflow itself ends a deferral: later than the trigger's own deadline.

    :param end_time: the trigger's deadline, epoch seconds.
    :param margin: seconds that its last step may take.
    """
    return timedelta(seconds=max(end_time - time.time(), MIN_DEFERRAL) + margin + BACKSTOP_MARGIN)


def deadline_text(end_time: float | None) -> str:
    """
    Return a deadline as text for the log.

    :param end_time: epoch seconds; ``None`` when it is not known yet.
    """
    if end_time is None:
        return "as long as the sensor's timeout says"
    return f"until {datetime.fromtimestamp(end_time, UTC):%Y-%m-%d %H:%M:%S} UTC at most"
