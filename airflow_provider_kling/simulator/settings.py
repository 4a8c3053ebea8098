"""Everything about the simulated service that can be chosen, with the defaults of the real one.

The lower half are questions that no public source answers; the default is the most careful reading.
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
    :param port: TCP port; 0 takes a free one.
    :param public_url: base of result URLs when clients reach the server under another name than ``host:port``.
    :param path_prefix: serve everything below this path and accept only the API key, as a relay does.
    :param tls: speak HTTPS, with a certificate of the simulator's own that clients have to trust.
    :param access_key: AccessKey, the ``iss`` of a JWT.
    :param secret_key: SecretKey that signs JWTs and result URLs; 32 characters or more.
    :param api_key: API key, sent as bearer token.
    :param concurrency: slots per model, held from acceptance to the terminal state.
    :param image_concurrency: the same for the models that make images; a task of ``n`` images takes ``n``.
    :param units: units in the resource pack.
    :param image_units: units in a pack of their own for images; without it, the one pack pays for them too.
    :param charge: whether the account pays with units or with money.
    :param balance: US dollars of an account that pays with money.
    :param time_scale: multiplies Kling's usual processing times; 0.01 is a hundred times faster.
    :param seconds: fixed processing time of every task; overrides ``time_scale``.
    :param clock_skew: seconds that the server's clock is ahead of ours.
    :param retired: what happens to models that Kling retired on 2026-09-15.
    :param video_size: ``small`` renders 320 pixels on the long side instead of 720p, 1080p or 4K; an image has 300 on
        its short one, so that Kling's check of an input lets it pass.
    :param url_ttl: seconds until a result URL expires, counted from the end of the task.
    :param webhook_secret: signs callbacks (``whsec_`` and base64); empty sends them unsigned.
    :param state: file (JSON lines) that keeps tasks across restarts; images stand in a directory beside it.
    :param list_order: order of list pages (undetermined).
    :param retired_code: service code of the refusal of a retired model (undetermined).
    :param reuse_after_failure: whether the external id of a failed task may be used again (undetermined).
    :param callback_retries: further attempts after a failed delivery; 0 never retries (undetermined).
    :param new_callback: in whose words the callback of a task of the new generation is; the documentation can be
        read in both ways (undetermined).
    :param early_result: what ``task_result`` is before success (undetermined).
    :param missing_task_info: ``task_info`` of a create answer without an external id: no such key, an id that is
        ``null`` (which then also stands in a query), or an empty object (all three were recorded).
    :param external_ids: ``drop`` forgets ``external_task_id``, as a relay may that does not pass it on.
    :param ranges: whether a part of a result can be asked for with ``Range`` (undetermined).
    :param creates_per_second: more create calls than this within one second get 1302 (undetermined: off).
    :param element_digits: whether the id of an element may be a string of digits; public clients send both
        (undetermined).
    :param data_uris: whether an image of the new generation may be a ``data:`` URI; its pages speak of base64 alone,
        and public clients send both (undetermined). The classic pages forbid it.
    :param scalars: whether a classic path takes a number where text is asked (``"duration": 5``), and text where a
        number or a flag is. Relays send it so, and lists of pitfalls say that it must be text (undetermined).
    :param report_amounts: what the amounts in the two reports of ``/account/billing`` are: text with times as numbers,
        or, as the example of Kling's page shows, numbers with times as text (undetermined).
    :param known_elements: element ids that exist besides the account's own; ``None`` accepts every number.
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
    new_callback: Literal["new", "classic"] = "new"
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
        """``path_prefix`` with one slash before it and none after it; empty without one."""
        bare = self.path_prefix.strip("/")
        return f"/{bare}" if bare else ""
