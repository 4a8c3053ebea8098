"""
The name of a logical submission: the same for every try of one Airflow task, another when the content changes.

Kling keeps one namespace of ``external_task_id`` per account and refuses a re-use, so this name is what makes a paid
POST repeatable. It is never made from the try number, the time or a random number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.utils.no_value import is_rendered_none

#: Kling documents no limit for the id; this many characters of ``[A-Za-z0-9_-]`` are known to be safe.
MAX_LENGTH = 64

#: Digits of a checksum that replace the end of an id that is too long for a suffix.
_CHECKSUM_DIGITS = 12

_OWN_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}")
#: An id of a first attempt that this module made.
DERIVED = re.compile(r"af-[0-9a-f]{40}")
_ATTEMPT = re.compile(r"-af-[0-9]+$")


class Origin(NamedTuple):
    """
    The Airflow task instance that a submission belongs to.

    :param dag_id: Dag.
    :param run_id: Dag run.
    :param task_id: Airflow's task id.
    :param map_index: ``-1`` when the task is not mapped.
    :param generation: 0, or a number that moves with each Clear that asks for a new take.
    :param iteration: number of the iteration of a task group's loop (Airflow 3.4); ``None`` outside of loops.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    generation: int = 0
    iteration: int | None = None


def fingerprint(*, account: str, endpoint: str, content: dict[str, Any]) -> str:
    """
    Digest what decides the result and who pays for it.

    :param account: connection id and base URL. Not the key itself, so that a rotated key still finds what it paid for.
    :param endpoint: the product.
    :param content: the request with each local image replaced by its checksum.
    """
    return _digest([account, endpoint, content])


def _digest(parts: list[Any]) -> str:
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate, which is refused elsewhere, must not break what names the submission.
    return hashlib.sha256(canonical.encode(errors="backslashreplace")).hexdigest()


def external_task_id(origin: Origin, content_fingerprint: str) -> str:
    """
    Return the id of a logical submission, 43 characters.

    :param origin: where it comes from.
    :param content_fingerprint: what it asks for, from :func:`fingerprint`.
    """
    parts = [origin.dag_id, origin.run_id, origin.task_id, origin.map_index, origin.generation, content_fingerprint]
    if origin.iteration is not None:  # only where there is one: the ids of all other tasks stay what they were
        parts.append(origin.iteration)
    # A separator that no part can contain keeps ("a", "bc") and ("ab", "c") apart.
    return "af-" + hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:40]


def attempt_id(base_id: str, attempt: int) -> str:
    """
    Return the id of the n-th attempt of a logical submission.

    No id of a Dag author may end like an attempt (:func:`own_id`), and an id that is too long for a suffix keeps a
    checksum of itself. So two submissions never have the same id.

    :param base_id: the id of the first attempt.
    :param attempt: 1 for the first; the next begins when Kling reports the one before as failed.
    """
    if attempt == 1:
        return base_id
    suffix = f"-af-{attempt}"
    room = MAX_LENGTH - len(suffix)
    if len(base_id) > room:
        digest = hashlib.sha256(base_id.encode()).hexdigest()[:_CHECKSUM_DIGITS]
        base_id = f"{base_id[: room - len(digest) - 1]}-{digest}"
    return base_id + suffix


def first_attempt(name: str) -> str:
    """
    Return the id of the first attempt of a submission. A long id of a Dag author, which a suffix has cut, is not
    restored.

    :param name: the id of any attempt.
    """
    return _ATTEMPT.sub("", name)


def own_id(*given: Any) -> str | None:
    """
    Check an id that the Dag author gave, and return its one form.

    :param given: the value in each place where an id may be given; ``None`` where there is none.
    :return: the id; ``None`` when none was given.
    :raises KlingValidationError: when it could name another submission too, or the places contradict each other.
    """
    ids = {_own_id(value) for value in given if value is not None}
    if len(ids) > 1:
        both = " and ".join(sorted(map(repr, ids)))
        raise KlingValidationError([f"Give external_task_id once: it is given as {both}."])
    return ids.pop() if ids else None


def _own_id(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, int) and not isinstance(text, bool) and abs(text) < 10**MAX_LENGTH:
        text = str(text)
    if problem := _problem_of_own_id(text, named("external_task_id", value)):
        raise KlingValidationError([problem])
    return str(text)


