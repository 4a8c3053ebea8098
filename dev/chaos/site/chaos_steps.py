"""
Crash points: wraps methods of the package, so that a process can kill itself at a step.

A crash point is a file ``step@dag@run@task@index`` in the folder ``KLING_CHAOS_CRASH_POINTS``. If it contains
``machine``, the supervisor of the worker is killed too, so that Airflow gets no report. A process claims the file by
renaming it into the folder ``fired``, which only one process can do, and kills itself at once: each file in ``fired``
is one crash.

Only the modules in ``_WRAPS`` are changed, when they are imported; the package itself has no code for this.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import sys
import threading
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

#: Size of the first chunk: larger than Python's buffer, so that half a file is really written to disk.
_HALF = 10_000
#: Seconds between sending a request and the crash; the simulator has accepted the request by then.
_ACCEPTED_AFTER = 0.3
#: The package probes for a slot about every 20 s, too rarely for videos of a few seconds.
_PROBE_INTERVAL = 4.0

#: The steps of the wrapped methods.
STEPS: set[str] = set()

_last_instance: Any = None

#: The task instance for which a thread of the triggerer submits.
_submitting = threading.local()


def install() -> None:
    """Wrap each module as soon as something imports it."""
    sys.meta_path.insert(0, _Finder())


def step(name: str) -> Callable[..., None]:
    """Register a step; return the function that a wrapped method calls at this step."""
    STEPS.add(name)
    return functools.partial(_crash_at, name)


def _crash_at(step: str, instance: Any = None) -> None:
    """Kill this process if the step is a crash point of the task instance."""
    instance = instance or _instance()
    if instance is None:
        return
    point = _point(step, instance)
    claimed = point.parent / "fired" / point.name
    try:
        point.rename(claimed)
    except FileNotFoundError:
        return
    if claimed.read_text() == "machine" and _is_supervisor(os.getppid()):
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _is_supervisor(pid: int) -> bool:
    """Whether a process is the supervisor of a worker; after its death the worker has another parent."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"airflow worker -- LocalExecutor")


def _point(step: str, instance: Any) -> Path:
    place = (step, instance.dag_id, instance.run_id, instance.task_id, str(instance.map_index))
    return Path(os.environ["KLING_CHAOS_CRASH_POINTS"]) / "@".join(place)


def _instance() -> Any:
    """The task instance of this worker; the last known one after Airflow has left the task's context."""
    global _last_instance  # noqa: PLW0603 - a worker process runs one task
    from airflow.sdk import get_current_context

    with contextlib.suppress(RuntimeError):
        _last_instance = get_current_context()["ti"]
    return _last_instance


def _step_or_none(name: str) -> Callable[..., None]:
    return step(name) if name else lambda *_: None


def _around(owner: Any, name: str, *, before: str = "", after: str = "") -> None:
    original = getattr(owner, name)
    at_first, at_last = _step_or_none(before), _step_or_none(after)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        at_first()
        result = original(*args, **kwargs)
        at_last()
        return result

    setattr(owner, name, wrapper)


def _around_coroutine(owner: Any, name: str, *, before: str = "", after: str = "") -> None:
    """Like :func:`_around`, for a coroutine of a trigger, which has its task instance as an attribute."""
    original = getattr(owner, name)
    at_first, at_last = _step_or_none(before), _step_or_none(after)

    @functools.wraps(original)
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.task_instance:
            at_first(self.task_instance)
        result = await original(self, *args, **kwargs)
        if self.task_instance:
            at_last(self.task_instance)
        return result

    setattr(owner, name, wrapper)


def _wrap_submitter(module: ModuleType) -> None:
    _around(module.Submitter, "_post", before="post-before", after="post-answered")


def _wrap_transport(_module: ModuleType) -> None:
    from urllib3.connection import HTTPConnection

    connection: Any = HTTPConnection
    original = connection.getresponse
    in_worker, in_triggerer = step("post-accepted"), step("submit-accepted")

    @functools.wraps(original)
    def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
        submits = getattr(_submitting, "instance", None)
        name, accepted = ("submit-accepted", in_triggerer) if submits else ("post-accepted", in_worker)
        instance = (submits or _instance()) if self._method == "POST" else None
        if instance and _point(name, instance).exists():
            time.sleep(_ACCEPTED_AFTER)
            accepted(instance)
        return original(self, *args, **kwargs)

    connection.getresponse = getresponse


