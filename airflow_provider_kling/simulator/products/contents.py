"""``contents[]`` of the new generation: one item for each input.

Observed texts: an empty or missing list, another type than a list, an unknown type of item, a blank prompt or URL, a
missing first frame, a video that is no URL, an unknown element and one without an id. The others were not observed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.validation import (
    MAX_LARGE_IMAGE_BYTES,
    bad,
    is_url,
    typed,
    url_or_base64,
    without_prefix,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.validation import Body

IMAGES: Final = frozenset({"first_frame", "last_frame", "refer_image", "image"})
VIDEOS: Final = frozenset({"feature_video", "base_video", "video"})


@dataclass
class Contents:
    """The items, sorted.

    :param prompt: the words.
    :param roles: places of the items in the body, by their type, such as ``contents[1]``.
    :param media: URL or base64 by role.
    :param kinds: kind of each of ``media``.
    """

    prompt: str = ""
    roles: dict[str, list[str]] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def count(self, *types: str) -> int:
        """How many items there are of these types."""
        return sum(len(self.roles.get(kind, [])) for kind in types)

    def first(self, *types: str) -> str:
        """The role of the first item of the first of these types that is there."""
        return next((self.roles[kind][0] for kind in types if kind in self.roles), "")


def read_contents(body: Body, row: Mapping[str, Any], context: Context) -> Contents:
    """Check ``body["contents"]``.

    :raises KlingError: 1201.
    """
    items = typed(body, "contents", list, [])
    if not items:
        raise bad("contents cannot be empty")
    read = Contents()
    for index, item in enumerate(items):
        _take(item, f"contents[{index}]", row, read, context)
    for kind in row.get("required", ()):
        if not read.count(kind):
            raise bad(f"content item of type '{kind}' is required")
    if read.count("last_frame") and not read.count("first_frame"):
        raise bad("content item of type 'first_frame' is required")
    for kind, most in row["contents"].items():
        if read.count(kind) > most:
            raise bad(f"content items of type '{kind}' cannot exceed {most}")
    return read


def _take(item: Any, role: str, row: Mapping[str, Any], read: Contents, context: Context) -> None:
    if not isinstance(item, dict):
        raise bad(f"{role} value type is invalid, expected object")
    kind = typed(item, "type", str, "", label=f"{role}.type")
    if kind in row.get("ignored", ()):
        return
    if kind not in row["contents"]:
        raise bad(f"{role}.type value '{kind}' is invalid")
    read.roles.setdefault(kind, []).append(role)
    if kind == "prompt":
        read.prompt = _prompt(item, row["prompt"], role)
    elif kind == "element":
        _check_element(item, context)
    elif kind == "voice":
        if not typed(item, "voice_id", str, label=f"{role}.voice_id"):
            raise bad("Voice id not found")
    else:
        read.media[role] = _url(item, kind, role, takes_data_uris=context.takes_data_uris)
        read.kinds[role] = "video" if kind in VIDEOS else "large_image"


def _prompt(item: Body, longest: int, role: str) -> str:
    words: str = typed(item, "text", str, "", label=f"{role}.text")
    if not words.strip():
        raise bad("content item of type 'prompt' must have non-blank text")
    if len(words) > longest:
        raise bad(f"{role}.text length must be less than or equal to {longest}")
    return words


def _url(item: Body, kind: str, role: str, *, takes_data_uris: bool) -> str:
    label = f"{role}.url"
    if not typed(item, "url", str, "", label=label).strip():
        raise bad(f"content item of type '{kind}' must have a non-blank url")
    if kind in VIDEOS:
        if not is_url(item["url"]):
            raise bad("Video URL is invalid")
        return str(item["url"])
    given = {"url": without_prefix(item["url"])} if takes_data_uris else item
    return url_or_base64(given, "url", label=label, limit=MAX_LARGE_IMAGE_BYTES) or ""


def _check_element(item: Body, context: Context) -> None:
    element = context.numbered(item.get("element_id"))
    if not isinstance(element, int) or isinstance(element, bool):
        raise bad(f"Invalid element id: {'' if element is None else element}")
    if not context.knows_element(element):
        raise bad(f"Element id not found: {element}")
