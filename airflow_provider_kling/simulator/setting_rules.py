"""Validates settings: a typing error must not start a server that behaves differently than its user expects."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow_provider_kling.simulator.clock import MAX_SECONDS
from airflow_provider_kling.simulator.envelope import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Allowed words of a setting, the default first.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "retired": ("refuse", "accept"),
    "video_size": ("full", "small"),
    "list_order": ("newest", "oldest"),
    "reuse_after_failure": ("refuse", "accept"),
    "early_result": ("empty", "absent", "null"),
    "missing_task_info": ("absent", "null", "empty"),
    "charge": ("unit", "cash"),
    "ranges": ("accept", "ignore"),
    "v2_callback": ("v2", "classic"),
    "external_ids": ("keep", "drop"),
    "element_digits": ("accept", "refuse"),
    "data_uris": ("accept", "refuse"),
    "scalars": ("refuse", "convert"),
    "report_amounts": ("text", "number"),
}

#: A larger number is an error; sums of smaller ones stay finite.
_MAX_COUNT: Final = 10**12

#: Minimum and maximum of each number.
LIMITS: Final[dict[str, tuple[float, float]]] = {
    "port": (0, 65535),
    "concurrency": (1, _MAX_COUNT),
    "image_concurrency": (1, _MAX_COUNT),
    "units": (0, _MAX_COUNT),
    "image_units": (0, _MAX_COUNT),
    "balance": (0, _MAX_COUNT),
    "time_scale": (0, _MAX_COUNT),
    "seconds": (0, MAX_SECONDS),
    "clock_skew": (-MAX_SECONDS, MAX_SECONDS),
    "url_ttl": (0, MAX_SECONDS),
    "callback_retries": (0, 100),
    "creates_per_second": (1, _MAX_COUNT),
}


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_secret(secret: str) -> bool:
    try:
        return bool(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        return False


#: Format of other settings: the check of a value, and what the error message says is allowed.
_FORMATS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "public_url": (_is_base, "a URL that begins with http:// or https://"),
    "webhook_secret": (_is_secret, "whsec_ and base64"),
    "retired_code": (CODES.__contains__, "a code of Kling's, such as 1201 or 1203"),
}


def check(settings: Mapping[str, Any]) -> None:
    """Validate the settings.

    :param settings: every setting by its name.
    :raises ValueError: its first word is the setting.
    """
    for name, words in CHOICES.items():
        if settings[name] not in words:
            raise ValueError(f"{name} is {settings[name]!r}; allowed: {', '.join(words)}")
    for name, (least, most) in LIMITS.items():
        value = settings[name]
        # nan fails this comparison too.
        if value is not None and not least <= value <= most:
            allowed = f"{least:.0f} or more" if most == _MAX_COUNT else f"{least:.0f} to {most:.0f}"
            raise ValueError(f"{name} is {value!r}; allowed: {allowed}")
    for name in ("host", "access_key", "secret_key", "api_key"):
        if not settings[name]:
            raise ValueError(f"{name} is empty; leave it out for its default")
    for name, (is_valid, expected) in _FORMATS.items():
        if settings[name] and not is_valid(settings[name]):
            raise ValueError(f"{name} is {settings[name]!r}; allowed: {expected}")
