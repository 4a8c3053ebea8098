"""
Tables and long names on a phone.

Each row of a table becomes a block, and in wide tables each cell says which column it is of: the words of the columns
are put into ``data-label`` of the cells, and ``_static/pages.css`` shows them where it is narrow. The words of the
first column, of both in a table of two, stand above the rows. Names such as ``KlingImageToVideoOperator`` may be broken
between their words, not within one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: In tables of two columns the line above the rows says what both are.
FEWEST_LABELLED = 3

#: Where the next word of a name begins.
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[a-z0-9]_)(?=[a-z])|(?<=[a-z]/)(?=[a-z])")

#: Text, of what is written: what stands outside of tags.
OUTSIDE = re.compile(r"(?:(?<=>)|^)[^<>]+")


class NarrowTranslator(HTML5Translator):
    """Writes the label of a cell as an attribute, and says where a name may be broken."""

    def visit_Text(self, node: nodes.Text) -> None:  # noqa: N802 - the name is Docutils'
        """Add a possible break before each word of a name."""
        before = len(self.body)
        super().visit_Text(node)
        self.body[before:] = [OUTSIDE.sub(lambda text: WORD.sub("<wbr>", text[0]), part) for part in self.body[before:]]

    def starttag(self, node: nodes.Element, tagname: str, *arguments: Any, **attributes: Any) -> str:
        """Add ``data-label`` to cells that have one."""
        if tagname == "td" and node.get("label"):
            attributes["data-label"] = node["label"]
        return super().starttag(node, tagname, *arguments, **attributes)


class LabelCells(SphinxPostTransform):
    """Lets tables stack, and tells each cell of a wide one the words above it."""

    default_priority = 900

    def run(self, **_options: Any) -> None:
        """Go through all tables."""
        for table in self.document.findall(nodes.tgroup):
            head = next(table.findall(nodes.thead), None)
            if head is None:
                continue
            table.parent["classes"].append("stacks")
            if table["cols"] < FEWEST_LABELLED:
                table.parent["classes"].append("pairs")
                continue
            labels = [entry.astext() for entry in next(head.findall(nodes.row)).children]
            for row in next(table.findall(nodes.tbody)).children:
                for label, entry in zip(labels, row.children, strict=True):
                    entry["label"] = label


def setup(app: Sphinx) -> dict[str, bool]:
    """Add both."""
    app.add_post_transform(LabelCells)
    app.set_translator("html", NarrowTranslator)
    return {"parallel_read_safe": True}
