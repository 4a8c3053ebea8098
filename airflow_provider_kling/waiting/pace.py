"""How often those who wait read and submit. All times are seconds."""

from __future__ import annotations

import dataclasses

#: How long a connection is used as it was read; somebody may have edited it.
CONNECTION_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class SlotPace:
    """
    The wait for a slot. A *grant* is the permission of one waiter to submit.

    :param read_interval: between two reads of Kling's list while somebody waits, give or take a half.
    :param retry_first: after a read that failed; longer each time.
    :param retry_longest: the longest of those pauses.
    :param read_timeout: after which a read that hangs counts as failed.
    :param tick: after which the queue is checked even when nothing happened.
    :param all_products_every: after which products without a running task are read again, too.
    :param list_max_age: for which the list is believed after it was read.
    :param refusal_max_age: for which a refusal says how many slots the account has: the list shows the newest tasks.
    :param list_lag: for which a task that Kling accepted, or ended, counts so although the list does not show it yet.
    :param handover: from a grant until its task is seen, before it is measured: Airflow starts a worker, which submits.
    :param pending_grant: for which a grant whose task is not seen holds a slot, at least.
    :param grant_lifetime: after which such a grant is forgotten.
    :param probe_first: until a waiter may submit without a free slot, when the list cannot be read; longer each time.
    :param probe_longest: the longest of those pauses.
    :param probe_despite_list: the same when the list shows no free slot: the account may have got more slots.
    :param take_from_others: after which a waiter may use a slot that is left to another triggerer. It may belong to a
        batch, which uses its own within a moment and leaves one now and then.
    :param backoff_first: without new grants after a refusal; longer each time.
    :param backoff_longest: the longest of those pauses.
    :param worker_probe: between two submissions of a task that waits on its worker, give or take a half. Kling asks for
        a second at least; a video takes minutes.
    """

    read_interval: float = 1.0
    retry_first: float = 2.0
    retry_longest: float = 30.0
    read_timeout: float = 10.0
    tick: float = 0.5
    all_products_every: float = 20.0
    list_max_age: float = 10.0
    refusal_max_age: float = 60.0
    list_lag: float = 30.0
    handover: float = 4.5
    pending_grant: float = 20.0
    grant_lifetime: float = 600.0
    probe_first: float = 5.0
    probe_longest: float = 30.0
    probe_despite_list: float = 300.0
    take_from_others: float = 60.0
    backoff_first: float = 2.0
    backoff_longest: float = 60.0
    worker_probe: float = 20.0


@dataclasses.dataclass(frozen=True)
class SweepPace:
    """
    The polls of tasks that wait for their end.

    :param min_gap: between two sweeps at least, so that tasks that become due one after the other are read together.
    :param last_read: that a read that began before the deadline may still take.
    """

    min_gap: float = 0.5
    last_read: float = 1.0
