"""Run one shell command and turn its end into an exit status."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingError, KlingValidationError
from airflow_provider_kling.results.storage import store
from airflow_provider_kling.shell import show
from airflow_provider_kling.shell.account import hook_for
from airflow_provider_kling.shell.arguments import parser
from airflow_provider_kling.shell.video import DeclinedError, make, target_of
from airflow_provider_kling.utils.foreign import foreign_text

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from airflow_provider_kling.hooks import KlingHook

#: What a command returns: a JSON value, and the lines that a person reads instead.
Output = tuple[Any, list[str]]

_OK, _FAILED, _BAD_REQUEST, _INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run a command.

    :param argv: its words; default are those of the process.
    :return: 0; 1 when Kling or the network failed it; 2 when the request is bad or nobody said yes; 130 after Ctrl-C.
    """
    words = parser().parse_args(argv)
    try:
        value, lines = _COMMANDS[words.command](hook_for(words.conn_id), words)
    except KeyboardInterrupt:
        show.say("Stopped. What Kling has accepted runs on: the same command finds it, and pays nothing.")
        return _INTERRUPTED
    except (KlingValidationError, DeclinedError) as problem:
        show.say(str(problem))
        return _BAD_REQUEST
    except KlingError as error:
        show.say(str(error))
        return _FAILED
    sys.stdout.write((json.dumps(value) if words.json else "\n".join(lines)) + "\n")
    return _OK


def _make(hook: KlingHook, words: Namespace) -> Output:
    manifest = make(hook, words)
    return manifest, [_plain(file["uri"]) for file in manifest["files"]]


def _status(hook: KlingHook, words: Namespace) -> Output:
    task = hook.get_task(words.kling_task_id, words.endpoint)
    reason = f": {foreign_text(task.message)}" if task.message else ""
    return task.manifest(), [f"{task.task_id} {task.status.value}{reason}"]


def _fetch(hook: KlingHook, words: Namespace) -> Output:
    task = hook.get_task(words.kling_task_id, words.endpoint)
    if not task.status.is_terminal:
        raise KlingValidationError([f"Wait, and fetch it again: Kling task {task.task_id} is {task.status.value}."])
    files = store(hook, task, target_of(words.to))
    return {**task.manifest(), "files": files}, [_plain(file["uri"]) for file in files]


def _list(hook: KlingHook, words: Namespace) -> Output:
    tasks = hook.list_tasks(words.endpoint, page_size=words.limit)
    tasks.sort(key=lambda task: task.created_at, reverse=True)
    lines = [f"{task.task_id} {task.status.value:<10} {task.units or '-':>6} units" for task in tasks]
    return [task.manifest() for task in tasks], lines


def _costs(hook: KlingHook, _words: Namespace) -> Output:
    packs = hook.account_costs()
    lines = [
        f"{pack.name} {pack.status}: {pack.remaining_quantity:g} of {pack.total_quantity:g} units left"
        for pack in packs
    ]
    return [dataclasses.asdict(pack) for pack in packs], lines


def _plain(uri: str) -> str:
    """A file of this machine as its path, which another command takes."""
    return uri.removeprefix("file://")


_COMMANDS: dict[str, Callable[[KlingHook, Namespace], Output]] = {
    "animate": _make,
    "imagine": _make,
    "status": _status,
    "fetch": _fetch,
    "list": _list,
    "costs": _costs,
}
