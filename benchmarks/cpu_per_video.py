"""CPU seconds of the whole Airflow for each video, its idle time subtracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.figures import Row
from benchmarks.waits import BATCH_ON_SLOTS, Outcome, on_slots, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

#: Ours, as a share of the conventional deferrable operator.
SHARE = 0.45
BATCH_LIMIT = 0.05

REASON = "starting a worker process, which each task needs at least once, is most of the cost of both."
IDEA = "import less in the worker, or use the batch operator, which starts one for all videos."


def measure(bench: Bench) -> list[Row]:
    """Return a row for each alternative, and ours as a share of the conventional one."""
    return list(_rows(bench))


def slow_outcomes(bench: Bench) -> dict[str, Outcome | str]:
    """Run every alternative with results that take their time; the batch keeps slots full instead."""
    sizes = bench.sizes
    every = outcomes(bench, scenarios.slow(sizes), sizes.seconds, scenarios.ONE_BY_ONE)
    return every | {scenarios.BATCH: on_slots(bench, BATCH_ON_SLOTS, sizes.batch)}


def costs(bench: Bench) -> dict[str, float | str]:
    """CPU seconds for each video by alternative; a text where a run failed."""
    bench.idle()
    every = slow_outcomes(bench)
    if len(bench.memory["idle"]) < 2:
        bench.measure_idle()
    return {name: _cost(bench, one) if isinstance(one, Outcome) else one for name, one in every.items()}


def _cost(bench: Bench, outcome: Outcome) -> float | str:
    run = outcome.run
    return outcome.problem or (run.cpu - bench.idle() * run.elapsed) / outcome.videos


def _rows(bench: Bench) -> Iterator[Row]:
    every = costs(bench)
    for name, cost in every.items():
        text = scenarios.ALTERNATIVES[name]
        limit = BATCH_LIMIT if name == scenarios.BATCH else None
        videos = bench.sizes.batch if name == scenarios.BATCH else bench.sizes.videos
        if isinstance(cost, str):
            yield Row(text, None, "s", limit, note=cost)
        else:
            note = f"{videos} videos" + (", stored too." if name == scenarios.BATCH else ".")
            yield Row(text, cost, "s", limit, note=note, reason=REASON, idea=IDEA)
    conventional = every[scenarios.CONVENTIONAL]
    for name in (scenarios.OPERATOR, scenarios.OPERATOR_AND_SENSOR, scenarios.STARTED_IN_TRIGGERER):
        cost = every[name]
        if isinstance(cost, float) and isinstance(conventional, float):
            of = f"{scenarios.ALTERNATIVES[name]}, share of the conventional one"
            yield Row(of, cost / conventional, "", SHARE, reason=REASON, idea=IDEA)
    low, high = min(bench.memory["idle"]), max(bench.memory["idle"])
    yield Row("Airflow, idle, for each second", bench.idle(), "s", note=f"Measured from {low:.3f} to {high:.3f} s.")
