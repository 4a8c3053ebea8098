"""The screenshots of the documentation, one function each; the function's name is the file name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.browser.environment import LAUNCH
from dev.browser.pages import CONTEXT_OPTIONS, DESKTOP, PHONE, TALL, WIDE, Pages
from dev.browser.picture import shoot

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, FrameLocator, Locator

    from dev.browser.environment import BrowserEnvironment

    #: Opens a page, and returns the element to take a screenshot of; ``None`` for the whole window.
    Draw = Callable[[Pages, "ScreenTarget"], Locator | None]

#: Waits until images are loaded, so that what is below them does not move.
WAIT_UNTIL_LOADED = "images => Promise.all(images.map(image => { image.loading = 'eager'; return image.decode(); }))"

#: By name: the function that opens the page, and the browser context options.
SCREENS: dict[str, tuple[Draw, dict[str, Any]]] = {}


@dataclass(frozen=True)
class ScreenTarget:
    """The environment, and the run id of its launch."""

    environment: BrowserEnvironment
    launch: str


def take(name: str, chromium: Browser, target: ScreenTarget) -> bytes:
    """Open the page of a screenshot and return the PNG."""
    draw, window = SCREENS[name]
    context = chromium.new_context(**{"viewport": DESKTOP, **CONTEXT_OPTIONS, **window})
    context.set_default_timeout(60_000)
    try:
        pages = Pages(context.new_page(), target.environment.airflow.url)
        part = draw(pages, target)
        # Wait for animations to finish.
        pages.page.wait_for_timeout(1500)
        return shoot(pages.page, *([part] if part else []))
    finally:
        context.close()


def _screen(**window: Any) -> Callable[[Draw], Draw]:
    def add(draw: Draw) -> Draw:
        SCREENS[draw.__name__.replace("_", "-")] = (draw, window)
        return draw

    return add


@_screen(viewport=TALL)
def connection_form(pages: Pages, target: ScreenTarget) -> Locator:
    """The form of a new connection."""
    dialog = pages.connection_form()
    dialog.locator("[name=connection_id]").fill("kling_default")
    dialog.locator("[name=password]").fill("api-key-kling-0123456789")
    dialog.locator("[name=connection_id]").scroll_into_view_if_needed()
    return dialog


@_screen(viewport=TALL)
def trigger_form(pages: Pages, target: ScreenTarget) -> Locator:
    """The form that starts the quickstart."""
    dialog = pages.trigger_form("kling_quickstart")
    dialog.locator("[name=element_image]").fill("https://example.com/rocket.jpg")
    dialog.locator("[name=element_output_uri]").fill("s3://videos/rockets/")
    return dialog


@_screen(viewport=WIDE)
def grid(pages: Pages, target: ScreenTarget) -> None:
    """The run's task instances: mapped ones with the name of their image."""
    waiting = pages.run(LAUNCH, target.launch).get_by_role("row").filter(has_text="waits_for_slot")
    waiting.wait_for()
    pages.narrow_grid()
    pages.end_below(waiting, 12)


@_screen(viewport=WIDE)
def log(pages: Pages, target: ScreenTarget) -> None:
    """The log of a task whose video was stored."""
    page = pages.task(LAUNCH, target.launch, "animate", map_index=0)
    page.get_by_text("is done").first.wait_for()
    pages.narrow_grid()


@_screen(viewport=WIDE)
def tab(pages: Pages, target: ScreenTarget) -> None:
    """A stored video on its task's page."""
    _video(pages, pages.kling_task(LAUNCH, target.launch, "animate", 0))


@_screen(viewport=WIDE, color_scheme="dark")
def tab_dark(pages: Pages, target: ScreenTarget) -> None:
    """The same with the dark theme."""
    pages.open("dags").evaluate("localStorage.setItem('theme', 'dark')")
    _video(pages, pages.kling_task(LAUNCH, target.launch, "animate", 1))


