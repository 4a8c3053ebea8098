"""Keeps the account in a JSON file, so that a restart of the simulator forgets nothing, as Kling would not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_kling.simulator.account import Account


def save(path: Path, account: Account) -> None:
    """Write the account; a crash leaves the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(account.dump()), encoding="utf-8")
    draft.replace(path)


def load(path: Path, account: Account) -> None:
    """Read the account, if it was ever saved."""
    if path.exists():
        account.load(json.loads(path.read_text(encoding="utf-8")))
