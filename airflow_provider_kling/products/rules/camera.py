"""
Camera control: a ready-made move, or one of six movements.

Rules: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.fields import is_number
from airflow_provider_kling.products.formatting import did_you_mean, named, one_of, shown
from airflow_provider_kling.products.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

TYPES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
MOVEMENTS = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
LIMIT = 10


def camera(request: Request) -> Iterator[Problem]:
    """Type, and a config exactly when the type is simple."""
    if "camera_control" in request.body:
        yield from (Problem("camera_control", sentence) for sentence in _sentences(request.body["camera_control"]))


def _sentences(control: Any) -> Iterator[str]:
    if not isinstance(control, dict):
        yield (
            f"Give camera_control as an object {{'type': …}}: {named('camera_control', control)} is not an object; the "
            f"types are {one_of(TYPES)}."
        )
        return
    extra = sorted(str(key) for key in control.keys() - {"type", "config"})
    if extra:
        yield f"Give camera_control 'type' and 'config' only: it has unknown keys ({shown(', '.join(extra))})."
    kind = control.get("type")
    if kind not in TYPES:
        asked = did_you_mean(kind, TYPES)
        yield (
            f"Give camera_control another type: {named('camera_control.type', kind)} is unknown, Kling takes "
            f"{one_of(TYPES)}{asked}."
        )
    elif kind == "simple":
        yield from _config_sentences(control.get("config"))
    elif control.get("config") is not None:
        yield (
            "Leave camera_control.config out, or give the type 'simple': config belongs to that type only, and the "
            f"type is {kind!r}."
        )


def _config_sentences(config: Any) -> Iterator[str]:
    if not isinstance(config, dict):
        yield (
            f"Give camera_control.config one movement: {named('camera_control.config', config)}, and type 'simple' "
            f"needs a config with one of {one_of(MOVEMENTS)}, from -{LIMIT} to {LIMIT}."
        )
        return
    for name, value in config.items():
        place = f"camera_control.config.{shown(str(name))[1:-1]}"
        if name not in MOVEMENTS:
            asked = did_you_mean(name, MOVEMENTS)
            yield (
                f"Choose another movement for camera_control.config: {place} is unknown, Kling takes "
                f"{one_of(MOVEMENTS)}{asked}."
            )
        elif not is_number(value) or not -LIMIT <= value <= LIMIT:
            yield f"Give a number from -{LIMIT} to {LIMIT}: {named(place, value)} is out of range."
    moving = [name for name in MOVEMENTS if config.get(name)]
    if len(moving) != 1:
        found = one_of(moving, "and") if moving else "none"
        yield f"Choose one movement in camera_control.config: it moves {found}, Kling takes exactly one that is not 0."
