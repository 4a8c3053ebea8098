"""What replaces Airflow's task state store before 3.3: files in the folder of the connection's ``budget_uri``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.operators.record import task_name

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.operators.base import KlingBaseOperator

#: The folder in ``budget_uri``.
FOLDER = "sent"


class StateFiles:
    """
    Has the methods of Airflow's store; they raise the storage's errors.

    :param uri: ``budget_uri``.
    :param name: of the Airflow task instance.
    """

    def __init__(self, uri: str, name: str) -> None:
        self._base = f"{uri.rstrip('/')}/{FOLDER}/{name}"

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a value; ``None`` when there is none."""
        from airflow_provider_kling.batch import files

        try:
            (value,) = files.read_lines(self._uri(key), None)
        except FileNotFoundError:
            return None
        return value

    def set(self, key: str, value: dict[str, Any]) -> None:
        """Store a value; a reader sees the old one or the new one."""
        from airflow_provider_kling.batch import files

        files.write_lines(self._uri(key), [value], None)

    def delete(self, key: str) -> None:
        """Empty a value. The file stays, because not every storage lets us delete."""
        self.set(key, {})

    def _uri(self, key: str) -> str:
        return f"{self._base}.{key}.json"


def state_store_of(operator: KlingBaseOperator, context: Context) -> Any:
    """
    Return the store that outlives the tries of a task: Airflow's, or files, or ``None``.

    :param operator: has the connection.
    :param context: Airflow's context.
    """
    store = context.get("task_state_store")
    uri = operator.hook.settings.budget_uri
    return StateFiles(uri, task_name(context)) if store is None and uri else store