@_screen(viewport=PHONE)
def tab_phone(pages: Pages, target: ScreenTarget) -> None:
    """The content of the tab on a phone."""
    frame = pages.kling_task(LAUNCH, target.launch, "animate", 2)
    address = frame.locator("main").evaluate("() => location.href")
    pages.page.goto(address)
    pages.page.locator("video").wait_for()
    pages.page.locator(".picture").evaluate_all(WAIT_UNTIL_LOADED)
    pages.end_below(pages.page.locator("section").nth(2), 16)


@_screen()
def tab_failed(pages: Pages, target: ScreenTarget) -> None:
    """A task that Kling rejected, with advice."""
    _whole(pages, pages.kling_task(LAUNCH, target.launch, "refused"), ".failure")


@_screen()
def tab_waiting(pages: Pages, target: ScreenTarget) -> None:
    """A task whose video is being generated."""
    _whole(pages, pages.kling_task(LAUNCH, target.launch, "being_made"), "text=Next poll")


@_screen()
def tab_no_slot(pages: Pages, target: ScreenTarget) -> None:
    """A task that waits for a slot."""
    _whole(pages, pages.kling_task(LAUNCH, target.launch, "waits_for_slot"), "text=a slot at Kling")


@_screen()
def tab_image(pages: Pages, target: ScreenTarget) -> None:
    """A task that made an image."""
    _whole(pages, pages.kling_task(LAUNCH, target.launch, "cover"), "img")


@_screen()
def tab_audio(pages: Pages, target: ScreenTarget) -> None:
    """A task that made a sound."""
    _whole(pages, pages.kling_task(LAUNCH, target.launch, "narrate"), "audio")


@_screen()
def gallery(pages: Pages, target: ScreenTarget) -> None:
    """The gallery of a run."""
    _open_gallery(pages, target)


@_screen(color_scheme="dark")
def gallery_dark(pages: Pages, target: ScreenTarget) -> None:
    """The same with the dark theme."""
    pages.open("dags").evaluate("localStorage.setItem('theme', 'dark')")
    _open_gallery(pages, target)


@_screen(viewport=PHONE)
def gallery_phone(pages: Pages, target: ScreenTarget) -> None:
    """The content of the gallery on a phone."""
    address = _open_gallery(pages, target).locator("main").evaluate("() => location.href")
    pages.page.goto(address)
    pages.page.locator(".card").nth(7).wait_for()
    pages.end_below(pages.page.locator(".card").nth(7), 4)  # less than the gap between two rows


@_screen()
def gallery_viewer(pages: Pages, target: ScreenTarget) -> None:
    """A video opened from the gallery, at its middle."""
    frame = _open_gallery(pages, target)
    frame.locator(".card", has_text="dusk.jpg").click()
    _seek_to_middle(frame.locator("dialog video"))


def _open_gallery(pages: Pages, target: ScreenTarget) -> FrameLocator:
    frame = pages.gallery(LAUNCH, target.launch)
    # An image outside of the viewport is loaded lazily.
    frame.locator(".card img").nth(7).evaluate("image => { image.loading = 'eager'; return image.decode(); }")
    if pages.page.viewport_size != PHONE:
        pages.end_below(frame.locator(".card").nth(11))
    return frame


def _video(pages: Pages, frame: FrameLocator) -> None:
    """Show the middle of a mapped task's video, with all tabs in one row."""
    pages.narrow_grid()
    _seek_to_middle(frame.locator("video"))
    pages.end_below(frame.locator("section").first)


def _seek_to_middle(video: Locator) -> None:
    script = "video => new Promise(done => { video.pause(); video.onseeked = done; video.currentTime = 1.5; })"
    video.evaluate(script)


def _whole(pages: Pages, frame: FrameLocator, drawn: str) -> None:
    """Show a task's tab down to the end of the longer column."""
    frame.locator(drawn).first.wait_for()
    frame.locator(".picture").evaluate_all(WAIT_UNTIL_LOADED)
    pages.end_below(frame.locator(".columns"))
