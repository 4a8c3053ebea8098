"""``.. architecture::``: packages and modules of the code and what they import, read from the code itself."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grimp

from .drawings import inline
from .svg import LINE, PADDING, Box, drawing
from .tables import Made, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils import nodes
    from sphinx.application import Sphinx

ROOT = "airflow_provider_kling"
REPOSITORY = Path(__file__).parents[2]

WIDTH = 480
BOX, GAP, ROW = 118, 9, 66
#: Ways past a row go down in lanes beside the boxes.
LANE = 7

Edges = Counter[tuple[str, str]]


def rows() -> list[list[str]]:
    """Return the layers that ``make lint`` checks, from what starts to what everybody may import."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [layer.replace("(", "").replace(")", "").split(" | ") for layer in layers]


def imports() -> Edges:
    """Return how many imports lead from one package to another."""
    graph = grimp.build_graph(ROOT, cache_dir=None)
    edges: Edges = Counter()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            ends = [name.split(".")[1] if "." in name else "" for name in (module, other)]
            if all(ends) and ends[0] != ends[1]:
                edges[ends[0], ends[1]] += 1
    return edges


def essential(edges: Edges) -> list[tuple[str, str]]:
    """Return the arrows without which something could not be reached: the others follow from them."""
    following: dict[str, set[str]] = {}
    for start, end in edges:
        following.setdefault(start, set()).add(end)

    def reached(start: str, past: str) -> set[str]:
        seen: set[str] = set()
        to_see = [name for name in following.get(start, ()) if name != past]
        while to_see:
            name = to_see.pop()
            if name not in seen:
                seen.add(name)
                to_see += following.get(name, ())
        return seen

    return sorted((start, end) for start, end in edges if end not in reached(start, end))


def picture(layers: list[list[str]], edges: Edges) -> str:
    """Return the layers as rows of boxes, with the essential imports as arrows."""
    boxes, row_of = {}, {}
    for number, layer in enumerate(layers):
        left = (WIDTH - len(layer) * (BOX + GAP) + GAP) / 2
        for place, name in enumerate(layer):
            boxes[name] = Box(left + place * (BOX + GAP), 4 + number * ROW, BOX, name)
            row_of[name] = number
    arrows: list[dict[str, Any]] = []
    lanes = [0, 0]
    for start, end in essential(edges):
        if start not in boxes or end not in boxes:
            continue
        arrow: dict[str, Any] = {"from": f"{start}.bottom", "to": f"{end}.top", "kind": "way"}
        if row_of[end] - row_of[start] > 1:
            right = boxes[start].x + BOX / 2 > WIDTH / 2 or lanes[0] > lanes[1]
            lanes[right] += 1
            out = LANE * lanes[right]
            x = WIDTH - out if right else out
            below = boxes[start].y + boxes[start].height
            arrow["kind"] = "far"
            arrow["via"] = _corners(boxes[start], boxes[end], x, below + 7, boxes[end].y - 13)
        arrows.append(arrow)
    height = len(layers) * ROW - ROW + LINE + 2 * PADDING + 8
    return drawing(boxes, arrows, (WIDTH, height), words(layers), "architecture")


def _corners(start: Box, end: Box, x: float, first: float, last: float) -> list[tuple[float, float]]:
    return [(start.side("bottom")[0], first), (x, first), (x, last), (end.side("top")[0], last)]


def words(layers: list[list[str]]) -> str:
    """Say what the picture shows."""
    told = ", then ".join(" and ".join(layer) for layer in layers)
    return f"The layers of the package, from top to bottom: {told}. Arrows lead from what imports to what is imported."


def purpose(name: str) -> str:
    """Return the first sentence of a package's docstring."""
    folder = REPOSITORY / ROOT / name
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return re.sub(r":\w+:`~?([^`]+)`", r"``\1``", " ".join(docstring.split("\n\n")[0].split())).removesuffix(" Pure.")


class Architecture(Made):
    """The picture, and the same as a table."""

    def run(self) -> list[nodes.Node]:
        """Return both."""
        layers, edges = rows(), imports()
        return [*inline(picture(layers, edges), words(layers)), *super().run()]

    def lines(self) -> Iterator[str]:
        """Return the table."""
        layers, edges = rows(), imports()
        told = []
        for name in (name for layer in layers for name in layer):
            used = sorted(end for start, end in edges if start == name)
            told.append((f"``{name}``", purpose(name), ", ".join(f"``{end}``" for end in used) or "nothing"))
        yield from table_lines(("Package", "What it is for", "Imports"), "20 45 35", told)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("architecture", Architecture)
    return {"parallel_read_safe": True}
