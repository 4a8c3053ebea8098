"""Marked areas as Kling shows them: a PNG, and runs of pixels in the compressed form that its page reads.

Nothing is recognized here: the area of a mark is a disc around it. Source of both forms: page of video editing of
https://klingai.com/document-api, with its code that reads the runs, as captured by a public client, read 2026-11.
"""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Radius of a disc, as a part of the short side; a rule of this simulator.
RADIUS: Final = 1 / 8

#: First and last row of a run in a column, the last excluded.
Run = tuple[int, int]


def mask(points: Sequence[dict[str, float]], *, width: int, height: int) -> dict[str, Any]:
    """The area around ``points``, which are parts of width and height from the top left."""
    columns = [_column(x, points, width, height) for x in range(width)]
    size = [height, width]
    return {
        "object_id": 0,
        "rle_mask": {"size": size, "counts": _compressed(_counts(columns, height))},
        "png_mask": {"size": size, "base64": _picture(columns, height)},
    }


def _column(x: int, points: Iterable[dict[str, float]], width: int, height: int) -> list[Run]:
    """The runs of one column that lie within a disc, from the top and apart from each other."""
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
    """How many pixels are outside, inside, outside and so on, column after column."""
    counts, at = [], 0
    for number, runs in enumerate(columns):
        for first, last in runs:
            counts += [number * height + first - at, last - first]
            at = number * height + last
    return [*counts, len(columns) * height - at]


def _compressed(counts: Sequence[int]) -> str:
    """Each count, less the one before the last of its kind, in characters of five bits and a sign."""
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
