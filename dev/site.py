"""``python -m dev.site``: build the documentation, and look for what no reader should meet; ``make docs`` runs it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

REPOSITORY = Path(__file__).parents[1]
HTML = REPOSITORY / "docs" / "_build" / "html"

# Pages that Sphinx makes by itself.
OWN = {"genindex.html", "search.html", "py-modindex.html"}
# The theme draws its own box, "ERROR: Adding a table of contents", above everything of the class "contents".
BAD_CLASSES = {"system-message", "problematic", "error", "contents"}
SHORTEST_ALT = 20
HEADINGS = {f"h{level}": level for level in range(1, 7)}


class Page(HTMLParser):
    """Links, anchors, pictures, headings, classes and words of one page."""

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
        # A picture that stands in the page itself; the theme's own small ones are hidden from readers of words.
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

    :param folder: where the pages go; the parsed sources are kept beside it.
    :raises RuntimeError: with Sphinx's words.
    """
    # -E: tables are made of the code, and a page that was read before its code changed would keep the old names.
    command = [sys.executable, "-m", "sphinx", "-qnWE", "-d", str(folder.with_name("trees")), "docs", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    return folder


def pages(folder: Path) -> dict[Path, Page]:
    """Read all pages that somebody wrote."""
    files = (file for file in folder.rglob("*.html") if file.name not in OWN and "_static" not in file.parts)
    return {file.resolve(): Page(file.resolve()) for file in files}


def problems(folder: Path) -> list[str]:
    """Name everything that is wrong with the pages of a folder, a sentence each."""
    found = pages(folder)
    told = []
    for page in found.values():
        told += [f"{page.file.name}: {sentence}" for sentence in (*_shown(page), *_dead(page, found), *_blind(page))]
    return told


def _shown(page: Page) -> list[str]:
    told = [f"shows an error to its reader (class {name})" for name in sorted(page.classes & BAD_CLASSES)]
    told += [f"has the id {name!r} {count} times" for name, count in page.anchors.items() if count > 1]
    skipped = [below for above, below in zip([0, *page.headings], page.headings, strict=False) if below > above + 1]
    return told + [f"has a heading h{level} without one above it" for level in skipped]


def _dead(page: Page, found: dict[Path, Page]) -> list[str]:
    told = []
    for link in page.links:
        target, anchor = urldefrag(link)
        if urlsplit(target).scheme:
            continue
        where = (page.file.parent / unquote(target)).resolve() if target else page.file
        if not where.is_file() or (anchor and where in found and unquote(anchor) not in found[where].anchors):
            told.append(f"the link {link!r} leads nowhere")
    return told


def _blind(page: Page) -> list[str]:
    told = [
        f"the picture {source or alt!r} says not what it shows"
        for source, alt in page.pictures
        if len(alt) < SHORTEST_ALT
    ]
    here = page.file.parent
    return told + [
        f"the picture {source!r} is not there"
        for source, _ in page.pictures
        if source and not urlsplit(source).scheme and not (here / unquote(source)).is_file()
    ]


def main() -> int:
    """Build, check, tell; returns the exit status."""
    try:
        told = problems(build())
    except RuntimeError as error:
        told = [str(error)]
    print("\n".join(told) or f"{HTML.relative_to(REPOSITORY)}/index.html", file=sys.stderr if told else sys.stdout)
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
