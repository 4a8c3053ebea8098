"""CPU seconds of the whole Airflow for each video, its idle time subtracted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.figures import Row
from benchmarks.waits import Outcome, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench, Run

#: Shares of the conventional deferrable operator, with the targets of those that have one.
SHARES = {
    scenarios.OPERATOR: 0.45,
    scenarios.OPERATOR_AND_SENSOR: 0.45,
    scenarios.STARTED_IN_TRIGGERER: 0.45,
    scenarios.FLOOR: None,
}
BATCH_LIMIT = 0.05
#: Of the operator that waits, as a share of what a task costs that only defers.
FLOOR_LIMIT = 1.35

REASON = "one worker start and one deferral alone cost more, see the row of the floor; checks and XComs come on top."
FLOOR_REASON = "most of what is above the floor is importing requests, Pillow and this package in each worker."
FLOOR_IDEA = "send with an HTTP client that Airflow has imported anyway."
IDEA = "use the batch operator, which starts one worker for all videos."


def measure(bench: Bench) -> list[Row]:
    """Return a row for each alternative, and ours as a share of the conventional one."""
    return list(_rows(bench))


def slow_outcomes(bench: Bench) -> dict[str, Outcome | str]:
    """Run every alternative with results that take their time."""
    return outcomes(bench, scenarios.slow(bench.sizes), bench.sizes.seconds, scenarios.ALL)


def costs(bench: Bench) -> dict[str, float | str]:
    """CPU seconds for each video by alternative; a text where a run failed."""
    bench.idle()
    every = slow_outcomes(bench)
    floor = bench.once("floor", lambda: bench.run("slow_floor"))
    if len(bench.memory["idle"]) < 2:
        bench.measure_idle()
    found = {
        name: _cost(bench, measured) if isinstance(measured, Outcome) else measured for name, measured in every.items()
    }
    return found | {scenarios.FLOOR: _spent(bench, floor) / len(floor.instances)}


def _cost(bench: Bench, outcome: Outcome) -> float | str:
    return outcome.problem or _spent(bench, outcome.run) / outcome.videos


def _spent(bench: Bench, run: Run) -> float:
    return run.cpu - bench.idle() * run.elapsed


def _rows(bench: Bench) -> Iterator[Row]:
    every = costs(bench)
    for name, cost in every.items():
        text = scenarios.ALTERNATIVES[name]
        limit = BATCH_LIMIT if name == scenarios.BATCH else None
        videos = scenarios.slow(bench.sizes).videos_of(name)
        if isinstance(cost, str):
            yield Row(text, None, "s", limit, note=cost)
        else:
            note = f"{videos} videos" + (", stored too." if name == scenarios.BATCH else ".")
            yield Row(text, cost, "s", limit, note=note, reason=REASON, idea=IDEA)
    conventional = every[scenarios.CONVENTIONAL]
    for name, limit in SHARES.items():
        cost = every[name]
        if isinstance(cost, float) and isinstance(conventional, float):
            of = f"{scenarios.ALTERNATIVES[name]}, share of the conventional one"
            yield Row(of, cost / conventional, "", limit, reason=REASON, idea=IDEA)
    operator, floor = every[scenarios.OPERATOR], every[scenarios.FLOOR]
    if isinstance(operator, float) and isinstance(floor, float):
        of = f"{scenarios.ALTERNATIVES[scenarios.OPERATOR]}, share of the floor"
        yield Row(of, operator / floor, "", FLOOR_LIMIT, reason=FLOOR_REASON, idea=FLOOR_IDEA)
    low, high = min(bench.memory["idle"]), max(bench.memory["idle"])
    yield Row("Airflow, idle, for each second", bench.idle(), "s", note=f"Measured from {low:.3f} to {high:.3f} s.")
