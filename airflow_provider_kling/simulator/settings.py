"""Settings of the simulated service; the defaults are those of the real one.

Where a setting is called undocumented, no public source says what Kling does, and its default is the most cautious one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from airflow_provider_kling.simulator.setting_rules import check

if TYPE_CHECKING:
    from pathlib import Path

THIRTY_DAYS: Final = 30 * 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one simulated account and server.

    :param host: interface to listen on.
    :param port: TCP port; 0 chooses a free one.
    :param public_url: base of result URLs if clients use another host name than ``host:port``.
    :param path_prefix: serve all paths below this one and accept only the API key, as a relay does.
    :param tls: serve HTTPS with a self-signed certificate, which clients have to trust.
    :param access_key: AccessKey, the ``iss`` of a JWT.
    :param secret_key: SecretKey that signs JWTs and result URLs; 32 characters or more.
    :param api_key: API key, sent as bearer token.
    :param concurrency: slots per model, held from acceptance to the terminal state.
    :param image_concurrency: the same for models that make images; a task of ``n`` images takes ``n`` slots.
    :param units: units in the resource pack.
    :param image_units: units in a separate pack for images; ``None`` pays for images from ``units``.
    :param charge: whether the account pays with units or with money.
    :param balance: US dollars of an account that pays with money.
    :param time_scale: multiplies Kling's usual processing times; 0.01 is a hundred times faster.
    :param seconds: fixed processing time of every task; overrides ``time_scale``.
    :param clock_skew: seconds that the server's clock is ahead of the system clock.
    :param retired: whether models that Kling retired on 2026-09-15 are rejected.
    :param video_size: ``small`` renders videos with a long side of 320 pixels instead of 720p, 1080p or 4K, and images
        with a short side of at least 300, the minimum for an input.
    :param url_ttl: seconds until a result URL expires, counted from the end of the task.
    :param webhook_secret: signs callbacks (``whsec_`` and base64); empty sends them unsigned.
    :param state: file (JSON lines) that keeps tasks across restarts; inputs are kept in a directory beside it.
    :param list_order: order of list pages (undocumented).
    :param retired_code: service code of the refusal of a retired model (undocumented).
    :param reuse_after_failure: whether the external id of a failed task can be used again (undocumented).
    :param callback_retries: retries of a failed delivery; 0 never retries (undocumented).
    :param v2_callback: field names in the callback of a task of the second generation; the documentation allows both
        readings (undocumented).
    :param early_result: value of ``task_result`` before the task succeeds (undocumented).
    :param missing_task_info: ``task_info`` in the response to a create call without an external id: no such key, an id
        that is ``null`` (in queries too), or an empty object (all three were recorded).
    :param external_ids: ``drop`` ignores ``external_task_id``, like a relay that does not forward it.
    :param ranges: whether downloads of results support the ``Range`` header (undocumented).
    :param creates_per_second: further create calls within one second get 1302; ``None`` for no limit (undocumented).
    :param element_digits: whether the id of an element may be a string of digits; public clients send both
        (undocumented).
    :param data_uris: whether an image of the second generation may be a ``data:`` URI; its pages mention base64 only,
        and public clients send both (undocumented). The classic pages forbid it.
    :param scalars: whether a classic path accepts a number for a string field (``"duration": 5``), and a string for a
        number or a boolean. Relays send it so; lists of pitfalls say that it must be a string (undocumented).
    :param report_amounts: amounts in the two reports of ``/account/billing``: strings, with times as numbers, or, as in
        the example of Kling's page, numbers, with times as strings (undocumented).
    :param known_elements: element ids that exist besides those of the account; ``None`` accepts every number.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    path_prefix: str = ""
    tls: bool = False
    access_key: str = "simulated-access-key"
    secret_key: str = "simulated-secret-key-of-32-characters-or-more"  # noqa: S105 - opens a simulator only
    api_key: str = "api-key-kling-simulated-0123456789abcdef0123456789abcdef0"
    concurrency: int = 5
    image_concurrency: int = 9
    units: float = 10_000
    image_units: float | None = None
    charge: Literal["unit", "cash"] = "unit"
    balance: float = 1_000
    time_scale: float = 1.0
    seconds: float | None = None
    clock_skew: float = 0.0
    retired: Literal["accept", "refuse"] = "refuse"
    video_size: Literal["full", "small"] = "full"
    url_ttl: float = THIRTY_DAYS
    webhook_secret: str = ""
    state: Path | None = None
    list_order: Literal["newest", "oldest"] = "newest"
    retired_code: int = 1201
    reuse_after_failure: Literal["accept", "refuse"] = "refuse"
    callback_retries: int = 3
    v2_callback: Literal["v2", "classic"] = "v2"
    early_result: Literal["empty", "absent", "null"] = "empty"
    missing_task_info: Literal["absent", "null", "empty"] = "absent"
    external_ids: Literal["keep", "drop"] = "keep"
    ranges: Literal["accept", "ignore"] = "accept"
    creates_per_second: int | None = None
    element_digits: Literal["accept", "refuse"] = "accept"
    data_uris: Literal["accept", "refuse"] = "accept"
    scalars: Literal["refuse", "convert"] = "refuse"
    report_amounts: Literal["text", "number"] = "text"
    known_elements: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check(vars(self))

    @property
    def prefix(self) -> str:
        """``path_prefix`` with a leading and without a trailing slash; empty without a prefix."""
        bare = self.path_prefix.strip("/")
        return f"/{bare}" if bare else ""
