"""
The name of a logical submission: the same for every try of one Airflow task, another when the content changes.

Kling keeps one namespace of ``external_task_id`` per account and refuses a re-use, so this name is what makes a paid
POST repeatable. It is never made from the try number, the time or a random number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

#: Kling documents no limit for the id; this many characters of ``[A-Za-z0-9_-]`` are known to be safe.
MAX_LENGTH = 64


@dataclasses.dataclass(frozen=True)
class Origin:
    """
    The Airflow task instance that a submission belongs to.

    :param dag_id: Dag.
    :param run_id: Dag run.
    :param task_id: Airflow's task id.
    :param map_index: ``-1`` when the task is not mapped.
    :param generation: 0, and another number for each Clear that asked for a new take.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    generation: int = 0


def fingerprint(*, account: str, endpoint: str, content: dict[str, Any]) -> str:
    """
    Digest what decides the result and who pays for it.

    :param account: connection id and base URL. Not the key itself, so that a rotated key still finds what it paid for.
    :param endpoint: the product.
    :param content: the request with each local image replaced by its checksum.
    """
    canonical = json.dumps([account, endpoint, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def external_task_id(origin: Origin, content_fingerprint: str) -> str:
    """
    Return the id of a logical submission, 43 characters.

    :param origin: where it comes from.
    :param content_fingerprint: what it asks for, from :func:`fingerprint`.
    """
    parts = [*map(str, dataclasses.astuple(origin)), content_fingerprint]
    # A separator that no part can contain keeps ("a", "bc") and ("ab", "c") apart.
    return "af-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def attempt_id(base_id: str, attempt: int) -> str:
    """
    Return the id of the n-th attempt of a logical submission.

    :param base_id: the id of the first attempt.
    :param attempt: 1 for the first; the next begins when Kling reports the one before as failed.
    """
    suffix = "" if attempt == 1 else f"-{attempt}"
    return base_id[: MAX_LENGTH - len(suffix)] + suffix
