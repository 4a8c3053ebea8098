"""What a setting may be: a typing mistake must not start a server that behaves otherwise than its user thinks."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow_provider_kling.simulator.clock import LONGEST
from airflow_provider_kling.simulator.envelope import CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The words that a setting can be, its default first.
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "retired": ("refuse", "accept"),
    "video_size": ("full", "small"),
    "list_order": ("newest", "oldest"),
    "reuse_after_failure": ("refuse", "accept"),
    "early_result": ("empty", "absent", "null"),
    "missing_task_info": ("absent", "null", "empty"),
    "charge": ("unit", "cash"),
    "ranges": ("accept", "ignore"),
    "new_callback": ("new", "classic"),
    "external_ids": ("keep", "drop"),
    "element_digits": ("accept", "refuse"),
    "data_uris": ("accept", "refuse"),
    "scalars": ("refuse", "convert"),
    "report_amounts": ("text", "number"),
}

#: More of anything is a mistake, and still far from where sums become infinite.
_MANY: Final = 10**12

#: The least and the most of each number.
LIMITS: Final[dict[str, tuple[float, float]]] = {
    "port": (0, 65535),
    "concurrency": (1, _MANY),
    "image_concurrency": (1, _MANY),
    "units": (0, _MANY),
    "image_units": (0, _MANY),
    "balance": (0, _MANY),
    "time_scale": (0, _MANY),
    "seconds": (0, LONGEST),
    "clock_skew": (-LONGEST, LONGEST),
    "url_ttl": (0, LONGEST),
    "callback_retries": (0, 100),
    "creates_per_second": (1, _MANY),
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


#: Everything else that can be wrong: whether a value may be, and what is asked instead.
_OTHERS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "public_url": (_is_base, "a URL that begins with http:// or https://"),
    "webhook_secret": (_is_secret, "whsec_ and base64"),
    "retired_code": (CODES.__contains__, "a code of Kling's, such as 1201 or 1203"),
}


def check(settings: Mapping[str, Any]) -> None:
    """Refuse what no server can be or no client could use.

    :param settings: every setting by its name.
    :raises ValueError: its first word is the setting.
    """
    for name, words in CHOICES.items():
        if settings[name] not in words:
            raise ValueError(f"{name} is {settings[name]!r}; allowed: {', '.join(words)}")
    for name, (least, most) in LIMITS.items():
        value = settings[name]
        # Written so that a number that is none (nan) is refused too.
        if value is not None and not least <= value <= most:
            allowed = f"{least:.0f} or more" if most == _MANY else f"{least:.0f} to {most:.0f}"
            raise ValueError(f"{name} is {value!r}; allowed: {allowed}")
    for name in ("host", "access_key", "secret_key", "api_key"):
        if not settings[name]:
            raise ValueError(f"{name} is empty; leave it out for its default")
    for name, (may_be, wanted) in _OTHERS.items():
        if settings[name] and not may_be(settings[name]):
            raise ValueError(f"{name} is {settings[name]!r}; allowed: {wanted}")
