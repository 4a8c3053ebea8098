"""The commands that pay: say what it costs, ask, submit once, wait, store."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products import prices
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.results.storage import store
from airflow_provider_kling.results.targets import check_target
from airflow_provider_kling.shell import show
from airflow_provider_kling.submission import identity, log_lines

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Manifest, Task
    from airflow_provider_kling.preparation.prepare import Prepared

#: What stands for Airflow's Dag in the id of a submission.
_ORIGIN = "shell"


class DeclinedError(Exception):
    """The payment was not confirmed; nothing was paid. The text says what to do."""


def make(hook: KlingHook, words: Namespace) -> Manifest:
    """
    Make one video, or find the one that the same command has paid for.

    :param hook: of the account.
    :param words: of the command.
    :raises DeclinedError: when the question before paying was not answered with yes.
    :raises KlingError: as the operators raise it.
    """
    target = check_target(target_of(words.to), name="--to")
    prepared = _prepared(words)
    name = external_task_id(hook, words, prepared)
    begun = time.time()
    found = hook.find_task(name, words.endpoint)
    if found is None or found.status is TaskStatus.FAILED:
        _ask(words, prepared)
    done = hook.submit(words.endpoint, prepared.body, external_task_id=name, look_up_first=True)
    show.print_note(log_lines.accepted(done, is_own_id=False, looked_up_first=True).text)
    task = _waited(hook, done.task, words.poll_interval, submitted_at=None if done.adopted else begun)
    show.print_note(log_lines.done(task).text)
    manifest = task.manifest(model_name=prepared.body.get("model_name", ""))
    manifest["files"] = store(hook, task, target, duration=prepared.body.get("duration"))
    return manifest


def external_task_id(hook: KlingHook, words: Namespace, prepared: Prepared) -> str:
    """
    Return the id of a command's submission: the same for the same request, account and take.

    :param hook: of the account.
    :param words: of the command.
    :param prepared: the checked request.
    """
    fingerprint = identity.fingerprint(account=hook.account_name, endpoint=words.endpoint, content=prepared.content)
    origin = identity.Origin(_ORIGIN, _ORIGIN, words.endpoint, generation=words.take - 1)
    return identity.external_task_id(origin, fingerprint)


def target_of(place: str) -> str:
    """
    Return a folder as the URI that results are stored under.

    :param place: a folder of this machine, or a storage URI.
    """
    if "://" in place:
        return place
    return f"{Path(place).resolve()}/".replace("//", "/")


def _prepared(words: Namespace) -> Prepared:
    names = ("image", "prompt", "model_name", "mode", "duration")
    fields: dict[str, Any] = {name: getattr(words, name, None) for name in names}
    given = {name: value for name, value in {**fields, **dict(words.field)}.items() if value is not None}
    prepared = prepare(product_of(words.endpoint), given)
    for warning in prepared.warnings:
        show.print_note(warning)
    return prepared


def _ask(words: Namespace, prepared: Prepared) -> None:
    cost = prices.estimate(product_of(words.endpoint), prepared.body)
    show.print_note(f"This costs {cost}." if cost.units is not None else f"What this costs is not known: {cost}.")
    if words.yes:
        return
    if not sys.stdin.isatty():
        raise DeclinedError("Add --yes to pay without being asked: there is no terminal to ask at. Nothing was sent.")
    if not show.ask("Submit it?"):
        raise DeclinedError("Nothing was sent.")


def _waited(hook: KlingHook, task: Task, poll_interval: float, *, submitted_at: float | None) -> Task:
    end_time = polling.end_time_of(task, timeout=polling.DEFAULT_TIMEOUT, now=time.time(), submitted_at=submitted_at)
    typical = product_of(task.endpoint).typical_seconds
    with show.progress(f"Kling task {task.task_id}", typical):
        return hook.wait(task.task_id, task.endpoint, poll_interval=poll_interval, end_time=end_time)
