"""
Fields that stand alone: their types and values.

Whether a *model* takes a mode or a duration is a matter of :mod:`airflow_provider_kling.products.capabilities`.
Values: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_kling.products import limits
from airflow_provider_kling.products.fields import is_number
from airflow_provider_kling.products.formatting import did_you_mean, joined, named, shown
from airflow_provider_kling.products.generations import serving_product
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.urls import url_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request


#: The beginning of a template of Airflow's, with some of what follows.
_TEMPLATE = re.compile(r"\{[{%].{0,40}", re.DOTALL)
#: What looks like proportions; which of them a model makes may not be known.
_RATIO = re.compile(r"[1-9][0-9]?:[1-9][0-9]?")


def shapes(request: Request) -> Iterator[Problem]:
    """Type and values of every field that stands alone."""
    for name, field in request.product.by_name.items():
        if name in request.body and field.shape and not field.shape.fits(request.body[name]):
            value = request.body[name]
            asked = did_you_mean(value, field.shape.words)
            sentence = f"{field.shape.advice}: {named(name, value)} {field.shape.problem}{asked}."
            if not (name == "aspect_ratio" and isinstance(value, str) and _RATIO.fullmatch(value)):
                yield Problem(name, sentence)
            elif value not in limits.extra_ratios(request.body):
                yield Problem(name, sentence, limits.severity(request.body))


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
    """Texts of at most as many characters as Kling takes."""
    for name, field in request.product.by_name.items():
        value = request.body.get(name)
        if not field.max_length or not isinstance(value, str):
            continue
        most = field.max_length
        if name == "prompt":
            most = limits.prompt_characters(request.product, request.body, most)
        if len(value) > most:
            yield _too_long(request, name, len(value), most)
        elif len(value) > field.max_length and limits.severity(request.body) == "error":
            sentence = f"Prefer {field.max_length} characters for {name}, as Kling does: it has {len(value)} of {most}."
            yield Problem(name, sentence, severity="warning")


def templates(request: Request) -> Iterator[Problem]:
    """Texts in which a template was left: a value that came from an XCom or a parameter is not rendered again."""
    for name, field in request.product.by_name.items():
        value = request.body.get(name)
        if field.max_length and isinstance(value, str) and (left := _TEMPLATE.search(value)):
            sentence = f"Render {name} before it is sent: it holds {shown(left[0])}, which Kling takes as it is."
            yield Problem(name, sentence, severity="warning")


def _too_long(request: Request, name: str, length: int, most: int) -> Problem:
    severity = limits.severity(request.body) if name == "prompt" else "error"
    taken = "Kling takes no more (it is never cut here)" if severity == "error" else "it is not known to take more"
    return Problem(name, f"Shorten {name} to {most} characters: it has {length}, {taken}.", severity=severity)


def required(request: Request) -> Iterator[Problem]:
    """What the product cannot do without."""
    for name in serving_product(request.product, request.body).required:
        if name not in request.body:
            yield Problem(name, f"Give {name}: it is missing, and {request.product.endpoint} needs it.")


def either(request: Request) -> Iterator[Problem]:
    """Of some fields exactly one."""
    names = request.product.either
    given = [name for name in names if name in request.body]
    if len(given) > 1:
        yield Problem(given[0], f"Keep one of {joined(names)}: {joined(given, 'and')} exclude each other.")
    if names and not given:
        yield Problem(names[0], f"Give {joined(names)}: {request.product.endpoint} needs one of them.")


def notice(request: Request) -> Iterator[Problem]:
    """What is known of a product that Kling has retired."""
    if request.product.notice:
        yield Problem("", request.product.notice, severity="warning")
