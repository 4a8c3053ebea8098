"""Number of requests to poll all waiting tasks once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import in_process
from benchmarks.figures import Row
from benchmarks.kling import Kling, connection
from dev.local_airflow.settings import free_ports

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: So long that no second poll happens during the measurement.
INTERVAL = 3600.0
SECONDS = 6.0

REASON = "looks at single tasks, which a sweep sends when a page does not hold a task."
IDEA = "see which requests these are at the simulator's /_simulator/requests."


def measure(bench: Bench) -> list[Row]:
    """Return a row for each kind of credential, for a server without lists, and for one request per trigger."""
    (port,) = free_ports(1)
    with Kling(port, seconds=INTERVAL) as kling:
        ids = kling.create(bench.sizes.swept)
        rows = [
            _row(kling, ids, "KlingTaskTrigger, AccessKey and SecretKey", "ours", limit=2, jwt=True),
            _row(kling, ids, "KlingTaskTrigger, API key", "ours", limit=25),
            _row(kling, ids, "a trigger that asks for itself", "conventional", jwt=True),
        ]
        kling.arm(operation="list", code=1200, times=None)
        # One more request: the first one, which gets the error.
        last = _row(kling, ids, "KlingTaskTrigger, API key, a server that refuses lists", "ours", limit=26)
        return [*rows, last]


def _row(kling: Kling, ids: list[str], text: str, kind: str, *, limit: int | None = None, jwt: bool = False) -> Row:
    before = kling.requests_so_far()
    in_process.run(connection(kling.url, jwt=jwt), kind, ids, interval=INTERVAL, seconds=SECONDS)
    sent = kling.requests_so_far() - before
    return Row(text, sent, "", limit, note=f"{len(ids)} tasks.", reason=REASON, idea=IDEA)
