"""Pictures of pages, small enough to be committed: PNG with a palette, and a moving picture as animated WebP."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

#: A page of text has about 3,000 colours, one with a film 20,000.
TEXT_COLOURS = 8000
#: The moving picture is shown at half of a README's width.
FILM_WIDTH = 800
FILM_QUALITY = 55


def save_png(shot: bytes, file: Path) -> None:
    """Write a picture; a page of text gets a palette, which is a third of the bytes and looks the same."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    # A palette would make steps of a film's sky. This method keeps small spots, such as a red state among green ones.
    if picture.getcolors(TEXT_COLOURS):
        picture = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, optimize=True)


class Film:
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
