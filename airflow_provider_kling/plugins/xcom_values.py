"""Loads XCom values that Airflow's own backend stores in object storage; the database holds references to them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from airflow_provider_kling.plugins.stored_file import NotShownError, StoredFile, in_thread
from airflow_provider_kling.utils._airflow.run_reader import MAX_VALUES
from airflow_provider_kling.utils._airflow.xcom_references import folder_of, place_in, read_json
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kling.utils._airflow.api_server import TaskRecord
    from airflow_provider_kling.utils._airflow.object_storage import Place
    from airflow_provider_kling.utils._airflow.run_reader import RunTask

Known = TypeVar("Known", "TaskRecord", "RunTask")

#: References that are read at the same time; each may be 256 KiB.
MAX_READS = 64

#: Bytes of values in the cache, and seconds until one is read again: a cleared task may write to the same place.
CACHE_BYTES = 16 << 20
CACHE_SECONDS = 60.0


class _Cache:
    """Values that were read lately; used by the server's event loop only, so it needs no lock."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, reference: str) -> bytes | None:
        at, content = self._values.get(reference, (0.0, b""))
        return content if content and time.monotonic() - at < CACHE_SECONDS else None

    def add(self, reference: str, content: bytes) -> None:
        self._bytes += len(content) - len(self._values.pop(reference, (0.0, b""))[1])
        self._values[reference] = (time.monotonic(), content)
        while self._bytes > CACHE_BYTES:
            self._bytes -= len(self._values.popitem(last=False)[1][1])


_cache = _Cache()


async def load_xcom_values(dag_id: str, known: Sequence[Known]) -> tuple[list[Known], str]:
    """
    Replace references by the values that Airflow's own backend stores in the folder of this Dag.

    A reference that cannot be read stays in place.

    :param dag_id: the Dag; the caller has checked that the user may read its XComs.
    :param known: task instances with their XComs.
    :return: the task instances, and a sentence about the first value that cannot be read, or empty text.
    """
    folder = folder_of(dag_id)
    if folder is None:
        return list(known), ""
    texts = {value for each in known for value in each.xcoms.values() if isinstance(value, str)}
    places = {text: place for text in texts if (place := place_in(folder, text))}
    values, problem = await _values_of(places)
    return [dataclasses.replace(each, xcoms=_with(values, each.xcoms)) for each in known], problem


def _with(values: Mapping[str, Any], xcoms: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values.get(value, value) if isinstance(value, str) else value for key, value in xcoms.items()}


async def _values_of(places: Mapping[str, Place]) -> tuple[dict[str, Any], str]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    until, left = time.monotonic() + StoredFile.read_seconds, MAX_VALUES
    waiting = list(places.items())
    for start in range(0, len(waiting), MAX_READS):
        if time.monotonic() > until or left < 0:
            problems.append("Try again: some results are not shown, their XComs in object storage take too long.")
            break
        several = waiting[start : start + MAX_READS]
        answers = await asyncio.gather(*(_read(*each) for each in several))
        problems += [answer for answer in answers if isinstance(answer, str)]
        found = {reference: answer for (reference, _), answer in zip(several, answers, strict=True)}
        read = {reference: answer for reference, answer in found.items() if isinstance(answer, _Read)}
        values |= {reference: answer.value for reference, answer in read.items()}
        left -= sum(answer.size for answer in read.values())
    return values, next(iter(problems), "")


class _Read(NamedTuple):
    value: Any
    size: int


async def _read(reference: str, place: Place) -> _Read | str:
    """Return one value, or a sentence that says why it cannot be read."""
    try:
        content = _cache.get(reference)
        if content is None:
            content = await in_thread(place, read_json, place)
            _cache.add(reference, content)
        return _Read(json.loads(content), len(content))
    except NotShownError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own; they may hold credentials
        place.forget()
        return (
            "Give the API server the storage's connection and provider package: "
            f"{place.shown} cannot be read ({reason(error)})."
        )
