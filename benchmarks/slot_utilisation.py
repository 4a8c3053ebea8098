"""How much of Kling's slots is used when more videos wait than there are slots, and how many workers that starts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.figures import Row
from benchmarks.waits import on_slots

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.sizes import Sizes
    from benchmarks.waits import Outcome

#: Of batches, and of mapped tasks.
BATCH_LIMIT, MAPPED_LIMIT = 0.95, 0.85

#: Worker starts for each mapped task.
STARTS_LIMIT = 1.2

NO_POOL = "mapped KlingImageToVideoOperator, no pool: they wait for a slot"


@dataclasses.dataclass(frozen=True)
class _Case:
    """
    A Dag and its circumstances.

    :param text: for the reader.
    :param dag_id: what is run.
    :param videos: how many.
    :param slots: Kling's.
    :param seconds: how long Kling works on a video.
    :param limit: what is aimed at.
    """

    text: str
    dag_id: str
    videos: int
    slots: int
    seconds: float
    limit: float | None = None


def measure(bench: Bench) -> list[Row]:
    """Return a row for batches, for mapped tasks that wait for a slot at Kling, and for mapped tasks in a pool."""
    bench.airflow.set_pool("slots_pool_only", bench.sizes.slots, include_deferred=True)
    *cases, two_triggerers = _cases(bench.sizes)
    rows = [row for case in cases for row in _measure(bench, case)]
    with bench.two_triggerers():
        return [*rows, *_measure(bench, two_triggerers)]


def _cases(sizes: Sizes) -> list[_Case]:
    batch = scenarios.ALTERNATIVES[scenarios.BATCH]
    many = (sizes.slots, sizes.slot_seconds)
    pool = f"mapped KlingImageToVideoOperator, pool of {sizes.slots}"
    few = (sizes.few_videos, sizes.few_slots, sizes.few_seconds)
    return [
        _Case(batch, "slots_batch", sizes.slot_videos, *many, BATCH_LIMIT),
        _Case(f"two of {batch} on one account", "slots_two_batches", sizes.slot_videos, *many, BATCH_LIMIT),
        _Case(NO_POOL, "slots_mapped", sizes.mapped_videos, *many),
        _Case(pool, "slots_pool_only", sizes.mapped_videos, *many),
        _Case(f"{NO_POOL}, two triggerers", "slots_two_triggerers", *few, MAPPED_LIMIT),
    ]


def _measure(bench: Bench, case: _Case) -> list[Row]:
    outcome = on_slots(bench, case.dag_id, case.videos, slots=case.slots, seconds=case.seconds)
    if isinstance(outcome, str) or outcome.problem:
        problem = outcome if isinstance(outcome, str) else outcome.problem
        return [Row(case.text, None, "", case.limit, at_least=True, note=problem)]
    used = Row(
        case.text,
        _utilisation([(task["created_at"] / 1000, task["updated_at"] / 1000) for task in outcome.tasks], case.slots),
        "",
        case.limit,
        at_least=True,
        note=_note(case, outcome),
        reason="a slot stays empty from the end of a video to the next look, and to the next submission.",
        idea="shorten poll_interval, or look when the first video is expected to end.",
    )
    if len(outcome.run.instances) < case.videos:
        return [used]
    starts = outcome.run.starts / case.videos
    return [used, Row(f"worker starts for each: {case.text}", starts, "", STARTS_LIMIT)]


def _note(case: _Case, outcome: Outcome) -> str:
    note = f"{case.videos} videos of {case.seconds:.0f} s on {case.slots} slots."
    if len(outcome.run.instances) < case.videos:
        return note
    again = sum(times - 1 for times in outcome.refusals.values())
    return f"{note} {again} that had waited found no slot again."


def _utilisation(spans: list[tuple[float, float]], slots: int) -> float:
    makespan = max(end for _, end in spans) - min(start for start, _ in spans)
    return sum(end - start for start, end in spans) / (slots * makespan)
