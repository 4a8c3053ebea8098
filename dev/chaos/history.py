"""Collects the input of the checker: Airflow's states and XComs, the simulator's ledger, and the stored files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from dev.chaos.checker import File, KlingTask, Submission
from dev.chaos.crash_points import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dev.chaos.airflow import ChaosAirflow
    from dev.chaos.kling import Kling


def kling_tasks(kling: Kling) -> list[KlingTask]:
    """All tasks; a task is charged if the ledger says so, whatever its status."""
    charges = kling.charges()
    return [
        KlingTask(
            task["task_id"],
            _label(task["recipe"]["prompt"]),
            "succeed" if task["task_id"] in charges else task["status"],
            task["message"],
        )
        for task in kling.tasks()
    ]


def submissions(airflow: ChaosAirflow, kling: Kling, run_id: str, sizes: Mapping[str, int]) -> Iterator[Submission]:
    """The logical submissions of a wave with their result in Airflow."""
    for dag_id, variant in VARIANTS.items():
        states = airflow.states(dag_id, run_id)
        if not variant.mapped:
            yield from _items(airflow, kling, dag_id, run_id, sizes[dag_id])
            continue
        for index in range(sizes[dag_id]):
            label = f"{dag_id} {run_id} {index}"
            state = states.get(f"{variant.delivers}[{index}]")
            if state == "success":
                manifest = _xcom(airflow, dag_id, run_id, variant.delivers, index) or {}
                files = tuple(_file(kling, manifest, file) for file in manifest.get("files", ()))
                yield Submission(label, state, manifest.get("task_id"), files=files if variant.stores else None)
            else:
                reasons = (_failure(airflow, dag_id, run_id, task_id, index) for task_id in variant.steps)
                # A task downstream of the failed one never runs.
                ended = "failed" if state == "upstream_failed" else state
                yield Submission(label, ended, reason=next(filter(None, reasons), ""))


def _items(airflow: ChaosAirflow, kling: Kling, dag_id: str, run_id: str, size: int) -> Iterator[Submission]:
    """The items of a batch with their result: from the manifest, if the task has succeeded."""
    task_id = VARIANTS[dag_id].delivers
    state = airflow.states(dag_id, run_id).get(task_id)
    summary = _xcom(airflow, dag_id, run_id, task_id, -1) if state == "success" else None
    lines = Path(urlsplit(summary["manifest_uri"]).path).read_text().splitlines() if summary else []
    records = {record["key"]: record for record in map(json.loads, lines)}
    for index in range(size):
        label, record = f"{dag_id} {run_id} {index}", records.get(str(index))
        if record is None:
            yield Submission(label, state, reason=_failure(airflow, dag_id, run_id, task_id, -1))
        elif record["status"] == "succeed":
            files = tuple(_file(kling, record, file) for file in record["files"])
            yield Submission(label, "success", record["task_id"], files=files)
        else:
            reason = str((record["error"] or {}).get("message", ""))
            yield Submission(label, record["status"], record["task_id"], reason)


def _label(prompt: str) -> str:
    return " ".join(prompt.split()[:3])


def _failure(airflow: ChaosAirflow, dag_id: str, run_id: str, task_id: str, index: int) -> str:
    failure = _xcom(airflow, dag_id, run_id, task_id, index, key="failure")
    return str(failure["message"]) if failure else ""


def _xcom(airflow: ChaosAirflow, dag_id: str, run_id: str, task_id: str, index: int, key: str = "return_value") -> Any:
    try:
        return airflow.xcom(dag_id, run_id, task_id, key, index)
    except requests.HTTPError as error:
        if error.response.status_code == requests.codes.not_found:
            return None
        raise


def _file(kling: Kling, manifest: Mapping[str, Any], file: Mapping[str, Any]) -> File:
    """Compare a stored file with the manifest and with Kling's result."""
    path = Path(urlsplit(file["uri"]).path)
    if not path.exists():
        return File(file["uri"], "the file is missing")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != file["sha256"] or len(content) != file["bytes"]:
        return File(file["uri"], "its checksum or size differs from the manifest")
    if content != kling.download(manifest["videos"][0]["url"]):
        return File(file["uri"], "it differs from the video at Kling")
    return File(file["uri"])
