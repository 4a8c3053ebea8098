"""The result of a measurement: rows with a value and an optional target."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """
    One measured value.

    :param of: what was measured.
    :param value: the value; ``None`` if it could not be measured; ``note`` says why then.
    :param unit: its unit.
    :param limit: the target.
    :param at_least: whether the target is a minimum.
    :param note: a remark for the reader.
    :param reason: why the target is missed.
    :param idea: what to try next if the target is missed.
    """

    of: str
    value: float | None
    unit: str = ""
    limit: float | None = None
    at_least: bool = False
    note: str = ""
    reason: str = ""
    idea: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; ``None`` without a target or a value."""
        if self.limit is None or self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def target(self) -> str:
        """The target in words."""
        if self.limit is None:
            return ""
        return f"{'at least' if self.at_least else 'at most'} {_number(self.limit)}"

    @property
    def verdict(self) -> str:
        """One word on the target."""
        if self.value is None:
            return "not measured"
        return {None: "", True: "reached", False: "missed"}[self.reached]

    @property
    def remark(self) -> str:
        """The note and, for a missed target, the reason and the next idea."""
        missed = [f"Reason: {self.reason}", f"Next: {self.idea}"] if self.reached is False else []
        return " ".join(part for part in (self.note, *missed) if part)

    def as_json(self) -> dict[str, Any]:
        """Return the row for ``results.json``."""
        value = None if self.value is None else round(self.value, 4)
        return {
            "of": self.of,
            "value": value,
            "unit": self.unit,
            "target": self.target,
            "verdict": self.verdict,
            "remark": self.remark,
        }

    def cells(self) -> list[str]:
        """Return the row for a table."""
        value = "" if self.value is None else f"{_number(self.value)} {self.unit}".strip()
        return [self.of, value, self.target, self.verdict, self.remark]


def _number(value: float) -> str:
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
