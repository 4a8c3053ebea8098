"""The documentation's pages as a browser lays them out: nothing is wider than the window, and all is in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev import site
from dev.browser.pages import DESKTOP, PHONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.timeout(300)

#: Blocks of the page's own text that end right of the window, unless something around them scrolls or cuts.
TOO_WIDE = """
() => {
  const wide = [];
  for (const block of document.querySelectorAll("article *")) {
    const box = block.getBoundingClientRect();
    if (!box.width || box.right <= innerWidth + 1) continue;
    if (block.closest("svg") !== null && block.tagName !== "svg") continue;
    wide.push(block.tagName + " " + block.className + ": " + block.textContent.trim().slice(0, 60));
  }
  return {scrolls: document.documentElement.scrollWidth > innerWidth, wide};
}
"""

#: Headings, paragraphs, code and pictures that stand above the one that comes before them in the text.
OUT_OF_ORDER = """
() => {
  const kinds = "article :is(h1, h2, h3, h4, p, pre, img, svg.drawing, svg.pygal-chart)";
  const blocks = [...document.querySelectorAll(kinds)];
  const shown = blocks.filter(block => block.getBoundingClientRect().height && !block.closest("thead"));
  const name = block => block.tagName + ": " + block.textContent.trim().slice(0, 60);
  const wrong = shown.filter((block, place) =>
    place && block.getBoundingClientRect().top < shown[place - 1].getBoundingClientRect().top - 1);
  return {first: shown[0].tagName, top: shown[0].getBoundingClientRect().top, wrong: wrong.map(name)};
}
"""


@pytest.fixture(scope="module")
def built(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages; without a browser they are not built."""
    return site.build(tmp_path_factory.mktemp("site") / "html")


@pytest.fixture(scope="module", params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def window(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window of one of two sizes."""
    context = chromium.new_context(viewport=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def told(window: Page, built: Path) -> dict[str, dict[str, Any]]:
    """What the two scripts say of each page."""
    found = {}
    for file in site.pages(built):
        window.goto(file.as_uri(), wait_until="domcontentloaded")
        found[file.name] = window.evaluate(TOO_WIDE) | window.evaluate(OUT_OF_ORDER)
    assert len(found) > 20
    return found


def test_nothing_is_wider_than_the_window(told):
    assert {name: page["wide"] for name, page in told.items() if page["scrolls"] or page["wide"]} == {}


def test_a_page_begins_with_its_title_near_the_top(told):
    assert {name for name, page in told.items() if page["first"] != "H1" or page["top"] > 200} == set()


def test_a_phone_shows_everything_in_the_order_of_the_text(window, told):
    if window.viewport_size != PHONE:
        pytest.skip("on a desktop the cells of a table stand side by side")
    assert {name: page["wrong"] for name, page in told.items() if page["wrong"]} == {}


def test_a_block_that_is_too_wide_and_one_out_of_order_are_found(window, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<article><h1>A</h1><p style='width: 5000px'>wide</p></article>")
    window.goto(page.as_uri())
    assert window.evaluate(TOO_WIDE) == {"scrolls": True, "wide": ["P : wide"]}
    page.write_text(
        "<article style='display: flex; flex-direction: column'>"
        "<h1>A</h1><p style='order: 2'>last</p><p style='order: 1'>first</p></article>"
    )
    window.goto(page.as_uri())
    assert window.evaluate(OUT_OF_ORDER)["wrong"] == ["P: first"]


def test_commands_can_be_copied_whole_without_prompt_and_output(window, built):
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.goto((built / "quickstart.html").as_uri())
    copied = {text: _copied(window, text) for text in ("make demo", "listening on", "pip install")}
    assert copied["make demo"] == "make demo"
    assert copied["listening on"] == "python -m airflow_provider_kling.simulator --seconds 20"
    *_, install, constraint = copied["pip install"].splitlines()
    assert install.startswith("pip install")
    assert install.endswith("\\")
    assert constraint.strip().startswith("--constraint https://")


def _copied(window, text):
    """What the button of the first block that holds this text leaves in the clipboard."""
    block = window.locator("div.highlight", has_text=text).first
    block.hover()
    block.locator("button.copybtn").click()
    return window.evaluate("navigator.clipboard.readText()")
