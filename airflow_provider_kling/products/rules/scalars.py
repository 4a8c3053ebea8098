"""
Fields that stand alone: their types and values.

Whether a *model* takes a mode or a duration is a matter of :mod:`airflow_provider_kling.products.capabilities`.
Values: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.trajectories import is_number
from airflow_provider_kling.products.urls import url_problems
from airflow_provider_kling.products.wording import did_you_mean, named, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kling.products.problem import Request

#: Kling documents neither length nor characters of an external id; these are safe in every answer seen (2026-09).
EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_PROMPT = 2500
ASPECT_RATIOS = ("16:9", "9:16", "1:1")

SHOT_TYPES = ("customize", "intelligence")


class Shape(NamedTuple):
    """
    What a value must look like; when it does not: what to give instead, and what it is not.

    :param words: the words that it takes, to ask for the nearest one.
    """

    fits: Callable[[Any], bool]
    advice: str
    flaw: str
    words: tuple[str, ...] = ()


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
    "model_name": Shape(_text, "Give model_name as text, such as 'kling-v3'", "is not text"),
    "prompt": Shape(_text, "Give prompt as text", "is not text"),
    "negative_prompt": Shape(_text, "Give negative_prompt as text", "is not text"),
    "mode": Shape(_text, "Give mode as 'std', 'pro' or '4k'", "is not text"),
    "duration": Shape(
        _matches(re.compile(r"[0-9]{1,4}")),
        "Give duration in whole seconds, '5' or '10' for example",
        "is not a whole number of seconds",
    ),
    "sound": Shape(
        _among("on", "off"), "Give sound as 'on' or 'off', or as True or False", "is not a switch", ("on", "off")
    ),
    "multi_shot": Shape(lambda value: isinstance(value, bool), "Give multi_shot as True or False", "is not a switch"),
    "shot_type": Shape(_among(*SHOT_TYPES), f"Give shot_type as {one_of(SHOT_TYPES)}", "is unknown", SHOT_TYPES),
    "aspect_ratio": Shape(
        _among(*ASPECT_RATIOS), f"Give aspect_ratio as {one_of(ASPECT_RATIOS)}", "is not offered", ASPECT_RATIOS
    ),
    "cfg_scale": Shape(is_number, "Give cfg_scale as a number from 0 to 1", "is not a number, Kling's default is 0.5"),
    "watermark_info": Shape(
        _watermark, "Give watermark_info as True or False, or {'enabled': True}", "is not a switch"
    ),
    "callback_url": Shape(_text, "Give callback_url as an http(s) URL that Kling can open", "is not text"),
    "external_task_id": Shape(
        _matches(EXTERNAL_ID),
        "Give external_task_id as 1 to 64 letters, digits, '_' or '-'",
        "is not a safe id (it must be unique in the account)",
    ),
}


def shapes(request: Request) -> Iterator[Problem]:
    """Type and values of every field that stands alone."""
    for name, shape in SHAPES.items():
        if name in request.body and not shape.fits(request.body[name]):
            value = request.body[name]
            asked = did_you_mean(value, shape.words)
            yield Problem(name, f"{shape.advice}: {named(name, value)} {shape.flaw}{asked}.")


def callback_url(request: Request) -> Iterator[Problem]:
    """An address that Kling can open."""
    url = request.body.get("callback_url")
    if isinstance(url, str):
        yield from url_problems("callback_url", "callback_url", url)


def cfg_scale(request: Request) -> Iterator[Problem]:
    """From 0 to 1; other tools count differently."""
    value = request.body.get("cfg_scale", 0.5)
    if is_number(value) and not 0 <= value <= 1:
        yield Problem(
            "cfg_scale",
            f"Give cfg_scale as a number from 0 to 1, 0.7 for example: {named('cfg_scale', value)} is out of range. "
            "Kling's default is 0.5, higher follows the prompt more; values such as 7.0 come from the scale of "
            "diffusion tools like ComfyUI.",
        )


def lengths(request: Request) -> Iterator[Problem]:
    """Prompts of at most 2500 characters."""
    for name in ("prompt", "negative_prompt"):
        value = request.body.get(name)
        if isinstance(value, str) and len(value) > MAX_PROMPT:
            yield Problem(
                name,
                f"Shorten {name} to {MAX_PROMPT} characters: it has {len(value)}, Kling takes no more (it is never "
                "cut here).",
            )
