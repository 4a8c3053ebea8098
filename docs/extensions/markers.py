"""Leaves the marks ``# [START ...]`` and ``# [END ...]`` out of example Dags that are shown as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARK = re.compile(r"^ *# \[(START|END) \w+\]\n", re.MULTILINE)


class WithoutMarks(SphinxTransform):
    """Goes through all code."""

    default_priority = 500

    def apply(self, **_options: Any) -> None:
        """Rewrite those that have marks."""
        for block in self.document.findall(nodes.literal_block):
            code = block.astext()
            if MARK.search(code):
                block.rawsource = MARK.sub("", code)
                block.children = [nodes.Text(block.rawsource)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform."""
    app.add_transform(WithoutMarks)
    return {"parallel_read_safe": True}
