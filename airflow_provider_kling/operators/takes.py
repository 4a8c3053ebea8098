"""
What a task instance has paid before under other names: earlier takes (``on_clear="regenerate"``), and other content.

Its note for the Dag run is an XCom, which Airflow deletes with a Clear; this outlives it, where anything does
(:mod:`.state_files`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_kling.api import values

#: Key of the task state store: US dollars by the name of each submission, ``None`` where the price is unknown.
TAKES_KEY = "takes"


class Takes:
    """
    The submissions of a task instance.

    :param store: from :func:`.state_files.store_of`; ``None`` knows nothing.
    """

    def __init__(self, store: Any) -> None:
        self._store = store

    def besides(self, name: str) -> Decimal | None:
        """
        Return what the others cost in US dollars; ``None`` when that is not known.

        :param name: the submission that does not count.
        """
        others = [values.number(usd) for other, usd in self._read().items() if other != name]
        return None if None in others else sum(filter(None, others), Decimal(0))

    def add(self, name: str, usd: Decimal | None) -> None:
        """Note a submission, before it is sent."""
        if self._store is not None:
            self._store.set(TAKES_KEY, {**self._read(), name: None if usd is None else str(usd)})

    def remove(self, name: str) -> None:
        """Note that a submission is not charged after all."""
        kept = self._read()
        if kept.pop(name, "") != "":
            self._store.set(TAKES_KEY, kept)

    def _read(self) -> dict[str, Any]:
        kept = None if self._store is None else self._store.get(TAKES_KEY)
        return dict(kept) if isinstance(kept, dict) else {}
