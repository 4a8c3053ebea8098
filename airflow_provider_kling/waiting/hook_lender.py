"""Lending the hook of a connection that somebody may change while tasks wait on it, or a batch works with it."""

from __future__ import annotations

import threading
import time

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingConnectionError, KlingError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.utils.foreign import foreign_text, reason
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS


class HookLender:
    """
    Lends one hook, to several threads at once.

    The connection is read again every few minutes, and when somebody was refused: the key may have been rotated, the
    connection edited to another account.

    :param kling_conn_id: the connection.
    :param keep_seconds: how long it is used as it was read.
    """

    def __init__(self, kling_conn_id: str, *, keep_seconds: float = CONNECTION_SECONDS) -> None:
        self._kling_conn_id = kling_conn_id
        self._keep_seconds = keep_seconds
        self._hook: KlingHook | None = None
        self._read_at = 0.0
        self._forgotten_at = 0.0
        self._lock = threading.Lock()

    def hook(self) -> KlingHook:
        """
        Return the hook, whose connection is read.

        :raises KlingError: when the connection cannot be read.
        """
        return self._hook_since(time.monotonic() - self._keep_seconds)

    def newer(self, used: KlingHook, began: float) -> KlingHook | None:
        """
        Return a hook whose connection was read since, once for all who were refused; ``None`` when there is no sense in
        one.

        :param used: the hook with which somebody was refused.
        :param began: since when, by the monotonic clock.
        :raises KlingError: when the connection cannot be read.
        """
        found = self._hook_since(began)
        return None if found is used else found

    def forget(self) -> None:
        """Read the connection again before the hook is lent again. It does not block: the event loop calls it."""
        self._forgotten_at = time.monotonic()

    def _hook_since(self, earliest: float) -> KlingHook:
        with self._lock:
            if self._hook is None or self._read_at < max(earliest, self._forgotten_at):
                self._hook = None
                now = time.monotonic()
                self._hook, self._read_at = self._new_hook(), now
            return self._hook

    def _new_hook(self) -> KlingHook:
        name = self._kling_conn_id
        hook = KlingHook(name)
        try:
            _ = hook.settings
        except KlingError:
            raise
        except AirflowNotFoundException as error:
            raise missing_connection(name, error) from None
        except Exception as error:  # noqa: BLE001 - Airflow's API may be restarting; the tasks at Kling run on
            raise KlingConnectionError(f"The connection {name} cannot be read now: {reason(error)}") from None
        return hook


def missing_connection(name: str | None, error: Exception) -> KlingConfigurationError:
    """
    Return what to say when the triggerer has no such connection; the workers may have it.

    :param name: its id.
    :param error: what Airflow said.
    """
    return KlingConfigurationError(
        f"Make connection {name} known to the triggerer: it finds none.\nA connection in environment variables "
        f"or in a secrets backend has to be there for triggerers too, not for workers only. "
        f"{foreign_text(error)}"
    )
