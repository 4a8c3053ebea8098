"""Draws twelve landscapes as example images: hills, a sky and a sun, identical on every machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

#: As large as the videos, so that these are sharp; drawn twice as large, for antialiasing.
SIZE = (1280, 720)
DRAWN_SIZE = (2 * SIZE[0], 2 * SIZE[1])
#: By name: upper and lower colour of the sky, colour of the sun, colours of the hills from far to near.
PALETTES = {
    "dawn": ("#5b6fb5", "#f6c5a8", "#fff1c9", ("#9d86a8", "#6d5f86", "#3c3a5a")),
    "noon": ("#3f8fd6", "#cfe9f7", "#fffbe0", ("#8fb98a", "#5f9a5c", "#38703f")),
    "dusk": ("#2f2a5e", "#ef7f5a", "#ffd37a", ("#8a4a66", "#5a2f54", "#2b1c3a")),
    "night": ("#05081f", "#27345e", "#e9eefc", ("#1d2a4d", "#141d38", "#0a1022")),
    "desert": ("#78b6d9", "#fbe3b6", "#ffffff", ("#e0ab6b", "#c5834a", "#8f5a34")),
    "sea": ("#86c5d8", "#e8f6f3", "#fff6d8", ("#5fa8b8", "#34839b", "#175a74")),
    "shore": ("#f4a6b8", "#fdebd3", "#fffaf0", ("#7fc3c4", "#3f9aa5", "#e3c894")),
    "snow": ("#9db8d9", "#eef4fa", "#fffdf2", ("#dfe8f2", "#b9cbdf", "#f7fafd")),
    "storm": ("#3a4350", "#8f9aa3", "#d9dfd6", ("#6c7a80", "#4a575e", "#2a3338")),
    "valley": ("#f2c94c", "#fdf3c7", "#ffffff", ("#c2cf73", "#8aa548", "#5b7a2f")),
    "volcano": ("#1f0d16", "#a32a1f", "#ffb347", ("#5a1a1a", "#3a1014", "#17080b")),
    "woods": ("#bfd8c2", "#f3f7e3", "#fff8d6", ("#7da68a", "#467a62", "#1f4a3f")),
}


def paint_all(folder: Path) -> list[Path]:
    """Write one JPEG for each palette; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_paint(folder / f"{name}.jpg", number) for number, name in enumerate(PALETTES)]


def _paint(file: Path, number: int) -> Path:
    above, below, sun, hills = PALETTES[file.stem]
    width, height = DRAWN_SIZE
    upper, lower = (Image.new("RGB", DRAWN_SIZE, colour) for colour in (above, below))
    picture = Image.composite(lower, upper, Image.linear_gradient("L").resize(DRAWN_SIZE))
    draw = ImageDraw.Draw(picture)
    # Of each half dozen the sun wanders from left to right.
    x, y, radius = width * (0.25 + 0.1 * (number % 6)), height * 0.38, height / 10.6
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], sun)
    for layer, colour in enumerate(hills):
        ridge = [(x, _ridge(x / width, layer, number) * height) for x in range(0, width + 8, 8)]
        draw.polygon([(0, height), *ridge, (width, height)], colour)
    picture.resize(SIZE, Image.Resampling.LANCZOS).save(file, quality=90)
    return file


def _ridge(x: float, layer: int, number: int) -> float:
    """Vertical position of the outline of a hill; a fraction of the height, as ``x`` is of the width."""
    wave = math.sin(x * (7 + 1.5 * layer) + 1.7 * number + layer) + 0.4 * math.sin(x * 20 + number)
    return 0.55 + 0.14 * layer - 0.061 * wave
