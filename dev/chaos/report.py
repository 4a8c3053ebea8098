"""The summary that a run prints at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dev.chaos.run import Outcome


def summary(outcome: Outcome) -> str:
    """Injections by kind, then the totals."""
    verdict = outcome.verdict
    width = max(map(len, outcome.injections), default=0)
    lines = ["", "Injected failures"]
    lines += [f"  {kind:<{width}}  {count:>4}" for kind, count in sorted(outcome.injections.items())]
    totals = {
        "injections": outcome.injections.total(),
        "triggers taken over from a paused triggerer": outcome.taken_over,
        "logical submissions": verdict.submissions,
        "tasks charged": verdict.charged,
        "delivered": verdict.delivered,
        "failed with Kling's reason": verdict.refused,
        "failed in Airflow and cleared by the user": outcome.cleared,
        "duplicates": len(verdict.duplicates),
        "losses": len(verdict.losses),
        "unfinished": len(verdict.unfinished),
        "seed": outcome.seed,
        "seconds": f"{outcome.seconds:.0f}",
    }
    width = max(map(len, totals))
    lines += ["", "Totals", *(f"  {name:<{width}}  {value:>7}" for name, value in totals.items())]
    lines += ["", *verdict.problems, "Every promise was kept." if outcome.clean else "A PROMISE WAS BROKEN."]
    return "\n".join(lines)
