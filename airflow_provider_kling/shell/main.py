"""Run one shell command and turn its end into an exit status."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingError,
    KlingTaskNotFoundError,
    KlingValidationError,
)
from airflow_provider_kling.results.failure import failure_of
from airflow_provider_kling.results.storage import store
from airflow_provider_kling.results.targets import check_target
from airflow_provider_kling.shell import show, streams
from airflow_provider_kling.shell.account import VARIABLES, hook_for, is_of_environment
from airflow_provider_kling.shell.arguments import parser
from airflow_provider_kling.shell.video import DeclinedError, make, target_of
from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Task

#: What a command returns: a JSON value, and the lines that a person reads instead.
Output = tuple[Any, list[str]]

_OK, _FAILED, _BAD_REQUEST, _INTERRUPTED, _NO_READER = 0, 1, 2, 130, 141


def main(argv: Sequence[str] | None = None, result: TextIO | None = None) -> int:
    """
    Run a command.

    :param argv: its words; default are those of the process.
    :param result: where the result goes; default is standard output.
    :return: 0; 1 when Kling, the network or the output failed it; 2 when the request is bad or nobody said yes; 130
        after Ctrl-C; 141 when nobody reads its output any more.
    """
    stream = result or sys.stdout
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        status, text = _run(given)
        streams.write(stream, text) if text is not None else None
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output(stream)
        return _NO_READER
    except OSError as error:
        _drop_output(stream)
        show.print_note(f"Give standard output room: the result could not be written ({reason(error)}).")
        return _FAILED
    return status


def _run(given: Sequence[str]) -> tuple[int, str | None]:
    """Return the exit status, and what goes to standard output: with ``--json`` always one value."""
    status, failure = _FAILED, None
    try:
        words = parser().parse_args(given)
        value, lines = _COMMANDS[words.command](hook_for(words.conn_id), words)
        return _OK, json.dumps(value) if words.json else "\n".join(lines) or None
    except SystemExit as end:
        if not end.code:  # --help has said it all
            return _OK, None
        status, failure = _BAD_REQUEST, _other("UsageError", "Correct the command: standard error says what is wrong.")
    except KeyboardInterrupt:
        sentence = "Stopped. What Kling has accepted runs on: the same command finds it, and pays nothing."
        show.print_note(sentence)
        status, failure = _INTERRUPTED, _other("KeyboardInterrupt", sentence)
    except DeclinedError as problem:
        show.print_note(str(problem))
        status, failure = _BAD_REQUEST, _other("DeclinedError", str(problem))
    except KlingError as error:
        show.print_note(str(error))
        if isinstance(error, KlingConfigurationError | KlingAuthenticationError) and is_of_environment(words.conn_id):
            show.print_note(VARIABLES)
        status = _BAD_REQUEST if isinstance(error, KlingValidationError) else _FAILED
        failure = failure_of(error)
    return status, json.dumps({"error": failure}) if "--json" in given else None


def _other(name: str, message: str) -> dict[str, Any]:
    return {"error": name, "code": None, "message": message, "task_id": None}


def _drop_output(stream: TextIO) -> None:
    """Drop unwritten output, which Python would try to write again when the process ends."""
    with contextlib.suppress(OSError):
        stream.close()


def _make(hook: KlingHook, words: Namespace) -> Output:
    manifest = make(hook, words)
    return manifest, [_local_path(file["uri"]) for file in manifest["files"]]


def _task(hook: KlingHook, words: Namespace) -> Task:
    """Read the task of a command; without a product among those of the commands that make one."""
    if words.endpoint:
        return hook.get_task(words.kling_task_id, words.endpoint)
    with contextlib.suppress(KlingTaskNotFoundError):
        return hook.get_task(words.kling_task_id, "image2video")
    try:
        return hook.get_task(words.kling_task_id, "text2video")
    except KlingTaskNotFoundError as error:
        raise KlingTaskNotFoundError(
            error.code,
            error.kling_message,
            http_status=error.http_status,
            request_id=error.request_id,
            advice="Check the id and the account, or give --product: no such task was found.",
        ) from None


def _status(hook: KlingHook, words: Namespace) -> Output:
    task = _task(hook, words)
    reason = f": {clean_text(task.message)}" if task.message else ""
    return task.manifest(), [f"{task.task_id} {task.status.value}{reason}"]


def _fetch(hook: KlingHook, words: Namespace) -> Output:
    target = check_target(target_of(words.to), name="--to")
    task = _task(hook, words)
    if not task.status.is_terminal:
        raise KlingValidationError([f"Wait, and fetch it again: Kling task {task.task_id} is {task.status.value}."])
    task = polling.require_success(task, polling.Event("success", task.task_id))
    files = store(hook, task, target)
    return {**task.manifest(), "files": files}, [_local_path(file["uri"]) for file in files]


def _list(hook: KlingHook, words: Namespace) -> Output:
    tasks = hook.list_tasks(words.endpoint, page_size=words.limit)
    if not tasks:
        show.print_note(f"The account has no task of {words.endpoint}. --product lists those of another product.")
    tasks.sort(key=lambda task: task.created_at, reverse=True)
    lines = [f"{task.task_id} {task.status.value:<10} {task.units or '-':>6} units" for task in tasks]
    return [task.manifest() for task in tasks], lines


def _costs(hook: KlingHook, _words: Namespace) -> Output:
    packs = hook.account_costs()
    if not packs:
        show.print_note("The account has no resource pack.")
    lines = [
        f"{pack.name} {pack.status}: {pack.remaining_quantity:g} of {pack.total_quantity:g} units left"
        for pack in packs
    ]
    return [dataclasses.asdict(pack) for pack in packs], lines


def _local_path(uri: str) -> str:
    """Return a local file's URI as a path, which other shell commands take."""
    return uri.removeprefix("file://")


_COMMANDS: dict[str, Callable[[KlingHook, Namespace], Output]] = {
    "animate": _make,
    "imagine": _make,
    "status": _status,
    "fetch": _fetch,
    "list": _list,
    "costs": _costs,
}
