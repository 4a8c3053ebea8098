"""Saves screenshots and animations as WebP files that are small enough to be committed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

#: Width of the animation in pixels.
ANIMATION_WIDTH = 800
ANIMATION_QUALITY = 55

#: Radius of a dialog's corners in pixels; outside of them the dimmed page is visible.
CORNER = 6


def shoot(page: Page, *shown: Locator, margin: int = -CORNER) -> bytes:
    """
    Take a screenshot of the window, or of some elements in it; returns it as PNG.

    :param page: the open page.
    :param shown: elements; the screenshot is the smallest rectangle around all of them.
    :param margin: pixels added at each edge of the rectangle; negative to crop it.
    """
    if not shown:
        return bytes(page.screenshot())
    boxes = [box for one in shown if (box := one.bounding_box())]
    left, top = (min(box[name] for box in boxes) - margin for name in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + margin
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return bytes(page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": bottom - top}))


def save(shot: bytes, file: Path) -> Path:
    """Save a screenshot as lossless WebP; ``file`` has no extension. Returns the path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    # Half the size of a PNG. A palette of 256 colours would change greys and gradients visibly.
    written = file.with_suffix(".webp")
    picture.save(written, lossless=True)
    return written


class Animation:
    """Frames of a page, each with its duration."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def add(self, page: Page, milliseconds: int) -> None:
        """Add the page as it is now; a frame equal to the previous one only extends its duration."""
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        height = round(picture.height * ANIMATION_WIDTH / picture.width)
        small = picture.resize((ANIMATION_WIDTH, height), Image.Resampling.LANCZOS)
        if self._frames and small.tobytes() == self._frames[-1].tobytes():
            self._milliseconds[-1] += milliseconds
            return
        self._frames.append(small)
        self._milliseconds.append(milliseconds)

    def save(self, file: Path) -> None:
        """Write an animated WebP that loops."""
        first, *others = self._frames
        first.save(
            file,
            save_all=True,
            append_images=others,
            duration=self._milliseconds,
            loop=0,
            quality=ANIMATION_QUALITY,
            method=6,
            # Key frames only: otherwise similar frames keep artefacts of the previous one.
            kmin=0,
            kmax=1,
        )
