"""
Fields that stand alone: their types and values.

Whether a *model* takes a mode or a duration is a matter of :mod:`airflow_provider_kling.capabilities`.
Values: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.validation.problem import Problem
from airflow_provider_kling.validation.trajectories import is_number
from airflow_provider_kling.validation.wording import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kling.validation.problem import Request

#: Kling documents neither length nor characters of an external id; these are safe in every answer seen (2026-09).
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_PROMPT = 2500
ASPECT_RATIOS = ("16:9", "9:16", "1:1")

_HTTP_URL = re.compile(r"(?i)https?://[^\s/?#]+\S*")


class Shape(NamedTuple):
    """What a value must look like, and the sentence's end when it does not."""

    fits: Callable[[Any], bool]
    advice: str


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _watermark(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"enabled"} and isinstance(value["enabled"], bool)


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _among(*values: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in values


#: One row per field.
SHAPES = {
    "model_name": Shape(_text, "is not text; give a model such as 'kling-v3'."),
    "prompt": Shape(_text, "is not text; give the prompt as a string."),
    "negative_prompt": Shape(_text, "is not text; give the negative prompt as a string."),
    "mode": Shape(_text, "is not text; give 'std', 'pro' or '4k'."),
    "duration": Shape(
        _matches(re.compile(r"[0-9]{1,4}")), "is not a whole number of seconds; give '5' or '10', for example."
    ),
    "sound": Shape(_among("on", "off"), "is not a switch; give 'on' or 'off', or True or False."),
    "multi_shot": Shape(lambda value: isinstance(value, bool), "is not a switch; give True or False."),
    "shot_type": Shape(_among("customize", "intelligence"), "is unknown; give 'customize' or 'intelligence'."),
    "aspect_ratio": Shape(_among(*ASPECT_RATIOS), "is not offered; give '16:9', '9:16' or '1:1'."),
    "cfg_scale": Shape(is_number, "is not a number; give one from 0 to 1, Kling's default is 0.5."),
    "watermark_info": Shape(_watermark, "is not a switch; give True or False, or {'enabled': True}."),
    "callback_url": Shape(_matches(_HTTP_URL), "is not an http(s) URL; give an address that Kling can reach."),
    "external_task_id": Shape(
        _matches(EXTERNAL_ID), "is not a safe id; give 1 to 64 letters, digits, '_' or '-' (unique in the account)."
    ),
}


def shapes(request: Request) -> Iterator[Problem]:
    """Type and values of every field that stands alone."""
    for name, shape in SHAPES.items():
        if name in request.body and not shape.fits(request.body[name]):
            yield Problem(name, f"{named(name, request.body[name])} {shape.advice}")


def cfg_scale(request: Request) -> Iterator[Problem]:
    """From 0 to 1; other tools count differently."""
    value = request.body.get("cfg_scale", 0.5)
    if is_number(value) and not 0 <= value <= 1:
        yield Problem(
            "cfg_scale",
            f"{named('cfg_scale', value)} is out of range: Kling takes 0 to 1 (default 0.5; higher follows the prompt "
            "more). Values such as 7.0 come from the scale of diffusion tools like ComfyUI; give 0.7, for example.",
        )


def lengths(request: Request) -> Iterator[Problem]:
    """Prompts of at most 2500 characters."""
    for name in ("prompt", "negative_prompt"):
        value = request.body.get(name)
        if isinstance(value, str) and len(value) > MAX_PROMPT:
            yield Problem(
                name,
                f"{name} has {len(value)} characters; Kling takes {MAX_PROMPT} at most, shorten it (it is never cut).",
            )
