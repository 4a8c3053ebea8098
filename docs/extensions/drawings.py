"""``.. drawing:: name``: the boxes and arrows of ``drawings/<name>.yaml``, in the page itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive

from .svg import Box, drawing

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = Path(__file__).parents[1] / "drawings"


class Drawing(Directive):
    """A drawing of a file; its ``alt`` says in words what it shows."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as SVG; builders other than HTML have the words."""
        name = self.arguments[0]
        file = FOLDER / f"{name}.yaml"
        self.state.document.settings.record_dependencies.add(str(file))
        told: dict[str, Any] = yaml.safe_load(file.read_text())
        boxes = {key: _box(**box) for key, box in told["boxes"].items()}
        return inline(drawing(boxes, told["arrows"], told["size"], told["alt"], name), told["alt"])


def _box(at: list[float], width: float, text: str, kind: str = "step") -> Box:
    return Box(*at, width, text, kind)


def inline(svg: str, alt: str) -> list[nodes.Node]:
    """Return a picture that stands in the page itself, and its words for what shows no pictures."""
    page = nodes.raw("", f'<div class="figure">{svg}</div>', format="html")
    words = nodes.raw("", alt, format="text man texinfo latex")
    return [page, words]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("drawing", Drawing)
    return {"parallel_read_safe": True}
