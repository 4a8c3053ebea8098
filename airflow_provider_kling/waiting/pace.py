"""How often those who wait look and try. All times are seconds."""

from __future__ import annotations

import dataclasses

#: A connection is taken to be what it was for this long; somebody may have edited it.
CONNECTION_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class SlotPace:
    """
    The wait for a slot.

    :param look_interval: between two looks at Kling's list while somebody waits, give or take a half.
    :param failed_first: and after a look that failed, longer each time.
    :param failed_longest: the longest of those pauses.
    :param look_timeout: after which a look that hangs counts as failed; what waits goes on without it.
    :param tick: after which those who wait are looked after even when nothing happened.
    :param all_products_every: after which products of which nothing runs are looked at again, too.
    :param fresh: for which the list is believed after it was read.
    :param list_lag: for which a task that Kling accepted, or ended, counts so although the list does not show it yet.
    :param handover: from the moment in which one may go until its task is seen: as long as Airflow takes to start a
        worker, which submits. It is believed before it was measured.
    :param on_the_way: after which one who was let go and whose task is not seen counts no more, at least.
    :param lost: and after which it is forgotten.
    :param probe_first: until one may try without having seen a free slot, when the list cannot be read; longer each
        time.
    :param probe_longest: the longest of those pauses.
    :param rare_probe: the same when the list can be read: the account may have got more slots.
    :param overtake: after which somebody may try for a slot that is another triggerer's to take: it may belong to a
        batch, which takes its own within a moment and leaves one now and then.
    :param hold_first: without new tries after one who was let go was refused; longer each time.
    :param hold_longest: the longest of those pauses.
    :param worker_probe: between two tries of one that waits on its worker, give or take a half. Kling asks for a second
        at least; a video takes minutes.
    """

    look_interval: float = 1.0
    failed_first: float = 2.0
    failed_longest: float = 30.0
    look_timeout: float = 10.0
    tick: float = 0.5
    all_products_every: float = 20.0
    fresh: float = 10.0
    list_lag: float = 30.0
    handover: float = 4.5
    on_the_way: float = 20.0
    lost: float = 600.0
    probe_first: float = 5.0
    probe_longest: float = 30.0
    rare_probe: float = 300.0
    overtake: float = 60.0
    hold_first: float = 2.0
    hold_longest: float = 60.0
    worker_probe: float = 20.0


@dataclasses.dataclass(frozen=True)
class SweepPace:
    """
    The looks at tasks that wait for their end.

    :param min_gap: between two sweeps at least, so that tasks that become due one after the other are read together.
    :param last_look: that a look that began before the deadline may still take.
    """

    min_gap: float = 0.5
    last_look: float = 1.0
