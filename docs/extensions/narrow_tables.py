"""
Tables on a phone: each row becomes a block, and each cell says which column it is of.

The words of the columns are put into ``data-label`` of the cells; ``_static/pages.css`` shows them where it is narrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Tables of two columns fit on a phone as they are.
FEWEST_COLUMNS = 3


class LabelledTranslator(HTML5Translator):
    """Writes the label of a cell as an attribute."""

    def starttag(self, node: nodes.Element, tagname: str, *arguments: Any, **attributes: Any) -> str:
        """Add ``data-label`` to cells that have one."""
        if tagname == "td" and node.get("label"):
            attributes["data-label"] = node["label"]
        return super().starttag(node, tagname, *arguments, **attributes)


class LabelCells(SphinxPostTransform):
    """Tells each cell of a wide table the words above it."""

    default_priority = 900

    def run(self, **_options: Any) -> None:
        """Go through all tables."""
        for table in self.document.findall(nodes.tgroup):
            if table["cols"] < FEWEST_COLUMNS or not (head := next(table.findall(nodes.thead), None)):
                continue
            table.parent["classes"].append("stacks")
            labels = [entry.astext() for entry in next(head.findall(nodes.row)).children]
            for row in next(table.findall(nodes.tbody)).children:
                for label, entry in zip(labels, row.children, strict=True):
                    entry["label"] = label


def setup(app: Sphinx) -> dict[str, bool]:
    """Add both."""
    app.add_post_transform(LabelCells)
    app.set_translator("html", LabelledTranslator)
    return {"parallel_read_safe": True}
