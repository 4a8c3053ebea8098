"""``python -m dev.site``: build the documentation and check its HTML; ``make docs`` runs it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

REPOSITORY = Path(__file__).parents[1]
HTML = REPOSITORY / "docs" / "_build" / "html"

# Pages that Sphinx generates.
GENERATED = {"genindex.html", "search.html", "py-modindex.html"}
# The theme shows "ERROR: Adding a table of contents" above every element of the class "contents".
BAD_CLASSES = {"system-message", "problematic", "error", "contents"}
MIN_ALT_CHARACTERS = 20
HEADINGS = {f"h{level}": level for level in range(1, 7)}


class Page(HTMLParser):
    """Links, anchors, pictures, headings, classes and text of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.links: list[str] = []
        self.anchors: Counter[str] = Counter()
        self.pictures: list[tuple[str, str]] = []
        self.headings: list[int] = []
        self.classes: set[str] = set()
        self.words: list[str] = []
        self._hidden = 0
        self._before = ""
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.classes |= set(values.get("class", "").split())
        self.anchors.update({values[name] for name in ("id", "name") if values.get(name) and tag != "meta"})
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "img":
            self.pictures.append((values["src"], values.get("alt", "")))
        # Inline SVG and video; the theme's icons are hidden from screen readers.
        if tag in {"svg", "video"} and self._before == "figure":
            self.pictures.append((values.get("src", ""), values.get("aria-label", "")))
        self._before = values.get("class", "")
        if tag in HEADINGS:
            self.headings.append(HEADINGS[tag])
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def build(folder: Path = HTML) -> Path:
    """
    Build all pages; a warning of Sphinx is an error.

    :param folder: destination of the pages; the parsed sources are kept beside it.
    :raises RuntimeError: with Sphinx's output.
    """
    # -E: tables are generated from the code; a cached page would keep old names.
    command = [sys.executable, "-m", "sphinx", "-qnWE", "-d", str(folder.with_name("trees")), "docs", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return folder


def pages(folder: Path) -> dict[Path, Page]:
    """Parse all pages except those that Sphinx generates."""
    files = (file for file in folder.rglob("*.html") if file.name not in GENERATED and "_static" not in file.parts)
    return {file.resolve(): Page(file.resolve()) for file in files}


def problems(folder: Path) -> list[str]:
    """Return the problems of the pages of a folder, one sentence each."""
    checked = pages(folder)
    found = []
    for page in checked.values():
        found += [
            f"{page.file.name}: {sentence}"
            for sentence in (*_markup_problems(page), *_link_problems(page, checked), *_picture_problems(page))
        ]
    return found


def _markup_problems(page: Page) -> list[str]:
    found = [f"shows an error to its reader (class {name})" for name in sorted(page.classes & BAD_CLASSES)]
    found += [f"has the id {name!r} {count} times" for name, count in page.anchors.items() if count > 1]
    skipped = [below for above, below in zip([0, *page.headings], page.headings, strict=False) if below > above + 1]
    return found + [f"has a heading h{level} without one above it" for level in skipped]


def _link_problems(page: Page, checked: dict[Path, Page]) -> list[str]:
    found = []
    for link in page.links:
        target, anchor = urldefrag(link)
        if urlsplit(target).scheme:
            continue
        where = (page.file.parent / unquote(target)).resolve() if target else page.file
        if not where.is_file() or (anchor and where in checked and unquote(anchor) not in checked[where].anchors):
            found.append(f"the link {link!r} leads nowhere")
    return found


def _picture_problems(page: Page) -> list[str]:
    found = [
        f"the picture {source or alt!r} says not what it shows"
        for source, alt in page.pictures
        if len(alt) < MIN_ALT_CHARACTERS
    ]
    here = page.file.parent
    return found + [
        f"the picture {source!r} is not there"
        for source, _ in page.pictures
        if source and not urlsplit(source).scheme and not (here / unquote(source)).is_file()
    ]


def main() -> int:
    """Build, check and print the problems; returns the exit status."""
    try:
        found = problems(build())
    except RuntimeError as error:
        found = [str(error)]
    print("\n".join(found) or f"{HTML.relative_to(REPOSITORY)}/index.html", file=sys.stderr if found else sys.stdout)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
