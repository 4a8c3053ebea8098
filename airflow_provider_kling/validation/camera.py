"""
Camera control: a ready-made move, or one of six movements.

Rules: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.validation.problem import Problem
from airflow_provider_kling.validation.trajectories import is_number
from airflow_provider_kling.validation.wording import named, one_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.validation.problem import Request

TYPES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
MOVEMENTS = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
LIMIT = 10


def camera(request: Request) -> Iterator[Problem]:
    """Type, and a config exactly when the type is simple."""
    if "camera_control" in request.body:
        yield from (Problem("camera_control", flaw) for flaw in _flaws(request.body["camera_control"]))


def _flaws(control: Any) -> Iterator[str]:
    if not isinstance(control, dict):
        yield f"{named('camera_control', control)} is not an object; give {{'type': …}} with {one_of(TYPES)}."
        return
    extra = sorted(str(key) for key in control.keys() - {"type", "config"})
    if extra:
        yield f"camera_control has unknown keys ({shown(', '.join(extra))}); it takes 'type' and 'config' only."
    kind = control.get("type")
    if kind not in TYPES:
        yield f"{named('camera_control.type', kind)} is unknown; give {one_of(TYPES)}."
    elif kind == "simple":
        yield from _config_flaws(control.get("config"))
    elif control.get("config") is not None:
        yield f"camera_control.config belongs to type 'simple' only, and the type is {kind!r}; leave config out."


def _config_flaws(config: Any) -> Iterator[str]:
    if not isinstance(config, dict):
        yield (
            f"{named('camera_control.config', config)}: type 'simple' needs a config with one movement: "
            f"{one_of(MOVEMENTS)}, from -{LIMIT} to {LIMIT}."
        )
        return
    for name, value in config.items():
        place = f"camera_control.config.{shown(str(name))[1:-1]}"
        if name not in MOVEMENTS:
            yield f"{place} is unknown; give {one_of(MOVEMENTS)}."
        elif not is_number(value) or not -LIMIT <= value <= LIMIT:
            yield f"{named(place, value)} is out of range; give a number from -{LIMIT} to {LIMIT}."
    moving = [name for name in MOVEMENTS if config.get(name)]
    if len(moving) != 1:
        found = one_of(moving, "and") if moving else "none"
        yield f"camera_control.config moves {found}; Kling takes exactly one non-zero movement, choose one."