def _problem_of_own_id(text: Any, given: str) -> str:
    if isinstance(text, str) and (not text or is_rendered_none(text) or "None" in re.split("[-_]", text)):
        return (
            f"Give external_task_id a value, or leave it out: {given} is what a template without a value leaves, and "
            "every task of the account would share it."
        )
    if not isinstance(text, str) or not _OWN_ID.fullmatch(text):
        return f"Give external_task_id 1 to {MAX_LENGTH} letters, digits, '_' or '-': {given} is not valid."
    if text.isdigit():
        return f"Put a letter into external_task_id: {given} could be taken for one of Kling's own task ids."
    if _ATTEMPT.search(text):
        return f"Take the end -af-<number> off external_task_id: {given} is the form of a further attempt."
    return ""


def pop_own_id(given: Any, extra_body: Any) -> tuple[str | None, Any]:
    """
    Return the id that the Dag author gave, in either place, and ``extra_body`` without it.

    :param given: ``external_task_id``.
    :param extra_body: may hold the id too.
    :raises KlingValidationError: see :func:`own_id`.
    """
    if not isinstance(extra_body, Mapping) or "external_task_id" not in extra_body:
        return own_id(given), extra_body
    rest = {name: value for name, value in extra_body.items() if name != "external_task_id"}
    return own_id(given, extra_body["external_task_id"]), rest


def digest_of_words(account: str, endpoint: str, fields: dict[str, Any]) -> str:
    """
    Digest a request as the Dag author wrote it, before this package turned it into Kling's form.

    It stays the same when another version of the package encodes a field differently.

    :param account: see :func:`fingerprint`.
    :param endpoint: the product.
    :param fields: rendered fields; those without a value do not count.
    """
    words = {name: value for name, value in fields.items() if value is not None}
    return _digest([account, endpoint, json.loads(json.dumps(words, default=_json_default, skipkeys=True))])


def _json_default(value: Any) -> str:
    content = getattr(value, "content", value)
    data = content.encode() if isinstance(content, str) else content
    if isinstance(data, (bytes, bytearray, memoryview)):
        return hashlib.sha256(data).hexdigest()
    return str(value)


@dataclasses.dataclass(frozen=True)
class Intent:
    """
    What a try is about to submit; written to the task state store (Airflow 3.3 and later) before the POST.

    :param external_task_id: the id of its first attempt.
    :param fingerprint: from :func:`fingerprint`, as the version that wrote it encodes the content.
    :param words: from :func:`digest_of_words`.
    :param generation: see :class:`Origin`.
    :param max_tries: Airflow's, at that time. It stays as it is over automatic retries and moves with a Clear.
    :param version: of the package that wrote it.
    """

    external_task_id: str
    fingerprint: str
    words: str
    generation: int
    max_tries: int
    version: str

    @classmethod
    def from_dict(cls, stored: Any) -> Intent | None:
        """
        Return what was stored; ``None`` when it cannot be read, as of another version of the package.

        :param stored: the value in the store.
        """
        if not isinstance(stored, dict):
            return None
        values: dict[str, Any] = {field.name: stored.get(field.name) for field in dataclasses.fields(cls)}
        is_complete = all(type(values[field.name]).__name__ == field.type for field in dataclasses.fields(cls))
        return cls(**values) if is_complete and _OWN_ID.fullmatch(values["external_task_id"]) else None

    def with_id_of(self, stored: Intent | None) -> Intent:
        """
        Return this intent, with the id of an earlier try when both ask for the same video.

        The same version of the package encodes the same content alike. Another version (an upgrade between two tries)
        may not; then the Dag author's words decide.

        :param stored: the intent of the earlier try.
        """
        derived = stored is not None and all(map(DERIVED.fullmatch, (stored.external_task_id, self.external_task_id)))
        if stored is None or not derived or stored.generation != self.generation:
            return self
        upgraded = stored.version != self.version
        same = stored.fingerprint == self.fingerprint or (upgraded and stored.words == self.words)
        return dataclasses.replace(self, external_task_id=stored.external_task_id) if same else self


def generation_of(*, on_clear: str, max_tries: int, stored: Intent | None) -> int:
    """
    Return the generation of a try.

    ``max_tries`` of the task instance, not its difference to the task's ``retries``: those come from today's Dag file,
    and somebody may have edited them between two tries.

    :param on_clear: ``reuse`` or ``regenerate``.
    :param max_tries: of the task instance; Airflow moves it with a Clear only.
    :param stored: the intent of an earlier try, if that is known.
    """
    if stored and (on_clear == "reuse" or stored.max_tries == max_tries):
        return stored.generation
    return max_tries if on_clear == "regenerate" else 0
