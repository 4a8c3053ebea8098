"""How much of Kling's slots is used when more videos wait than there are slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.figures import Row
from benchmarks.waits import BATCH_ON_SLOTS, Outcome, on_slots

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.sizes import Sizes

LIMIT = 0.95


def measure(bench: Bench) -> list[Row]:
    """Return a row for the batch, for mapped tasks that wait for a slot at Kling, and for mapped tasks in a pool."""
    sizes = bench.sizes
    bench.airflow.set_pool("slots_pool_only", sizes.slots, include_deferred=True)
    return [
        _batch(bench),
        _mapped(bench, "mapped KlingImageToVideoOperator, no pool: they wait for a slot", "slots_mapped"),
        _mapped(bench, f"mapped KlingImageToVideoOperator, pool of {sizes.slots}", "slots_pool_only"),
    ]


def _batch(bench: Bench) -> Row:
    outcome = on_slots(bench, BATCH_ON_SLOTS, bench.sizes.slot_videos)
    return _row(bench.sizes, scenarios.ALTERNATIVES[scenarios.BATCH], outcome, LIMIT)


def _mapped(bench: Bench, text: str, dag_id: str) -> Row:
    return _row(bench.sizes, text, on_slots(bench, dag_id, bench.sizes.mapped_videos))


def _row(sizes: Sizes, text: str, outcome: Outcome | str, limit: float | None = None) -> Row:
    problem = outcome if isinstance(outcome, str) else outcome.problem
    if problem:
        return Row(text, None, "", limit, at_least=True, note=problem)
    spans = [(task["created_at"] / 1000, task["updated_at"] / 1000) for task in outcome.tasks]
    return Row(
        text,
        _utilisation(spans, sizes),
        "",
        limit,
        at_least=True,
        note=f"{len(spans)} videos of {sizes.slot_seconds:.0f} s on {sizes.slots} slots.",
        reason="a slot stays empty from the end of a video to the next look, and to the next submission.",
        idea="shorten poll_interval, or look when the first video is expected to end.",
    )


def _utilisation(spans: list[tuple[float, float]], sizes: Sizes) -> float:
    makespan = max(end for _, end in spans) - min(start for start, _ in spans)
    return sum(end - start for start, end in spans) / (sizes.slots * makespan)
