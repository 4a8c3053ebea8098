"""CPU seconds of an event loop in which many tasks wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Row
from benchmarks.waiting import KINDS, circumstances, measured

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SHARE = 1 / 8


def measure(bench: Bench) -> list[Row]:
    """Return a row for each kind of trigger, and the ratio of ours to the conventional one."""
    found = measured(bench)
    rows = [
        Row(
            text,
            found[kind]["cpu"],
            "s",
            note=f"{found[kind]['requests']} requests; {circumstances(bench)}"
            + (f" {found[kind]['fired']} ENDED EARLY." if found[kind]["fired"] else ""),
        )
        for kind, text in KINDS.items()
    ]
    share = Row(
        "KlingTaskTrigger, share of one request for each trigger",
        found["ours"]["cpu"] / found["conventional"]["cpu"],
        "",
        SHARE,
        reason="reading pages of tasks, and starting the triggers, weigh more than expected.",
        idea="profile the loop: decode only the tasks that are waited for.",
    )
    return [*rows, share]
