"""What replaces Airflow's task state store before 3.3: files in the folder of the connection's ``budget_uri``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.operators.record import task_name
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.operators.base import KlingBaseOperator

#: The folder in ``budget_uri``.
FOLDER = "sent"

#: The largest file that is read, in bytes: far above an answer with as many results as are read of one.
MAX_BYTES = 16 << 20

#: Characters of a file's name that distinguish it from the others of its folder.
NAME_CHARACTERS = 11


class DamagedFile(NamedTuple):
    """
    What stands for the value of a file that holds none: cut, empty, of another format, too large.

    :param uri: of the file.
    :param why: what is wrong with it.
    """

    uri: str
    why: str

    @property
    def name(self) -> str:
        """The file in its folder, short enough for the beginning of a sentence."""
        task, _, key = self.uri.rpartition("/")[2].partition(".")
        return f"{FOLDER}/{task[:NAME_CHARACTERS]}….{key}"

    @property
    def words(self) -> str:
        """The whole URI and what is wrong, for the end of a sentence."""
        return f"{clean_text(self.uri)} cannot be read: {self.why}"


class StateFiles:
    """
    Has the methods of Airflow's store; they raise the storage's errors.

    :param uri: ``budget_uri``.
    :param name: of the Airflow task instance.
    """

    def __init__(self, uri: str, name: str) -> None:
        self._base = f"{uri.rstrip('/')}/{FOLDER}/{name}"

    def get(self, key: str) -> dict[str, Any] | DamagedFile | None:
        """Return a value; ``None`` when there is none."""
        from airflow_provider_kling.batch import files

        try:
            found = files.read_lines(self._uri(key), None, max_bytes=MAX_BYTES)
        except FileNotFoundError:
            return None
        except ValueError as error:
            return DamagedFile(self._uri(key), clean_text(error))
        return found[0] if len(found) == 1 else DamagedFile(self._uri(key), f"{len(found)} lines instead of one")

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
