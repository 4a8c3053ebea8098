"""Marked areas in Kling's two formats: a PNG, and a compressed run-length encoding.

Nothing is recognized: a marked area is a disc around each point. Source of both formats: page of video editing of
https://klingai.com/document-api, with its code that decodes the runs, as captured by a public client, read 2026-11.
"""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Radius of a disc as a fraction of the short side; a choice of this simulator.
RADIUS: Final = 1 / 8

#: First and last row of a run in a column; the last is excluded.
Run = tuple[int, int]


def mask(points: Sequence[dict[str, float]], *, width: int, height: int) -> dict[str, Any]:
    """The area around ``points``, whose coordinates are fractions of width and height from the top left."""
    columns = [_column(x, points, width, height) for x in range(width)]
    size = [height, width]
    return {
        "object_id": 0,
        "rle_mask": {"size": size, "counts": _compressed(_counts(columns, height))},
        "png_mask": {"size": size, "base64": _picture(columns, height)},
    }


def _column(x: int, points: Iterable[dict[str, float]], width: int, height: int) -> list[Run]:
    """The runs of one column that lie within a disc, from top to bottom, merged where they overlap."""
    radius = min(width, height) * RADIUS
    halves = (
        (point["y"] * height, math.sqrt(radius**2 - (x - point["x"] * width) ** 2))
        for point in points
        if abs(x - point["x"] * width) < radius
    )
    runs: list[Run] = []
    for first, last in sorted((max(0, round(y - half)), min(height, round(y + half))) for y, half in halves):
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        elif first < last:
            runs.append((first, last))
    return runs


def _counts(columns: Sequence[Sequence[Run]], height: int) -> list[int]:
    """Numbers of pixels outside, inside, outside and so on, column by column."""
    counts, at = [], 0
    for number, runs in enumerate(columns):
        for first, last in runs:
            counts += [number * height + first - at, last - first]
            at = number * height + last
    return [*counts, len(columns) * height - at]


def _compressed(counts: Sequence[int]) -> str:
    """The counts as text: each minus the one two places before it, in characters of 5 bits and a continuation bit."""
    text = ""
    for index, count in enumerate(counts):
        rest = count - (counts[index - 2] if index > 2 else 0)
        more = True
        while more:
            bits, rest = rest & 0x1F, rest >> 5
            more = rest != (-1 if bits & 0x10 else 0)
            text += chr(48 + bits + (0x20 if more else 0))
    return text


def _picture(columns: Sequence[Sequence[Run]], height: int) -> str:
    picture = Image.new("L", (len(columns), height))
    draw = ImageDraw.Draw(picture)
    for x, runs in enumerate(columns):
        for first, last in runs:
            draw.line((x, first, x, last - 1), fill=255)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
