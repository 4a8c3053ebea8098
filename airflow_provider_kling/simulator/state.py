"""Keeps the account in a file, so that no task is lost when the simulator restarts.

JSON lines: the first is the account, every other one a task; of several lines about one task the last is valid. A
change appends one line, so its cost does not grow with the number of tasks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_kling.simulator.account import Account
    from airflow_provider_kling.simulator.tasks import Task


class StateError(Exception):
    """The file cannot be used; the message says why and what to do."""


class StateFile:
    """The file of one account.

    :param path: its path; the directory is created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, account: Account) -> None:
        """Read the account, if the file exists, and rewrite the file with one line per task.

        :raises StateError: the file cannot be read or written, or holds something else.
        """
        try:
            self._load(account)
        except OSError as error:
            raise StateError(f"name a file that can be written: {error}") from None
        except (ValueError, KeyError, TypeError):
            raise StateError(f"move {str(self._path)!r} away or name another file: it holds no account") from None

    def _load(self, account: Account) -> None:
        if self._path.exists():
            first, *others = self._lines()
            latest = {values["task_id"]: values for values in others}
            account.load(first | {"tasks": list(latest.values())})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        saved = account.dump()
        lines = [{"opened_at": saved["opened_at"]}, *saved["tasks"]]
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        draft.replace(self._path)

    def _lines(self) -> list[dict[str, Any]]:
        # A process that was killed while writing leaves an incomplete last line, which was not yet visible to clients.
        complete = self._path.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def record(self, task: Task) -> None:
        """Append the current state of ``task``."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(task.as_json()) + "\n")
