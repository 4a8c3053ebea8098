"""Validates ``contents[]`` of the second generation: one item per input.

Observed texts: an empty or missing list, another type than a list, an unknown item type, a blank prompt or URL, a
missing first frame, a video that is not a URL, an unknown element and one without an id. The others were not observed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.validation import (
    MAX_LARGE_IMAGE_BYTES,
    invalid,
    is_url,
    strip_data_uri_prefix,
    typed,
    url_or_base64,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.validation import Body

IMAGES: Final = frozenset({"first_frame", "last_frame", "refer_image", "image"})
VIDEOS: Final = frozenset({"feature_video", "base_video", "video"})


@dataclass
class Contents:
    """The items, grouped.

    :param prompt: text of the prompt.
    :param roles: positions of the items in the body, such as ``contents[1]``, by item type.
    :param media: URL or base64 by role.
    :param kinds: ``video`` or ``large_image`` by role.
    """

    prompt: str = ""
    roles: dict[str, list[str]] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def count(self, *types: str) -> int:
        """Number of items of these types."""
        return sum(len(self.roles.get(kind, [])) for kind in types)

    def first(self, *types: str) -> str:
        """The role of the first item of the first type that is present; empty if none is."""
        return next((self.roles[kind][0] for kind in types if kind in self.roles), "")


def read_contents(body: Body, row: Mapping[str, Any], context: Context) -> Contents:
    """Validate ``body["contents"]``.

    :raises KlingError: 1201.
    """
    items = typed(body, "contents", list, [])
    if not items:
        raise invalid("contents cannot be empty")
    contents = Contents()
    for index, item in enumerate(items):
        _read_item(item, f"contents[{index}]", row, contents, context)
    for kind in row.get("required", ()):
        if not contents.count(kind):
            raise invalid(f"content item of type '{kind}' is required")
    if contents.count("last_frame") and not contents.count("first_frame"):
        raise invalid("content item of type 'first_frame' is required")
    for kind, maximum in row["contents"].items():
        if contents.count(kind) > maximum:
            raise invalid(f"content items of type '{kind}' cannot exceed {maximum}")
    return contents


def _read_item(item: Any, role: str, row: Mapping[str, Any], contents: Contents, context: Context) -> None:
    if not isinstance(item, dict):
        raise invalid(f"{role} value type is invalid, expected object")
    kind = typed(item, "type", str, "", label=f"{role}.type")
    if kind in row.get("ignored", ()):
        return
    if kind not in row["contents"]:
        raise invalid(f"{role}.type value '{kind}' is invalid")
    contents.roles.setdefault(kind, []).append(role)
    if kind == "prompt":
        contents.prompt = _prompt(item, row["prompt"], role)
    elif kind == "element":
        _check_element(item, context)
    elif kind == "voice":
        if not typed(item, "voice_id", str, label=f"{role}.voice_id"):
            raise invalid("Voice id not found")
    else:
        contents.media[role] = _url(item, kind, role, accepts_data_uris=context.accepts_data_uris)
        contents.kinds[role] = "video" if kind in VIDEOS else "large_image"


def _prompt(item: Body, limit: int, role: str) -> str:
    prompt: str = typed(item, "text", str, "", label=f"{role}.text")
    if not prompt.strip():
        raise invalid("content item of type 'prompt' must have non-blank text")
    if len(prompt) > limit:
        raise invalid(f"{role}.text length must be less than or equal to {limit}")
    return prompt


def _url(item: Body, kind: str, role: str, *, accepts_data_uris: bool) -> str:
    label = f"{role}.url"
    if not typed(item, "url", str, "", label=label).strip():
        raise invalid(f"content item of type '{kind}' must have a non-blank url")
    if kind in VIDEOS:
        if not is_url(item["url"]):
            raise invalid("Video URL is invalid")
        return str(item["url"])
    given = {"url": strip_data_uri_prefix(item["url"])} if accepts_data_uris else item
    return url_or_base64(given, "url", label=label, limit=MAX_LARGE_IMAGE_BYTES) or ""


def _check_element(item: Body, context: Context) -> None:
    element = context.element_number(item.get("element_id"))
    if not isinstance(element, int) or isinstance(element, bool):
        raise invalid(f"Invalid element id: {'' if element is None else element}")
    if not context.knows_element(element):
        raise invalid(f"Element id not found: {element}")
