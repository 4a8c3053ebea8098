"""
Boxes and arrows as SVG, from a short description of them.

The colours are classes, and ``_static/pages.css`` takes them from the theme: a drawing is right in light and dark.
Widths are for a phone: a drawing that is 480 wide can be read on one of 390 pixels.
"""

from __future__ import annotations

import dataclasses
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LINE = 17
PADDING = 9

Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Box:
    """
    One box.

    :param x: left edge.
    :param y: upper edge.
    :param width: its width.
    :param text: what stands in it, a line for each line.
    :param kind: class for its colours.
    :param link: where a click leads.
    """

    x: float
    y: float
    width: float
    text: str
    kind: str = "step"
    link: str = ""

    @property
    def height(self) -> float:
        """Its height, as its lines need it."""
        return LINE * len(self.text.splitlines()) + 2 * PADDING

    def side(self, name: str) -> Point:
        """Return the middle of a side: ``top``, ``bottom``, ``left``, ``right``; ``bottom+40`` is 40 farther right."""
        name, _, shift = name.replace("-", "+-").partition("+")
        by = float(shift or 0)
        middle_x, middle_y = self.x + self.width / 2, self.y + self.height / 2
        return {
            "top": (middle_x + by, self.y),
            "bottom": (middle_x + by, self.y + self.height),
            "left": (self.x, middle_y + by),
            "right": (self.x + self.width, middle_y + by),
        }[name]

    def svg(self) -> Iterator[str]:
        """Return the box and its words."""
        middle = self.x + self.width / 2
        lines = "".join(
            f'<tspan x="{middle:g}" y="{self.y + PADDING + LINE * (row + 0.78):g}">{escape(line)}</tspan>'
            for row, line in enumerate(self.text.splitlines())
        )
        shape = f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}" rx="6"/>'
        inside = f"{shape}<text>{lines}</text>"
        yield f'<g class="{self.kind}">{self._linked(inside)}</g>'

    def _linked(self, inside: str) -> str:
        return f'<a href="{escape(self.link)}">{inside}</a>' if self.link else inside


def drawing(boxes: Mapping[str, Box], arrows: list[Mapping[str, Any]], size: Point, alt: str, name: str) -> str:
    """
    Return a whole drawing.

    :param boxes: the boxes, by name.
    :param arrows: ``from`` and ``to`` are a box and its side (``post.bottom``), ``label`` the words beside the line,
        ``at`` where they stand, ``anchor`` how, ``via`` corners on the way, ``kind`` a class.
    :param size: width and height.
    :param alt: what it shows, in words.
    :param name: a name for its arrow heads, once in a page.
    """
    width, height = size
    yields = [
        f'<svg class="drawing" role="img" aria-label="{escape(alt)}" viewBox="0 0 {width:g} {height:g}" '
        f'xmlns="http://www.w3.org/2000/svg">',
        f'<defs><marker id="{name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>',
    ]
    for arrow in arrows:
        yields += _arrow(boxes, arrow, name)
    for box in boxes.values():
        yields += box.svg()
    for arrow in arrows:
        yields += _label(boxes, arrow)
    return "".join([*yields, "</svg>"])


def _points(boxes: Mapping[str, Box], arrow: Mapping[str, Any]) -> list[Point]:
    ends = []
    for end in (arrow["from"], arrow["to"]):
        box, side = end.rsplit(".", 1)
        ends.append(boxes[box].side(side))
    return [ends[0], *(tuple(point) for point in arrow.get("via", ())), ends[1]]


def _arrow(boxes: Mapping[str, Box], arrow: Mapping[str, Any], name: str) -> Iterator[str]:
    way = " ".join(f"{x:g},{y:g}" for x, y in _points(boxes, arrow))
    kind = arrow.get("kind", "way")
    start = f' marker-start="url(#{name}-head)"' if kind == "both" else ""
    yield f'<polyline class="arrow {kind}" points="{way}"{start} marker-end="url(#{name}-head)"/>'


def _label(boxes: Mapping[str, Box], arrow: Mapping[str, Any]) -> Iterator[str]:
    if not arrow.get("label"):
        return
    points = _points(boxes, arrow)
    middle = ((points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2)
    x, y = arrow.get("at", middle)
    for row, line in enumerate(str(arrow["label"]).splitlines()):
        anchor = f' style="text-anchor: {arrow["anchor"]}"' if "anchor" in arrow else ""
        yield f'<text class="label"{anchor} x="{x:g}" y="{y + 4 + row * 15:g}">{escape(line)}</text>'
