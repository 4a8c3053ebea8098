"""Reads an Airflow connection into settings: base URL, credential and the few extras. Pure."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_kling.api import webhook_secret
from airflow_provider_kling.api.auth import Credential, credential_of
from airflow_provider_kling.api.base_url import INVALID_CHARACTERS, base_url_of
from airflow_provider_kling.api.limits import Limits
from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.get_provider_info import DEFAULT_BASE_URL
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from airflow.sdk import Connection

__all__ = ["DEFAULT_BASE_URL", "DEFAULT_TIMEOUT_SECONDS", "Settings", "base_url_of", "settings_of"]

#: Seconds that one response may take. Kling responds in under a second; a body with a 10 MB image takes longer to send.
DEFAULT_TIMEOUT_SECONDS = 30.0

#: The longest timeout of one response; a thread waits that long.
MAX_TIMEOUT_SECONDS = 600.0

#: Below this no server responds, and every request would fail.
MIN_TIMEOUT_SECONDS = 0.1

#: The longest extra; one with every key has less than a thousand characters.
MAX_EXTRA_CHARACTERS = 50_000

EXTRAS = (
    *("timeout_seconds", "verify", "proxies", "allow_private_urls"),
    *("external_ids", "max_usd_per_day", "budget_uri", "webhook_secret"),
)

PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")

#: A URI with a bucket, host or path, or an absolute path.
_FOLDER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s].*|file:///+[^/].*|/+[^/].*", re.DOTALL)

#: Stands in an error for a value that is not repeated.
NOT_SHOWN = "not shown, it may be secret"

#: The most characters of a key that are compared with the known ones.
MAX_COMPARED = 50

#: The most keys of an extra that a warning names.
MAX_NAMED_KEYS = 5

#: The keys of proxies, as requests reads them.
_PROXY_KEY = re.compile(r"(http|https|all)(://[^/\s]+)?|no_proxy")


@dataclasses.dataclass(frozen=True)
class Settings:
    """
    What the package needs to know of a connection.

    :param base_url: without a trailing slash; a relay's path prefix is kept.
    :param credential: API key, or AccessKey and SecretKey.
    :param timeout_seconds: how long one HTTP response may take, from its request to its last byte; and the longest
        silence in a download.
    :param verify: whether TLS certificates are checked, or the path of a CA bundle. ``True`` leaves the bundle to the
        environment.
    :param proxies: by scheme, as requests takes them; an empty one means that no proxy is used. What is not named
        comes from the environment.
    :param allow_private_urls: whether results may come over plain http or from private addresses.
    :param external_ids: whether the host keeps ``external_task_id`` and finds tasks by it; some relays drop it.
    :param max_usd_per_day: the most that operators that use the connection may spend on a day (UTC), at list price.
    :param budget_uri: folder on any storage of Airflow's where operators record that spending; before Airflow 3.3 also
        what one try of a task stores for the next one.
    :param webhook_secret: signs Kling's callbacks to this account's ``callback_url``; empty where there is none.
    :param warnings: sentences about keys of the extra that the package does not know.
    :param limits: bounds of requests, responses and downloads.
    """

    base_url: str
    credential: Credential
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    verify: bool | str = True
    proxies: dict[str, str] = dataclasses.field(default_factory=dict, repr=False)
    allow_private_urls: bool = False
    external_ids: bool = True
    max_usd_per_day: float | None = None
    budget_uri: str = ""
    webhook_secret: str = dataclasses.field(default="", repr=False)
    warnings: tuple[str, ...] = ()
    limits: Limits = dataclasses.field(default_factory=Limits)

    @property
    def account(self) -> str:
        """Identifies the account, whichever connection names it; it holds no secret."""
        return f"{self.base_url}#{self.credential.identity}"


def settings_of(connection: Connection) -> Settings:
    """
    Read an Airflow connection.

    :raises KlingConfigurationError: naming the field, what it holds, and what it should hold.
    """
    extra = _read_extra(connection)
    return Settings(
        base_url=base_url_of(
            _read_text(connection, "host"), schema=_read_text(connection, "schema"), port=connection.port
        ),
        credential=credential_of(_read_text(connection, "login"), _read_text(connection, "password")),
        timeout_seconds=_read_timeout(extra.get("timeout_seconds")),
        verify=_read_verify(extra.get("verify")),
        proxies=_read_proxies(extra.get("proxies")),
        allow_private_urls=_read_flag("allow_private_urls", extra.get("allow_private_urls")),
        external_ids=_read_flag("external_ids", extra.get("external_ids"), default=True),
        max_usd_per_day=_read_max_usd(extra),
        budget_uri=_read_budget_uri(extra),
        webhook_secret=_read_webhook_secret(extra.get("webhook_secret")),
        warnings=_warn_of_unknown_keys([key for key in extra if key not in EXTRAS]),
    )


def _extra_error(name: str, value: Any, takes: str) -> KlingConfigurationError:
    return KlingConfigurationError(
        f"Check {name} in extra: it takes {takes}.\nIn the Kling connection {name} is {_shown(value)}."
    )


def _shown(value: Any) -> str:
    """Return a value for an error; what may hold a secret is not repeated: people confuse the keys of an extra."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return NOT_SHOWN if "@" in text or webhook_secret.PREFIX in text else clean_text(text, 100)