def _wrap_operators(module: ModuleType) -> None:
    operator = module.KlingTaskOperator
    _around(operator, "_push", before="push-before", after="push-after")
    _around(operator, "defer", before="defer-before")
    _around(operator, "execute_complete", before="resume-before")
    _around(operator, "execute_with_slot", before="slot-resume")
    _around(operator, "_finish", after="finish-after")


def _wrap_batch(module: ModuleType) -> None:
    _around(module.KlingImageToVideoBatchOperator, "defer", before="defer-before")


def _wrap_batch_trigger(module: ModuleType) -> None:
    trigger = module.KlingBatchTrigger
    _around(trigger, "serialize", after="defer-sent")
    _around_coroutine(trigger, "_run_batch", before="wait-begin", after="event")
    _around_coroutine(trigger, "_report_progress", after="batch-report")
    _around_coroutine(trigger, "_push_result", after="handed-over")


def _wrap_transfers(module: ModuleType) -> None:
    _around(module.KlingToObjectStorageOperator, "execute", after="finish-after")


def _wrap_sensors(module: ModuleType) -> None:
    sensor = module.KlingTaskSensor
    _around(sensor, "execute", before="sensor-before")
    _around(sensor, "defer", before="defer-before")


def _wrap_triggers(module: Any) -> None:
    _around(module.KlingTaskTrigger, "serialize", after="defer-sent")
    _around_coroutine(module.KlingTaskTrigger, "_wait", before="wait-begin", after="event")
    _around_coroutine(module.KlingTaskTrigger, "_push_result", after="handed-over")
    set_xcom, handed_half = module.set_xcom, step("handed-half")

    def set_one(instance: Any, key: str, value: Any) -> None:
        set_xcom(instance, key, value)
        handed_half(instance)

    module.set_xcom = set_one


def _wrap_slot_trigger(module: ModuleType) -> None:
    _around(module.KlingSlotTrigger, "serialize", after="slot-defer")


def _wrap_submit_trigger(module: ModuleType) -> None:
    trigger = module.KlingSubmitTrigger
    send, before, answered = trigger._send, step("submit-before"), step("submit-answered")

    def send_or_crash(self: Any) -> Any:
        instance = _submitting.instance = self.task_instance
        try:
            before(instance)
            done = send(self)
            answered(instance)
        finally:
            _submitting.instance = None
        return done

    trigger._send = send_or_crash


def _wrap_storage(module: Any) -> None:
    store, at_first, at_last = module._store_result, step("store-before"), step("store-after")

    def store_or_crash(*args: Any) -> Any:
        at_first()
        file = store(*args)
        at_last()
        return file

    module._store_result = store_or_crash


def _wrap_object_files(module: Any) -> None:
    write, half = module.write_atomically, step("store-half")

    class Crashing:
        """A file whose reader may crash after the first chunk."""

        def __init__(self, source: Any) -> None:
            self._source = source
            self._begun = False

        def read(self, size: int = -1) -> bytes:
            if self._begun:
                half()
            begun, self._begun = self._begun, True
            return bytes(self._source.read(size if begun else _HALF))

    module.write_atomically = lambda source, path: write(Crashing(source), path)


def _wrap_slots(module: ModuleType) -> None:
    slots = module.AccountSlots
    slots.pace = dataclasses.replace(slots.pace, worker_probe=_PROBE_INTERVAL)


_WRAPS: dict[str, Callable[[ModuleType], None]] = {
    "airflow_provider_kling.submission.submitter": _wrap_submitter,
    "airflow_provider_kling.api.transport": _wrap_transport,
    "airflow_provider_kling.operators.task": _wrap_operators,
    "airflow_provider_kling.operators.batch": _wrap_batch,
    "airflow_provider_kling.triggers.batch": _wrap_batch_trigger,
    "airflow_provider_kling.transfers": _wrap_transfers,
    "airflow_provider_kling.sensors": _wrap_sensors,
    "airflow_provider_kling.triggers.task": _wrap_triggers,
    "airflow_provider_kling.triggers.slot": _wrap_slot_trigger,
    "airflow_provider_kling.triggers.submit": _wrap_submit_trigger,
    "airflow_provider_kling.results.storage": _wrap_storage,
    "airflow_provider_kling.results.object_files": _wrap_object_files,
    "airflow_provider_kling.waiting.slot_queue": _wrap_slots,
}


class _Loader(Loader):
    """Loads a module with the original loader, then wraps its methods."""

    def __init__(self, original: Loader, wrap: Callable[[ModuleType], None]) -> None:
        self._original = original
        self._wrap = wrap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._original.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._original.exec_module(module)
        self._wrap(module)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _WRAPS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader, _WRAPS[fullname])
        return spec
