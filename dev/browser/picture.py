"""Pictures of pages, small enough to be committed: WebP, standing and moving."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

#: The moving picture is shown at half of a README's width.
FILM_WIDTH = 800
FILM_QUALITY = 55


def save(shot: bytes, file: Path) -> Path:
    """Write a picture under a name without ending, with all of its colours; returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    # Without loss this is half of a PNG. A palette of 256 colours tints the greys of a page and makes steps of a sky.
    written = file.with_suffix(".webp")
    picture.save(written, lossless=True)
    return written


class Animation:
    """Frames of a page, each with the time that it stands."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def add(self, page: Page, milliseconds: int) -> None:
        """Take the page as it is now; a frame equal to the one before only stands longer."""
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        height = round(picture.height * FILM_WIDTH / picture.width)
        small = picture.resize((FILM_WIDTH, height), Image.Resampling.LANCZOS)
        if self._frames and small.tobytes() == self._frames[-1].tobytes():
            self._milliseconds[-1] += milliseconds
            return
        self._frames.append(small)
        self._milliseconds.append(milliseconds)

    def save(self, file: Path) -> None:
        """Write an animated WebP that begins again at its end."""
        first, *others = self._frames
        first.save(
            file,
            save_all=True,
            append_images=others,
            duration=self._milliseconds,
            loop=0,
            quality=FILM_QUALITY,
            method=6,
            # Each frame by itself: between frames that hardly differ the encoder leaves shadows of the older one.
            kmin=0,
            kmax=1,
        )
