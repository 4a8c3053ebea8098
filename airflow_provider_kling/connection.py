"""An Airflow connection becomes settings: base URL, credential and the few extras. Pure."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api.auth import Credential, credential_of
from airflow_provider_kling.exceptions import KlingConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

#: Where a connection without a host goes: Kling's servers for accounts outside mainland China.
#: Source: quick-start page of https://kling.ai/document-api, read 2026-11.
DEFAULT_BASE_URL = "https://api-singapore.klingai.com"

#: Seconds that one answer may take. Kling answers in under a second; a body with a 10 MB image takes longer to send.
DEFAULT_TIMEOUT_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """
    What the package needs to know of a connection.

    :param base_url: without a trailing slash; a relay's path prefix is kept.
    :param credential: API key, or AccessKey and SecretKey.
    :param timeout_seconds: how long one HTTP answer may take.
    :param verify: whether TLS certificates are checked, or the path of a CA bundle.
    :param proxies: by scheme, as requests takes them.
    :param allow_private_urls: whether results may come over plain http or from private addresses.
    """

    base_url: str
    credential: Credential
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    verify: bool | str = True
    proxies: dict[str, str] = dataclasses.field(default_factory=dict)
    allow_private_urls: bool = False


def settings_of(connection: Connection) -> Settings:
    """
    Read an Airflow connection.

    :raises KlingConfigurationError: naming the field, what it holds, and what it should hold.
    """
    extra = connection.extra_dejson
    return Settings(
        base_url=base_url_of(connection.host, schema=connection.schema, port=connection.port),
        credential=credential_of(connection.login, connection.password),
        timeout_seconds=_seconds(extra.get("timeout_seconds")),
        verify=_verify(extra.get("verify")),
        proxies=_proxies(extra.get("proxies")),
        allow_private_urls=_flag("allow_private_urls", extra.get("allow_private_urls")),
    )


def base_url_of(host: str | None, *, schema: str | None = None, port: int | None = None) -> str:
    """
    Return the base URL that ``host`` stands for.

    :param host: empty for :data:`DEFAULT_BASE_URL`; a name, or a URL with an optional path prefix.
    :param schema: ``http`` or ``https`` when ``host`` is a bare name; default ``https``.
    :param port: appended when ``host`` is a bare name.
    """
    host = (host or "").strip().rstrip("/")
    if not host:
        return DEFAULT_BASE_URL
    if "://" not in host:
        name, slash, prefix = host.partition("/")
        address = f"{name}:{port}" if port else name
        host = f"{schema or 'https'}://{address}{slash}{prefix}"
    if not host.startswith(("https://", "http://")):
        raise KlingConfigurationError(f"The Kling connection's host {host!r} must begin with https:// (or http://).")
    # Kling's paths begin with /v1; a base URL copied from a relay's example often ends with it too.
    return host.removesuffix("/v1")


def _seconds(value: Any) -> float:
    if value in (None, ""):
        return DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if seconds <= 0:
        raise KlingConfigurationError(
            f"The Kling connection's extra timeout_seconds is {value!r}; it takes a number of seconds above 0."
        )
    return seconds


def _verify(value: Any) -> bool | str:
    if value is None or isinstance(value, bool):
        return value is not False
    text = str(value).strip()
    return {"": True, "true": True, "false": False}.get(text.lower(), text)


def _flag(name: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    flag = {"": False, "true": True, "false": False}.get(str(value).strip().lower())
    if flag is None:
        raise KlingConfigurationError(f"The Kling connection's extra {name} is {value!r}; it takes true or false.")
    return flag


def _proxies(value: Any) -> dict[str, str]:
    if not value:
        return {}
    if not isinstance(value, dict):
        raise KlingConfigurationError(
            f"The Kling connection's extra proxies is {value!r}; it takes an object such as "
            '{"https": "http://proxy.example.com:3128"}.'
        )
    return {str(scheme): str(url) for scheme, url in value.items()}
