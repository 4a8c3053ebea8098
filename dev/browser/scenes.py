"""The pictures of the documentation, one function each; its name is the file's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.browser.pages import DESKTOP, PHONE, Pages
from dev.browser.stage import LAUNCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, FrameLocator

    from dev.browser.stage import Stage

    Draw = Callable[[Pages, "Scenery"], None]

#: Name of the picture to what opens the page, and how the window is.
SCENES: dict[str, tuple[Draw, dict[str, Any]]] = {}


@dataclass(frozen=True)
class Scenery:
    """What the scenes look at."""

    stage: Stage
    launch: str


def take(name: str, chromium: Browser, scenery: Scenery) -> bytes:
    """Open the page of one scene and return its picture, as PNG."""
    draw, window = SCENES[name]
    context = chromium.new_context(**{"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "UTC", **window})
    context.set_default_timeout(60_000)
    try:
        pages = Pages(context.new_page(), scenery.stage.airflow.url)
        draw(pages, scenery)
        # What moves in comes to rest.
        pages.page.wait_for_timeout(1500)
        return pages.page.screenshot()
    finally:
        context.close()


def _scene(**window: Any) -> Callable[[Draw], Draw]:
    def add(draw: Draw) -> Draw:
        SCENES[draw.__name__.replace("_", "-")] = (draw, window)
        return draw

    return add


@_scene()
def connection_form(pages: Pages, scenery: Scenery) -> None:
    """A new connection, with Kling's words."""
    dialog = pages.connection_form()
    dialog.locator("[name=connection_id]").fill("kling_default")
    dialog.locator("[name=password]").fill("api-key-kling-0123456789")
    dialog.locator("[name=connection_id]").scroll_into_view_if_needed()


@_scene()
def trigger_form(pages: Pages, scenery: Scenery) -> None:
    """The form that starts the quickstart."""
    dialog = pages.trigger_form("kling_quickstart")
    dialog.locator("[name=element_image]").fill("https://example.com/rocket.jpg")
    dialog.locator("[name=element_output_uri]").fill("s3://videos/rockets/")


@_scene()
def grid(pages: Pages, scenery: Scenery) -> None:
    """The run's task instances: mapped ones called after their picture, and what waits for a slot."""
    pages.run(LAUNCH, scenery.launch).get_by_text("waits for a slot").first.wait_for()


@_scene()
def log(pages: Pages, scenery: Scenery) -> None:
    """The log of a task whose video was stored."""
    page = pages.task(LAUNCH, scenery.launch, "animate", map_index=0)
    page.get_by_text("is done").first.wait_for()


@_scene()
def tab(pages: Pages, scenery: Scenery) -> None:
    """A stored video on its task's page."""
    _video(pages.kling_task(LAUNCH, scenery.launch, "animate", 0))


@_scene(color_scheme="dark")
def tab_dark(pages: Pages, scenery: Scenery) -> None:
    """The same in the dark."""
    pages.open("dags").evaluate("localStorage.setItem('theme', 'dark')")
    _video(pages.kling_task(LAUNCH, scenery.launch, "animate", 1))


@_scene(viewport=PHONE)
def tab_phone(pages: Pages, scenery: Scenery) -> None:
    """What the tab holds, on a phone."""
    frame = pages.kling_task(LAUNCH, scenery.launch, "animate", 2)
    address = frame.locator("main").evaluate("() => location.href")
    pages.page.goto(address)
    pages.page.locator("video").wait_for()


@_scene()
def tab_failed(pages: Pages, scenery: Scenery) -> None:
    """A task that Kling refused, with what to do."""
    pages.kling_task(LAUNCH, scenery.launch, "refused").locator(".failure").wait_for()


@_scene()
def tab_waiting(pages: Pages, scenery: Scenery) -> None:
    """A task whose video is being made."""
    pages.kling_task(LAUNCH, scenery.launch, "being_made").get_by_text("Next look").wait_for()


@_scene()
def tab_no_slot(pages: Pages, scenery: Scenery) -> None:
    """A task that waits for a slot."""
    pages.kling_task(LAUNCH, scenery.launch, "waits_for_slot").get_by_text("a slot at Kling").wait_for()


@_scene()
def tab_image(pages: Pages, scenery: Scenery) -> None:
    """A task that made an image."""
    pages.kling_task(LAUNCH, scenery.launch, "cover").locator("img").first.wait_for()


@_scene()
def tab_audio(pages: Pages, scenery: Scenery) -> None:
    """A task that made a sound."""
    pages.kling_task(LAUNCH, scenery.launch, "narrate").locator("audio").first.wait_for()


@_scene()
def gallery(pages: Pages, scenery: Scenery) -> None:
    """Everything that a run has made, on one sheet."""
    _sheet(pages, scenery)


@_scene(color_scheme="dark")
def gallery_dark(pages: Pages, scenery: Scenery) -> None:
    """The same in the dark."""
    pages.open("dags").evaluate("localStorage.setItem('theme', 'dark')")
    _sheet(pages, scenery)


@_scene(viewport=PHONE)
def gallery_phone(pages: Pages, scenery: Scenery) -> None:
    """What the gallery holds, on a phone."""
    address = _sheet(pages, scenery).locator("main").evaluate("() => location.href")
    pages.page.goto(address)
    pages.page.locator(".card").nth(3).wait_for()


@_scene()
def gallery_viewer(pages: Pages, scenery: Scenery) -> None:
    """A video that was opened from the sheet."""
    frame = _sheet(pages, scenery)
    frame.locator(".card", has_text="dusk.jpg").click()
    frame.locator("dialog video").wait_for()


def _sheet(pages: Pages, scenery: Scenery) -> FrameLocator:
    frame = pages.gallery(LAUNCH, scenery.launch)
    # One out of view, as on a phone, would never load by itself.
    frame.locator(".card img").nth(7).evaluate("image => { image.loading = 'eager'; return image.decode(); }")
    return frame


def _video(frame: FrameLocator) -> None:
    """Wait until a video shows its middle."""
    frame.locator("video").evaluate("video => new Promise(done => { video.onseeked = done; video.currentTime = 1.5; })")
