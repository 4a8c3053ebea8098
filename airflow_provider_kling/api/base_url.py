"""Makes the base URL of Kling's API from host, schema and port of an Airflow connection. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.get_provider_info import DEFAULT_BASE_URL
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DEFAULT_PORTS = {"http": 80, "https": 443}

#: Characters that no address has. Libraries disagree about which host an address with them names.
INVALID_CHARACTERS = re.compile(r"[\\\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff]")

#: A host name in ASCII.
_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]+")


def base_url_of(host: str | None, *, schema: str | None = None, port: int | str | None = None) -> str:
    """
    Return the base URL that ``host`` stands for.

    :param host: empty for :data:`DEFAULT_BASE_URL`; a name, or a URL with an optional path prefix.
    :param schema: ``http`` or ``https`` when ``host`` is a bare name, default ``https``; anything else is the path
        prefix, because Airflow reads the path of a connection URI into it.
    :param port: of ``host``, unless that has one.
    :raises KlingConfigurationError: naming what is wrong with it.
    """
    host = (host or "").strip()
    scheme, prefix = _split_schema(schema)
    if not host:
        if prefix or str(port or 443) != "443":
            raise _configuration_error("it is empty, while port or schema is set")
        return DEFAULT_BASE_URL
    if INVALID_CHARACTERS.search(host + prefix) or "?" in host + prefix or "#" in host + prefix:
        raise _configuration_error("no blanks, backslash, ? or # belong there", host)
    parts = _split_host(host, scheme)
    path = parts.path.rstrip("/") + (f"/{prefix}" if prefix else "")
    # Kling's paths begin with /v1; a base URL copied from a relay's example often ends with it too.
    return f"{parts.scheme}://{parts.netloc}{_port_suffix(parts, port)}{path}".rstrip("/").removesuffix("/v1")


def _configuration_error(what: str, host: str = "") -> KlingConfigurationError:
    # What stands before an @, or behind a ?, may be a key that was pasted with the address.
    address, mark, _ = host.partition("?")
    shown = f"It is {clean_text(address.rpartition('@')[2] + mark, 100)!r}. " if host else ""
    return KlingConfigurationError(
        f"Check the connection's host: {what}.\n"
        f"{shown}It takes a name, or a URL such as https://api-singapore.klingai.com, with an optional path; keys "
        "belong into login and password."
    )


def _split_schema(schema: str | None) -> tuple[str, str]:
    first, _, rest = (schema or "").strip().strip("/").partition("/")
    if first.lower() in _DEFAULT_PORTS:
        return first.lower(), rest
    return "", f"{first}/{rest}" if rest else first


def _split_host(host: str, scheme: str) -> SplitResult:
    if "://" not in host:
        host = f"{scheme or 'https'}://{_bracket_ipv6(host)}"
    try:
        parts = urlsplit(host)
        name = parts.hostname or ""
        valid = "%" not in parts.netloc and (":" in name or _NAME.fullmatch(name.encode("idna").decode()))
        # "https:/host" is a host named https without a port; libraries differ in what dots in a path mean.
        valid = valid and not parts.netloc.endswith(":") and not {".", ".."} & set(parts.path.split("/"))
    except ValueError:
        raise _configuration_error("it is not a valid address", host) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise _configuration_error("it must begin with https:// (or http://)", host)
    if "@" in parts.netloc:
        raise _configuration_error("it must not hold a login", host)
    if not valid:
        raise _configuration_error("it is not a valid address", host)
    if scheme and parts.scheme != scheme:
        raise _configuration_error(f"it begins with {parts.scheme}://, and schema is {scheme}", host)
    return parts


def _bracket_ipv6(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return host


def _port_suffix(parts: SplitResult, port: int | str | None) -> str:
    """Return the port as the end of the address; a port is used or refused, never ignored."""
    try:
        # Airflow's Test button sends 0 for a connection without a port.
        own, other = parts.port, int(port or 0) or None
    except ValueError:
        raise _configuration_error("a port is a number from 1 to 65535", parts.geturl()) from None
    if own == 0 or (other is not None and not 1 <= other <= 65535):
        raise _configuration_error("a port is a number from 1 to 65535", parts.geturl())
    if other is None or other == (own or _DEFAULT_PORTS[parts.scheme]):
        return ""
    if own is not None:
        raise _configuration_error(f"its port is {own}, and the connection's port is {other}", parts.geturl())
    return f":{other}"
