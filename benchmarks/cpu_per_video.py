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
#: What nobody can do with less.
LEAST = (scenarios.FLOOR, scenarios.LEAST, scenarios.LEAST_RESULT, scenarios.LEAST_PAIR)
BATCH_LIMIT = 0.05
#: Of the operator that waits, as a share of what a task costs that only defers.
FLOOR_LIMIT = 1.35
#: Of the operator and its sensor, as a share of the generic pair that waits in the triggerer too.
PAIR_LIMIT = 0.9

REASON = "one worker start and one deferral alone cost more, see the row of the floor; checks and XComs come on top."
FLOOR_REASON = (
    "one POST and one XCom alone take most of what is allowed above the floor, or more, see their row. Five more "
    "requests to Airflow cost the most: the label, what is about to be submitted, what the tab shows; and in the "
    "triggerer, which runs Airflow's API in its own process, whether the task still waits, and its result."
)
FLOOR_IDEA = (
    "tell Airflow id and submission in one request; give the result with the event that ends the task, as the button, "
    "once Airflow does not encode such XComs twice."
)
PAIR_REASON = (
    "Airflow is told what the generic pair does not tell: the label, what is about to be submitted, the id, what the "
    "tab shows, the manifest, the button."
)
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
    least = {name: _least(bench, name) for name in LEAST}
    if len(bench.memory["idle"]) < 2:
        bench.measure_idle()
    found = {
        name: _cost(bench, measured) if isinstance(measured, Outcome) else measured for name, measured in every.items()
    }
    return found | {name: _spent(bench, run) / bench.sizes.videos for name, run in least.items()}


def _least(bench: Bench, name: str) -> Run:
    def run() -> Run:
        with bench.kling("slow", seconds=bench.sizes.seconds):
            return bench.run(scenarios.slow(bench.sizes).dag_id(name))

    found: Run = bench.once(name, run)
    return found


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
    yield from _shares_of_the_least(every)
    low, high = min(bench.memory["idle"]), max(bench.memory["idle"])
    yield Row("Airflow, idle, for each second", bench.idle(), "s", note=f"Measured from {low:.3f} to {high:.3f} s.")


def _shares_of_the_least(every: dict[str, float | str]) -> Iterator[Row]:
    """Ours beside what Airflow and one POST cost anybody."""
    operator, pair = scenarios.OPERATOR, scenarios.OPERATOR_AND_SENSOR
    compared = (
        (operator, scenarios.FLOOR, "the floor", FLOOR_LIMIT, FLOOR_REASON, FLOOR_IDEA),
        (scenarios.LEAST, scenarios.FLOOR, "the floor", None, "", ""),
        (scenarios.LEAST_RESULT, scenarios.FLOOR, "the floor", None, "", ""),
        (operator, scenarios.LEAST, "the floor with one POST", None, "", ""),
        (pair, scenarios.HTTP_DEFERRABLE, "HttpOperator and HttpSensor, deferrable", PAIR_LIMIT, PAIR_REASON, IDEA),
        (pair, scenarios.LEAST_PAIR, "one POST and the floor", None, "", ""),
    )
    for name, other, words, limit, reason, idea in compared:
        cost, least = every[name], every[other]
        if isinstance(cost, float) and isinstance(least, float):
            of = f"{scenarios.ALTERNATIVES[name]}, share of {words}"
            yield Row(of, cost / least, "", limit, reason=reason, idea=idea)
