"""Fault injection: which requests fail, how, and how often.

A fault is a JSON object. Keys that select requests (all optional; all that are given must match):

* ``method``: ``POST``; ``path``: a shell pattern such as ``/v1/videos/*``, without a relay's prefix;
* ``product``: a name that ``GET /_simulator/`` lists (``image2video``, ``images-generations``, ``tts``), or ``tasks``,
  ``account``, ``results``;
* ``operation``: ``create``, ``query``, ``list``, ``download``, ``costs``;
* ``nth``: skips the first ``nth - 1`` matching requests; ``times``: how many then fail (default 1; ``null`` for all).

The key ``kind`` selects what happens (default ``error``):

* ``error``: an error response with ``code`` and, if given, ``message`` and ``http_status``;
* ``cut_before``, ``cut_after``: the connection is cut before or after the request was handled;
* ``empty``, ``html``: an empty or an HTML body with ``http_status`` (200 and 502);
* ``delay``: the request is handled after ``seconds``;
* ``truncate``: the connection is cut after half the body; ``drip``: sending the body takes ``seconds``;
* ``clock_skew``: the server's clock is ``seconds`` ahead for this request, in ``Date`` and for the JWT;
* ``code_as_string``: ``code`` is a string; ``http_200``: an error response has HTTP status 200;
* ``fail_task``: a create call is accepted and the task fails later with ``message``;
* ``truncate_video``, ``corrupt_video``: a download of any kind of file is truncated, or unplayable, with HTTP status
  200.

``error``, ``empty`` and ``html`` replace the response of the service. With ``"accepted": true`` the service handles the
request first: the task exists, but the client does not learn it.
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

#: These replace the response; of several that match a request, only the first is applied and counted.
REPLACING_KINDS: Final = frozenset({"error", "cut_before", "cut_after", "empty", "html"})

#: These change the handling of a request or the sending of its response; they can be combined.
ALTERING_KINDS: Final = frozenset(
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


#: Allowed types of each field.
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
    """One fault; the module's docstring describes the fields."""

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
            # A wrong type would raise an error in every later request.
            value = getattr(self, name)
            if type(value) not in kinds:
                allowed = ", ".join(kind.__name__ for kind in kinds if kind is not NoneType)
                raise ValueError(f"{name} of a fault is {value!r}; expected {allowed}")
        if not isfinite(self.seconds) or not 200 <= (self.http_status or 200) <= 599:
            raise ValueError("seconds of a fault is a finite number, http_status one from 200 to 599")
        if self.kind not in REPLACING_KINDS | ALTERING_KINDS:
            raise ValueError(
                f"unknown fault kind {self.kind!r}; known: {', '.join(sorted(REPLACING_KINDS | ALTERING_KINDS))}"
            )
        if self.kind == "error" and self.code is None:
            raise ValueError("a fault of kind 'error' needs a code")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1; times null means always")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Fault:
        """Build a fault from JSON; an unknown key is an error, so that a typing error does not make a test pass.

        :raises ValueError: the fault is invalid.
        """
        if not isinstance(values, dict):
            raise ValueError(f"a fault is a JSON object, not {values!r}")  # noqa: TRY004 - one kind for all
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown fault keys: {', '.join(sorted(unknown))}")
        return cls(**values)

    @property
    def after_handling(self) -> bool:
        """Whether the service handles the request before the response is lost or replaced."""
        return self.accepted or self.kind == "cut_after"

    def matches(self, route: Route) -> bool:
        """Whether the fault applies to a request of ``route``."""
        return (
            self.method in {None, route.method}
            and self.product in {None, route.product}
            and self.operation in {None, route.operation}
            and (self.path is None or fnmatchcase(route.path, self.path))
        )


@dataclass(frozen=True)
class Route:
    """The product and operation of a request, which faults can match.

    :param path: path without the path prefix.
    """

    method: str
    path: str
    product: str
    operation: str


class ArmedFaults:
    """The faults that can still apply to a request."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._match_counts: dict[int, int] = {}

    def add(self, fault: Fault) -> int:
        """Arm a fault; return its number."""
        number = next(self._numbers)
        self._faults[number], self._match_counts[number] = fault, 0
        return number

    def clear(self) -> None:
        """Disarm everything."""
        self._faults.clear()
        self._match_counts.clear()

    def armed(self) -> list[dict[str, Any]]:
        """The armed faults, with their number and how many requests they have matched."""
        return [
            {"id": number, "matched": self._match_counts[number], **asdict(fault)}
            for number, fault in self._faults.items()
        ]

    def take(self, route: Route) -> list[Fault]:
        """The faults that apply to a request of ``route``; their counters are updated."""
        found: list[Fault] = []
        for number, fault in list(self._faults.items()):
            replaced = any(fault.kind in REPLACING_KINDS for fault in found)
            if not fault.matches(route) or (replaced and fault.kind in REPLACING_KINDS):
                continue
            self._match_counts[number] += 1
            if self._match_counts[number] >= fault.nth:
                found.append(fault)
            if fault.times is not None and self._match_counts[number] >= fault.nth + fault.times - 1:
                del self._faults[number], self._match_counts[number]
        return found
