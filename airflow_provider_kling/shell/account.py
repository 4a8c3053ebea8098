"""The account of a shell command: an Airflow connection, or the key in the environment."""

from __future__ import annotations

import json
import os
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_kling.api.settings import settings_of
from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.api.settings import Settings

#: The names that Kling's own tools use.
API_KEY, ACCESS_KEY, SECRET_KEY, BASE_URL = (
    *("KLINGAI_API_KEY", "KLINGAI_ACCESS_KEY"),
    *("KLINGAI_SECRET_KEY", "KLINGAI_BASE_URL"),
)

#: Which variable is which field of a connection, of which errors speak.
VARIABLES = (
    f"This account is the environment's: {API_KEY} or {SECRET_KEY} is the password, {ACCESS_KEY} the login, "
    f"{BASE_URL} the host."
)


class EnvironmentHook(KlingHook):
    """
    A hook whose account is that of the environment's key.

    :param environment: with ``KLINGAI_API_KEY``, or ``KLINGAI_ACCESS_KEY`` and ``KLINGAI_SECRET_KEY``.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__("environment")
        self._environment = environment

    @cached_property
    def settings(self) -> Settings:
        """The account, as if an Airflow connection named it."""
        from airflow.sdk import Connection

        given = self._environment
        login = None if given.get(API_KEY) else given.get(ACCESS_KEY)
        # Who points this at a server on the own machine, as the simulator is, takes its results from there too.
        local = _host(given.get(BASE_URL, "")) in ("127.0.0.1", "localhost")
        return settings_of(
            Connection(
                conn_id=self.kling_conn_id,
                conn_type="kling",
                host=given.get(BASE_URL) or None,
                login=login,
                password=given.get(API_KEY) or given.get(SECRET_KEY),
                extra=json.dumps({"allow_private_urls": True} if local else {}),
            )
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:  # the connection says what is wrong with it
        return ""


def is_of_environment(conn_id: str | None) -> bool:
    """
    Whether a command's account is that of the environment's key.

    :param conn_id: the Airflow connection that the command names.
    """
    return conn_id is None and any(os.environ.get(name) for name in (API_KEY, ACCESS_KEY))


def hook_for(conn_id: str | None) -> KlingHook:
    """
    Return the hook of a command.

    :param conn_id: an Airflow connection; ``None`` takes the environment's key, and without one ``kling_default``.
    :raises KlingConfigurationError: when there is no such account.
    """
    if is_of_environment(conn_id):
        return EnvironmentHook(os.environ)
    # As Airflow's own commands say it: without this, connections of its database are not looked for outside of a task.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    hook = KlingHook(conn_id or DEFAULT_CONN_NAME)
    try:
        _ = hook.settings
    except AirflowNotFoundException:
        raise KlingConfigurationError(
            f"Set {API_KEY}, or name a connection with --conn-id: there is no account.\nThe environment has no key, "
            f"and Airflow knows no connection {clean_text(hook.kling_conn_id, 80)}."
        ) from None
    return hook
