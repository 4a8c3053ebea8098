"""Faults on command: which requests go wrong, how, and how often.

A fault is a JSON object. What it matches (all optional, all must hold):

* ``method``: ``POST``; ``path``: a shell pattern such as ``/v1/videos/*``, without a relay's prefix;
* ``product``: a name that ``GET /_simulator/`` lists (``image2video``, ``images-generations``, ``tts``), or ``tasks``,
  ``account``, ``results``;
* ``operation``: ``create``, ``query``, ``list``, ``download``, ``costs``;
* ``nth``: spares the first ``nth - 1`` matching requests; ``times``: how many then go wrong (1; ``null`` for all).

What happens (``kind``; ``error`` if only a ``code`` is given):

* ``error``: a refusal with ``code`` and, if given, ``message`` and ``http_status``;
* ``cut_before``, ``cut_after``: the connection is cut before or after the request was handled;
* ``empty``, ``html``: an empty or an HTML body with ``http_status`` (200 and 502);
* ``delay``: the request waits ``seconds`` before it is handled;
* ``truncate``: the body ends half way and the connection is cut; ``drip``: the body takes ``seconds`` to arrive;
* ``clock_skew``: the server's clock is ``seconds`` ahead for this request, in ``Date`` and in the check of the token;
* ``code_as_string``: ``code`` is a string; ``http_200``: a refusal comes with HTTP status 200;
* ``fail_task``: a create is accepted and the task fails later with ``message``;
* ``truncate_video``, ``corrupt_video``: a download, of any kind, is a shorter, or an unplayable, file and HTTP says it
  is fine.

``error``, ``empty`` and ``html`` answer instead of the service. With ``"accepted": true`` the service handles the
request first: the task exists although the answer says otherwise.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: These decide the answer; of several that match one request, only the first is used up.
ANSWERS: Final = frozenset({"error", "cut_before", "cut_after", "empty", "html"})

#: These change how a request is handled or how its answer travels; they combine.
CHANGES: Final = frozenset(
    {
        "delay",
        "truncate",
        "drip",
        "clock_skew",
        "code_as_string",
        "http_200",
        "fail_task",
        "truncate_video",
        "corrupt_video",
    }
)


#: What each field may be.
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "kind": (str,),
    **dict.fromkeys(("method", "path", "product", "operation"), (str, NoneType)),
    "nth": (int,),
    **dict.fromkeys(("times", "code", "http_status"), (int, NoneType)),
    "message": (str,),
    "seconds": (int, float),
    "accepted": (bool,),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One rule; the fields are those of the module's description."""

    kind: str = "error"
    method: str | None = None
    path: str | None = None
    product: str | None = None
    operation: str | None = None
    nth: int = 1
    times: int | None = 1
    code: int | None = None
    message: str = ""
    http_status: int | None = None
    seconds: float = 0.0
    accepted: bool = False

    def __post_init__(self) -> None:
        for name, kinds in _TYPES.items():
            # A wrong one would meet each request that follows.
            value = getattr(self, name)
            if type(value) not in kinds:
                allowed = ", ".join(kind.__name__ for kind in kinds if kind is not NoneType)
                raise ValueError(f"{name} of a fault is {value!r}; expected {allowed}")
        if not isfinite(self.seconds) or not 200 <= (self.http_status or 200) <= 599:
            raise ValueError("seconds of a fault is a finite number, http_status one from 200 to 599")
        if self.kind not in ANSWERS | CHANGES:
            raise ValueError(f"unknown fault kind {self.kind!r}; known: {', '.join(sorted(ANSWERS | CHANGES))}")
        if self.kind == "error" and self.code is None:
            raise ValueError("a fault of kind 'error' needs a code")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1; times null means always")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Fault:
        """Build a fault from JSON; an unknown key is an error, so that a typing mistake is not a passing test.

        :raises ValueError: the fault makes no sense.
        """
        if not isinstance(values, dict):
            raise ValueError(f"a fault is a JSON object, not {values!r}")  # noqa: TRY004 - one kind for all
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown fault keys: {', '.join(sorted(unknown))}")
        return cls(**values)

    @property
    def after_handling(self) -> bool:
        """Whether the service handles the request before the answer is lost or replaced."""
        return self.accepted or self.kind == "cut_after"

    def matches(self, call: Call) -> bool:
        """Whether ``call`` is one of those that this fault is for."""
        return (
            self.method in {None, call.method}
            and self.product in {None, call.product}
            and self.operation in {None, call.operation}
            and (self.path is None or fnmatchcase(call.path, self.path))
        )


@dataclass(frozen=True)
class Call:
    """What a fault can match: one request.

    :param path: path without a relay's prefix.
    """

    method: str
    path: str
    product: str
    operation: str


class FaultBook:
    """The faults that are waiting for their requests."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._seen: dict[int, int] = {}

    def add(self, fault: Fault) -> int:
        """Arm a fault; return its number."""
        number = next(self._numbers)
        self._faults[number], self._seen[number] = fault, 0
        return number

    def clear(self) -> None:
        """Disarm everything."""
        self._faults.clear()
        self._seen.clear()

    def armed(self) -> list[dict[str, Any]]:
        """The faults that can still fire, with their number and how many requests they have matched."""
        return [
            {"id": number, "matched": self._seen[number], **asdict(fault)} for number, fault in self._faults.items()
        ]

    def take(self, call: Call) -> list[Fault]:
        """The faults that strike ``call``; their counters move."""
        struck: list[Fault] = []
        for number, fault in list(self._faults.items()):
            answered = any(fault.kind in ANSWERS for fault in struck)
            if not fault.matches(call) or (answered and fault.kind in ANSWERS):
                continue
            self._seen[number] += 1
            if self._seen[number] >= fault.nth:
                struck.append(fault)
            if fault.times is not None and self._seen[number] >= fault.nth + fault.times - 1:
                del self._faults[number], self._seen[number]
        return struck
