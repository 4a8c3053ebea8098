"""Painted landscapes that stand in for photographs: hills, a sky and a sun, the same on every machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (640, 360)
#: Name to the sky's upper and lower colour, the sun's, and the hills' from far to near.
PALETTES = {
    "dawn": ("#5b6fb5", "#f6c5a8", "#fff1c9", ("#9d86a8", "#6d5f86", "#3c3a5a")),
    "noon": ("#3f8fd6", "#cfe9f7", "#fffbe0", ("#8fb98a", "#5f9a5c", "#38703f")),
    "dusk": ("#2f2a5e", "#ef7f5a", "#ffd37a", ("#8a4a66", "#5a2f54", "#2b1c3a")),
    "night": ("#05081f", "#27345e", "#e9eefc", ("#1d2a4d", "#141d38", "#0a1022")),
    "desert": ("#78b6d9", "#fbe3b6", "#ffffff", ("#e0ab6b", "#c5834a", "#8f5a34")),
    "sea": ("#86c5d8", "#e8f6f3", "#fff6d8", ("#5fa8b8", "#34839b", "#175a74")),
}


def paint_all(folder: Path) -> list[Path]:
    """Write one JPEG for each palette; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_paint(folder / f"{name}.jpg", number) for number, name in enumerate(PALETTES)]


def _paint(file: Path, number: int) -> Path:
    above, below, sun, hills = PALETTES[file.stem]
    width, height = SIZE
    upper, lower = (Image.new("RGB", SIZE, colour) for colour in (above, below))
    picture = Image.composite(lower, upper, Image.linear_gradient("L").resize(SIZE))
    draw = ImageDraw.Draw(picture)
    centre = (width * (0.25 + 0.1 * number), height * 0.38)
    draw.ellipse([centre[0] - 34, centre[1] - 34, centre[0] + 34, centre[1] + 34], sun)
    for layer, colour in enumerate(hills):
        ridge = [(x, _ridge(x, layer, number)) for x in range(0, width + 8, 8)]
        draw.polygon([(0, height), *ridge, (width, height)], colour)
    picture.save(file, quality=90)
    return file


def _ridge(x: int, layer: int, number: int) -> float:
    """The height of a hill's edge."""
    wave = math.sin(x / (90 - 14 * layer) + 1.7 * number + layer) + 0.4 * math.sin(x / 31 + number)
    return SIZE[1] * (0.55 + 0.14 * layer) - 22 * wave
