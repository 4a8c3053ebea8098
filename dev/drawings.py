"""
Draws inputs of the examples without rights of others: a figure and a jacket, a video of the figure, and a sound.
``make pictures`` creates them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from airflow_provider_kling.simulator.sound import make_sound
from airflow_provider_kling.simulator.video import make_video

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 720
#: Duration of the video and of the sound.
SECONDS = 4
#: Images are drawn larger and scaled down, because Pillow draws without antialiasing.
SCALE = 2
INK, WALL, STEEL, SHADE = "#22303c", "#dfe8ee", "#9fb4c3", "#7c94a6"
GLOW, WOOL, SEAM = "#ffd166", "#c8553d", "#8f3a2a"


def draw_images(folder: Path) -> None:
    """
    Write ``presenter.jpg`` and ``jacket.jpg``.

    :param folder: destination folder.
    """
    for name, draw in (("presenter", _presenter), ("jacket", _jacket)):
        picture = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), WALL)
        draw(_Pen(picture))
        picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(folder / f"{name}.jpg", quality=85)


def render_media(images: Path, folder: Path) -> None:
    """
    Write ``presenter.mp4`` and ``voice.mp3``.

    :param images: folder with the images of :func:`draw_images`.
    :param folder: destination folder.
    """
    recipe = {"prompt": "", "ratio": "", "short_side": SIDE, "fps": 12, "duration": SECONDS, "sound": False}
    picture = {"image": (images / "presenter.jpg").read_bytes()}
    (folder / "presenter.mp4").write_bytes(make_video(recipe, picture, watermark=False, small=False))
    (folder / "voice.mp3").write_bytes(make_sound({"seconds": SECONDS}, form="mp3"))


class _Pen:
    """Draws in the coordinates of the scaled image."""

    def __init__(self, picture: Image.Image) -> None:
        self._draw = ImageDraw.Draw(picture)

    def box(self, left: int, top: int, right: int, bottom: int, colour: str, *, round_by: int = 0) -> None:
        edges = [value * SCALE for value in (left, top, right, bottom)]
        self._draw.rounded_rectangle(edges, round_by * SCALE, colour, INK, 4 * SCALE)

    def dot(self, x: int, y: int, radius: int, colour: str) -> None:
        self._draw.circle((x * SCALE, y * SCALE), radius * SCALE, colour, INK, 4 * SCALE)

    def line(self, *points: tuple[int, int], width: int = 6, colour: str = INK) -> None:
        self._draw.line([(x * SCALE, y * SCALE) for x, y in points], colour, width * SCALE, "curve")

    def shape(self, *points: tuple[int, int], colour: str) -> None:
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.polygon(corners, colour, INK, 4 * SCALE)


def _presenter(pen: _Pen) -> None:
    """A robot from the waist up, facing the viewer."""
    pen.line((360, 120), (360, 60), width=8)
    pen.dot(360, 52, 16, GLOW)
    pen.box(300, 380, 420, 450, SHADE)
    pen.box(170, 430, 550, 760, STEEL, round_by=70)
    pen.box(200, 120, 520, 400, STEEL, round_by=60)
    pen.box(235, 165, 485, 365, "#33475b", round_by=40)
    for x in (300, 420):
        pen.dot(x, 235, 30, GLOW)
        pen.dot(x, 235, 10, INK)
    pen.box(300, 300, 420, 335, "#f4f1de", round_by=16)
    for x in (330, 360, 390):
        pen.line((x, 302), (x, 333), width=3)
    for x in (182, 538):
        pen.dot(x, 260, 26, SHADE)
    pen.dot(360, 560, 34, GLOW)
    pen.line((240, 520), (240, 720))
    pen.line((480, 520), (480, 720))


def _jacket(pen: _Pen) -> None:
    """A jacket, laid flat."""
    for side in (-1, 1):
        sleeve = [(100, 150), (300, 330), (250, 590), (165, 560), (200, 350), (130, 250)]
        pen.shape(*((360 + side * x, y) for x, y in sleeve), colour=WOOL)
    pen.box(220, 140, 500, 620, WOOL, round_by=30)
    pen.shape((290, 130), (430, 130), (360, 260), colour="#f4f1de")
    pen.line((360, 250), (360, 616), width=5)
    for y in (320, 400, 480, 560):
        pen.dot(378, y, 10, GLOW)
    for left in (245, 405):
        pen.box(left, 490, left + 70, 570, SEAM, round_by=8)
