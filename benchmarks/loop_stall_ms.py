"""The longest stall of the event loop while many tasks wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Row
from benchmarks.waiting import KINDS, circumstances, measured

if TYPE_CHECKING:
    from benchmarks.bench import Bench

LIMIT = 50.0


def measure(bench: Bench) -> list[Row]:
    """Return a row for each kind of trigger; only that of this package has a target."""
    found = measured(bench)
    return [
        Row(
            text,
            found[kind]["stall_ms"],
            "ms",
            LIMIT if kind == "ours" else None,
            note=f"{found[kind]['calm_ms']:.1f} ms without triggers; {circumstances(bench)}",
            reason="all triggers start in one pass of the loop, or a page of 500 tasks is decoded under the GIL.",
            idea="see whether it is the start or a sweep; decode in smaller pages, or only what is waited for.",
        )
        for kind, text in KINDS.items()
    ]
