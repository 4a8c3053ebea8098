"""
What a task instance has paid before for other submissions: earlier takes (``on_clear="regenerate"``), other content.

Its reservation for the Dag run is an XCom, which Airflow deletes with a Clear. The task state store
(:mod:`.state_files`) is not deleted.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_kling.api import values
from airflow_provider_kling.operators.state_files import DamagedFile

#: Key of the task state store: US dollars by the name of each submission, ``None`` where the price is unknown.
PAID_KEY = "takes"

#: Stands for the submissions of an entry that cannot be read: they may have cost anything.
UNREADABLE = "?"


class PaidSubmissions:
    """
    The submissions of a task instance that were paid, or may be.

    :param store: from :func:`.state_files.state_store_of`; ``None`` where there is no store: then nothing is known.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        #: Where the submissions should stand, if that file is damaged.
        self.damaged: DamagedFile | None = None

    def total_without(self, name: str) -> Decimal | None:
        """
        Return what the other submissions cost in US dollars; ``None`` when that is not known.

        :param name: the submission that does not count.
        """
        others = [values.number(usd) for other, usd in self._read().items() if other != name]
        return None if None in others else sum(filter(None, others), Decimal(0))

    def add(self, name: str, usd: Decimal | None) -> None:
        """Add a submission, before it is sent."""
        if self._store is not None:
            self._store.set(PAID_KEY, {**self._read(), name: None if usd is None else str(usd)})

    def set(self, name: str, usd: Decimal | None) -> None:
        """
        Change what a submission costs that is not charged as it was planned.

        :param name: the submission; one that was not added stays out.
        :param usd: what of it is paid all the same; 0 removes it.
        """
        stored = self._read()
        if name in stored:
            others = {other: cost for other, cost in stored.items() if other != name}
            self._store.set(PAID_KEY, others if usd == 0 else {**others, name: None if usd is None else str(usd)})

    def _read(self) -> dict[str, Any]:
        stored = None if self._store is None else self._store.get(PAID_KEY)
        self.damaged = stored if isinstance(stored, DamagedFile) else None
        if stored is None or isinstance(stored, dict):
            return dict(stored or {})
        return {UNREADABLE: None}
