"""The hook of a connection that somebody may change while tasks wait on it, or a batch uses it."""

from __future__ import annotations

import threading
import time
import weakref
from typing import ClassVar

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingConnectionError, KlingError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.utils.untrusted import clean_text, reason
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS


class HookCache:
    """
    Holds one hook for several threads.

    The connection is read again every few minutes, and after a refusal: the key may have been rotated, or the
    connection edited to another account.

    :param kling_conn_id: the connection.
    :param keep_seconds: how long it is used as it was read.
    """

    # Each lives as long as somebody holds it.
    _shared: ClassVar[weakref.WeakValueDictionary[str, HookCache]] = weakref.WeakValueDictionary()

    def __init__(self, kling_conn_id: str, *, keep_seconds: float = CONNECTION_SECONDS) -> None:
        self._kling_conn_id = kling_conn_id
        self._keep_seconds = keep_seconds
        self._hook: KlingHook | None = None
        self._read_at = 0.0
        self._invalid_since = 0.0
        self._lock = threading.Lock()

    @classmethod
    def shared(cls, kling_conn_id: str) -> HookCache:
        """
        Return the same object to all that hold one of this connection: a thousand waits read it once.

        :param kling_conn_id: the connection.
        """
        return cls._shared.setdefault(kling_conn_id, cls(kling_conn_id))

    def get(self) -> KlingHook:
        """
        Return the hook, whose connection is read.

        :raises KlingError: when the connection cannot be read.
        """
        return self._hook_since(time.monotonic() - self._keep_seconds)

    def get_newer(self, used: KlingHook, began: float) -> KlingHook | None:
        """
        Return a hook whose connection was read after a time, once for all callers; ``None`` when it is the same hook.

        :param used: the hook that was refused.
        :param began: the time, by the monotonic clock.
        :raises KlingError: when the connection cannot be read.
        """
        hook = self._hook_since(began)
        return None if hook is used else hook

    def invalidate(self) -> None:
        """Read the connection again next time. It does not block: the event loop calls it."""
        self._invalid_since = time.monotonic()

    def _hook_since(self, earliest: float) -> KlingHook:
        with self._lock:
            if self._hook is None or self._read_at < max(earliest, self._invalid_since):
                self._hook = None
                now = time.monotonic()
                self._hook, self._read_at = self._new_hook(), now
            return self._hook

    def _new_hook(self) -> KlingHook:
        name = self._kling_conn_id
        get = KlingHook(name)
        try:
            _ = get.settings
        except KlingError:
            raise
        except AirflowNotFoundException as error:
            raise missing_connection(name, error) from None
        except Exception as error:  # noqa: BLE001 - Airflow's API may be restarting; the tasks at Kling run on
            raise KlingConnectionError(f"The connection {name} cannot be read now: {reason(error)}") from None
        return get


def missing_connection(name: str | None, error: Exception) -> KlingConfigurationError:
    """
    Return the error of a triggerer without this connection; the workers may have it.

    :param name: its id.
    :param error: what Airflow said.
    """
    return KlingConfigurationError(
        f"Make connection {name} known to the triggerer: it finds none.\nA connection in environment variables "
        f"or in a secrets backend has to be there for triggerers too, not for workers only. "
        f"{clean_text(error)}"
    )