def _read_text(connection: Connection, name: str) -> str | None:
    """Return a text field. A connection in JSON may hold another type, such as a key of digits without quotes."""
    value = getattr(connection, name)
    if value is None or isinstance(value, str):
        return value
    raise KlingConfigurationError(
        f"Put {name} in quotes where the connection is written: it is no text.\n"
        f"In the Kling connection {name} has the type {type(value).__name__}."
    )


def _read_extra(connection: Connection) -> dict[str, Any]:
    """Return the extra. One that cannot be read is refused; Airflow itself would take it for an empty one."""
    length = len(connection.extra or "")
    if length > MAX_EXTRA_CHARACTERS:
        # To mask secrets in logs, Airflow compiles a pattern from each of them: a minute for a few megabytes.
        raise KlingConfigurationError(
            "Shorten the connection's extra: it is too long.\n"
            f"It has {length} characters, {MAX_EXTRA_CHARACTERS} is the most."
        )
    try:
        extra = json.loads(connection.extra) if connection.extra else {}
    except (TypeError, ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise KlingConfigurationError(
            "Check the connection's extra: it takes a JSON object.\n"
            'Such as {"timeout_seconds": 60}. What it holds is not shown, it may be secret.'
        )
    # Not the dict above: reading extra_dejson makes Airflow mask its secrets in logs.
    return dict(connection.extra_dejson)


def _warn_of_unknown_keys(keys: list[str]) -> tuple[str, ...]:
    for key in keys:
        _refuse_misspelt_key(key)
    if not keys:
        return ()
    shown = ", ".join(_shown_key(key) for key in keys[:MAX_NAMED_KEYS])
    more = f" and {len(keys) - MAX_NAMED_KEYS} more keys" if len(keys) > MAX_NAMED_KEYS else ""
    verb = "is" if len(keys) == 1 else "are"
    return (f"The connection's extra holds {shown}{more}, which {verb} not known. It takes {', '.join(EXTRAS)}.",)


def _refuse_misspelt_key(key: str) -> None:
    # Only a wrong word needs it.
    import difflib

    near = difflib.get_close_matches(key[:MAX_COMPARED].lower(), EXTRAS, n=1, cutoff=0.6)
    if near:
        raise KlingConfigurationError(
            f"Check extra: {_shown_key(key)} is not known, did you mean {near[0]}?\n"
            f"The Kling connection's extra takes {', '.join(EXTRAS)}."
        )


def _shown_key(key: str) -> str:
    return "a key with @" if "@" in key else clean_text(key, 30)


def _read_timeout(value: Any) -> float:
    if value in (None, ""):
        return DEFAULT_TIMEOUT_SECONDS
    seconds = _as_number(value)
    if not MIN_TIMEOUT_SECONDS <= seconds <= MAX_TIMEOUT_SECONDS:
        raise _extra_error("timeout_seconds", value, f"seconds, {MIN_TIMEOUT_SECONDS:g} to {MAX_TIMEOUT_SECONDS:g}")
    return seconds


def _as_number(value: Any) -> float:
    """Return a value as a number; ``nan`` when it is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _read_max_usd(extra: dict[str, Any]) -> float | None:
    value = extra.get("max_usd_per_day")
    if value in (None, ""):
        return None
    usd = _as_number(value)
    if not 0 < usd < math.inf:
        raise _extra_error("max_usd_per_day", value, "US dollars, above 0")
    if not _read_budget_uri(extra):
        raise KlingConfigurationError(
            "Give budget_uri in extra, or leave max_usd_per_day out.\n"
            "max_usd_per_day needs a folder that all workers reach, such as s3://aws_default@bucket/kling-budget."
        )
    return usd


def _read_budget_uri(extra: dict[str, Any]) -> str:
    value = extra.get("budget_uri")
    text = "" if value is None else value.strip() if isinstance(value, str) else "?"
    # A relative path would be another folder in each process, so each would have its own cap.
    if text and not _FOLDER.fullmatch(text):
        raise _extra_error("budget_uri", value, "a folder such as s3://aws_default@bucket/kling-budget")
    if text and (problem := _password_problem(text)):
        raise KlingConfigurationError(problem)
    return text


def _password_problem(uri: str) -> str | None:
    # Few connections have a budget_uri.
    from airflow_provider_kling.utils._airflow.object_storage import password_problem, place_of

    return password_problem(place_of(uri), "budget_uri in extra")


def _read_webhook_secret(value: Any) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    if not webhook_secret.key_of(value):
        raise KlingConfigurationError(
            "Check webhook_secret in extra: it takes whsec_ and base64.\nKling's console shows it. What the connection "
            "holds is not shown, it may be secret."
        )
    return str(value.strip())


def _read_verify(value: Any) -> bool | str:
    if value is None or isinstance(value, bool):
        return value is not False
    text = value.strip() if isinstance(value, str) else "0"
    known = {"": True, "true": True, "false": False}.get(text.lower())
    if known is not None:
        return known
    # "no" or 0 may mean that certificates are not checked, or name a file: guessing could switch the check off.
    if "\0" in text or "://" in text or text.startswith("{") or not ("/" in text or "." in text):
        raise _extra_error("verify", value, "true, false or a CA bundle's path")
    return text


def _read_flag(name: str, value: Any, *, default: bool = False) -> bool:
    if value is None or isinstance(value, bool):
        return default if value is None else value
    flag = {"": default, "true": True, "false": False}.get(str(value).strip().lower())
    if flag is None:
        raise _extra_error(name, value, "true or false")
    return flag


def _read_proxies(value: Any) -> dict[str, str]:
    # A connection URI, and the form of older releases of Airflow, can give nothing but text.
    given = value
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if isinstance(value, dict):
        return {str(key): _read_proxy(str(key), url) for key, url in value.items()}
    if given is None or given == "" or (isinstance(given, str) and given.strip() in ("", "null")):
        return {}
    raise KlingConfigurationError(
        "Check proxies in extra: it takes an object.\n"
        f'proxies is {_shown(given)}; write it as {{"https": "http://proxy.example.com:3128"}}.'
    )


def _read_proxy(key: str, url: Any) -> str:
    if not _PROXY_KEY.fullmatch(key):
        raise KlingConfigurationError(
            f"Check proxies in extra: {_shown(key[:30])} is no scheme.\n"
            "Its keys are http, https, all, one of them with a host (https://api.example.com), and no_proxy."
        )
    if url is None or url is False or url == "":
        return ""
    if key == "no_proxy" and isinstance(url, str):
        return url.strip()
    if not isinstance(url, str) or not _is_proxy_url(url.strip()):
        raise KlingConfigurationError(
            f"Check proxies in extra: that for {clean_text(key, 30)} is no proxy.\n"
            f"It is {_shown(url)}; it takes a URL such as http://proxy.example.com:3128, with one of "
            f"{', '.join(PROXY_SCHEMES)}."
        )
    return url.strip()


def _is_proxy_url(url: str) -> bool:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError:
        return False
    fit = url.isascii() and not INVALID_CHARACTERS.search(url) and parts.scheme in PROXY_SCHEMES
    return fit and bool(parts.hostname) and port != 0
