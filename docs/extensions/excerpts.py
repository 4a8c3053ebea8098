"""``literalinclude`` of a part of an example Dag says, and links, which example it is a part of."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.directives.code import LiteralInclude

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: The page that shows each example whole, by the heading that the links lead to.
GALLERY = "examples"


class Excerpt(LiteralInclude):
    """Code of a file. What is cut out of an example uses names that the example defines elsewhere."""

    def run(self) -> list[nodes.Node]:
        """Return the code, and below it the example's name."""
        file = PurePath(self.arguments[0])
        shown = super().run()
        is_a_part = file.parent.name == "example_dags" and "start-after" in self.options
        if not is_a_part or self.env.docname == GALLERY:
            return shown
        said = nodes.container(classes=["excerpt"])
        text = f"Part of the example :ref:`{file.stem} <{file.stem}>`."
        self.state.nested_parse(StringList([text], source=file.name), self.content_offset, said)
        return [*shown, said]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("literalinclude", Excerpt, override=True)
    return {"parallel_read_safe": True}
