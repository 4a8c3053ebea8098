"""A request to Kling, before it has a host and a signature."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Request:
    """
    One call.

    :param method: ``GET`` or ``POST``.
    :param path: below the base URL, beginning with a slash.
    :param params: query parameters.
    :param json: the body; never logged, it may hold images.
    """

    method: str
    path: str
    params: dict[str, str] = dataclasses.field(default_factory=dict)
    json: dict[str, Any] | None = dataclasses.field(default=None, repr=False)
