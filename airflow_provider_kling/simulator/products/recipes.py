"""From checked values to what the maker of the result needs; plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

#: Characters that the simulated voice speaks in a second; a rule of this simulator.
SPEECH_RATE: Final = 15

Recipe = Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, Any]]


def images(values: Mapping[str, Any], media: Mapping[str, str]) -> dict[str, Any]:
    """One image, or ``n`` of them."""
    return {
        "prompt": "" if media else values.get("prompt") or "",
        "ratio": values.get("aspect_ratio") or "auto",
        "long_side": int((values.get("resolution") or "1k").removesuffix("k")) * 1024,
        "count": int(values.get("n") or 1),
    }


def speech(values: Mapping[str, Any], _media: Mapping[str, str]) -> dict[str, Any]:
    """A text that is read aloud."""
    seconds = len(values["text"]) / SPEECH_RATE / (values.get("voice_speed") or 1)
    return {"seconds": max(1.0, round(seconds, 1))}


RECIPES: Final[dict[str, Recipe]] = {"images": images, "speech": speech}
