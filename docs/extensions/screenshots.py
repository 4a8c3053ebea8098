"""
``.. screenshot:: tab``: a picture that ``make screenshots`` makes, where it has been made; in it stands what it shows.

A page says where a picture serves, and is complete without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .tables import Made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
#: Where pictures of Airflow's pages are, and the moving one.
PLACES = ("_static/screenshots/{}.webp", "_static/{}.webp")


class Screenshot(Made):
    """A picture of Airflow's pages; its content says in words what it shows."""

    required_arguments = 1
    has_content = True

    def lines(self) -> Iterator[str]:
        """Return the picture, or nothing."""
        self.assert_has_content()
        for place in PLACES:
            name = place.format(self.arguments[0])
            self.state.document.settings.record_dependencies.add(str(DOCS / name))
            if (DOCS / name).is_file():
                yield from (f".. image:: {name}", f"    :alt: {' '.join(self.content)}", "    :class: screenshot", "")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("screenshot", Screenshot)
    return {"parallel_read_safe": True}
