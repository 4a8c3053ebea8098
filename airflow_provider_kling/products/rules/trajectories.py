"""
Paths of the motion brush: turned into pixels, and checked.

Kling takes 2 to 77 whole pixels, counted from the **bottom-left** corner of the image; their order is the time
(Image to Video page of https://kling.ai/document-api, classic API, read 2026-10).

Some clients write normalised points ``{x, y, t}`` from 0 to 1 instead. They are read with Kling's own origin,
bottom-left, because a client that changes the unit need not change the axes; ``prepare`` warns, so that nobody pays for
a path that is upside down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.convert import FieldEncodingError
from airflow_provider_kling.products.fields import is_number
from airflow_provider_kling.products.formatting import counted, shown
from airflow_provider_kling.products.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.image_header import ImageHeader

MIN_POINTS, MAX_POINTS = 2, 77


class TrajectoryError(FieldEncodingError):
    """A path cannot be put into pixels. Internal."""


def is_normalised(points: Any) -> bool:
    """Whether every point lies in 0 to 1 and something shows that pixels are not meant: a fraction, or a time."""
    if not isinstance(points, list) or not points:
        return False
    if not all(
        isinstance(point, dict) and _is_in_unit_range(point.get("x")) and _is_in_unit_range(point.get("y"))
        for point in points
    ):
        return False
    return any("t" in point or not isinstance(point["x"] + point["y"], int) for point in points)


def _is_in_unit_range(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def to_pixels(points: Any, header: ImageHeader | None) -> Any:
    """
    A path as Kling takes it: in the order of time, without times, in whole pixels.

    :param header: the image's header; None when its size is not known.
    :raises TrajectoryError: times contradict each other, or the size is needed and not known.
    """
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        return points
    normalised = is_normalised(points)
    points = _sort_by_time(points)
    if not normalised:
        return [{key: _to_int(value) for key, value in point.items()} for point in points]
    if header is None:
        raise TrajectoryError(
            "Give the image as a file, or whole pixels",
            "has normalised points (0 to 1), and the size of the image is not known (a URL is not downloaded); pixels "
            "count from the bottom-left corner",
        )
    width, height = header.width - 1, header.height - 1
    return [{"x": round(point["x"] * width), "y": round(point["y"] * height)} for point in points]


def _to_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sort_by_time(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    times = [point["t"] for point in points if "t" in point]
    if not times:
        return points
    if len(times) != len(points) or not all(is_number(time) for time in times):
        raise TrajectoryError(
            "Give every point a time t, or none", "has a time t on some points only, or one that is not a number"
        )
    if len(set(times)) != len(times):
        raise TrajectoryError("Give every point its own time t, or leave t out", "has two points with the same time t")
    ordered = sorted(points, key=lambda point: point["t"])
    return [{key: value for key, value in point.items() if key != "t"} for point in ordered]


def check_trajectory(place: str, points: Any, header: ImageHeader | None) -> Iterator[Problem]:
    """
    Check one path in pixels.

    :param place: for example ``dynamic_masks[0].trajectories``.
    :param header: the image's header, or None.
    """
    if not isinstance(points, list):
        yield _problem(
            f"Give {place} as a list of points: {place}={shown(points)} is not a list; Kling takes {MIN_POINTS} to "
            f"{MAX_POINTS} points {{x, y}}."
        )
        return
    if not MIN_POINTS <= len(points) <= MAX_POINTS:
        yield _problem(f"Give {place} {MIN_POINTS} to {MAX_POINTS} points: it has {counted(len(points), 'point')}.")
    for index, point in enumerate(points):
        problem = _point_problem(point, header)
        if problem:
            where = f"{place}[{index}]"
            yield _problem(f"Correct {where}: {where}={_format_point(point)} {problem}")
            return  # one wrong point stands for all of them


def _point_problem(point: Any, header: ImageHeader | None) -> str:
    if not isinstance(point, dict) or set(point) != {"x", "y"}:
        return "is not a point; give exactly {x, y}, in pixels from the bottom-left corner of the image."
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in point.values()):
        return "is not in whole pixels; give integers, from the bottom-left corner of the image."
    if header and not (0 <= point["x"] <= header.width and 0 <= point["y"] <= header.height):
        return (
            f"lies outside the image of {header.width}x{header.height} pixels; give pixels from its bottom-left corner."
        )
    return "" if min(point.values()) >= 0 else "is negative; give pixels from the bottom-left corner of the image."


def _format_point(point: Any) -> str:
    if not isinstance(point, dict):
        return shown(point)
    return "{" + ", ".join(f"{shown(str(key))[1:-1]}: {shown(value)}" for key, value in list(point.items())[:3]) + "}"


def _problem(sentence: str) -> Problem:
    return Problem("dynamic_masks", sentence)
