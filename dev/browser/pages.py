"""Navigates Airflow's pages: URLs, forms and tabs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import FrameLocator, Locator, Page, ViewportSize

DESKTOP: ViewportSize = {"width": 1280, "height": 800}
#: High enough for forms with their last button.
TALL: ViewportSize = {"width": 1280, "height": 900}
WIDE: ViewportSize = {"width": 1500, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


class ContextOptions(TypedDict):
    """Options of Playwright's ``new_context`` that all screenshots share."""

    locale: str
    timezone_id: str


#: Browser context options for screenshots.
CONTEXT_OPTIONS: ContextOptions = {"locale": "en-GB", "timezone_id": "UTC"}

#: Label of the button above the extra fields of a connection; Airflow 3.4 names it after the connection type.
EXTRA_FIELDS = re.compile("^(Extra Fields|Kling AI Fields)$")

PLAYS = """video => new Promise((done, fail) => {
    const report = text => fail(new Error(`${text}; at ${video.currentTime} s, ${video.readyState}, ${video.error}`));
    setTimeout(() => report("it does not play"), 60000);
    video.ontimeupdate = () => { if (video.currentTime > 0.5 && video.readyState > 1) done(video.videoWidth); };
    video.muted = true;
    video.play().catch(report);
})"""


def play(video: Locator) -> int:
    """Play a video for half a second; returns its width in pixels, and raises if it does not play."""
    return int(video.evaluate(PLAYS))


class Pages:
    """
    A browser tab that is logged in to the Airflow at ``url``.

    The local Airflow needs no password: opening any page logs in.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, path: str) -> Page:
        """Open a page of Airflow and wait until its layout is visible."""
        for _ in range(2):
            self.page.goto(f"{self.url}/{path}")
            self.page.get_by_role("button", name="User").first.wait_for()
            # Before Airflow 3.2 the login redirects to the home page.
            if path.partition("?")[0] in self.page.url:
                break
        return self.page

    def run(self, dag_id: str, run_id: str, tab: str = "") -> Page:
        """Open the page of a Dag run, at one of its tabs."""
        return self.open(f"dags/{dag_id}/runs/{_segment(run_id)}" + (f"/{tab}" if tab else ""))

    def task(self, dag_id: str, run_id: str, task_id: str, tab: str = "", map_index: int = -1) -> Page:
        """Open the page of a task instance, at one of its tabs."""
        mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
        path = f"dags/{dag_id}/runs/{_segment(run_id)}/tasks/{task_id}{mapped}"
        return self.open(f"{path}/{tab}" if tab else path)

    def kling_task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> FrameLocator:
        """Open the tab "Kling" of a task instance; returns its loaded frame."""
        self.task(dag_id, run_id, task_id, "plugin/kling", map_index)
        return self._inside("main > :not(p.quiet:only-child:text-is('Loading.'))")

    def gallery(self, dag_id: str, run_id: str) -> FrameLocator:
        """Open the gallery of a Dag run; returns its loaded frame."""
        self.run(dag_id, run_id, "plugin/kling-gallery")
        return self._inside("#filters button")

    def _inside(self, drawn: str) -> FrameLocator:
        frame = self.page.frame_locator("iframe")
        frame.locator(drawn).first.wait_for()
        return frame

    def trigger_form(self, dag_id: str) -> Locator:
        """Open the form that starts a Dag run; returns the dialog."""
        self.open(f"dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name="Trigger").wait_for()
        return dialog

    def trigger(self, dag_id: str, values: Mapping[str, str]) -> str:
        """Fill in the form and submit it; returns the run id."""
        dialog = self.trigger_form(dag_id)
        for name, value in values.items():
            dialog.locator(f"[name=element_{name}]").fill(value)
        return self.send(dialog, dag_id)

    def send(self, dialog: Locator, dag_id: str) -> str:
        """Submit a form that is filled in; returns the run id."""
        with self.page.expect_response(lambda response: _starts_a_run(response, dag_id)) as received:
            dialog.get_by_role("button", name="Trigger").click()
        return str(received.value.json()["dag_run_id"])

    def connection_form(self) -> Locator:
        """Open the form of a new connection of the type Kling AI, with all of its fields; returns the dialog."""
        self.open("connections").get_by_role("button", name="Add Connection").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("combobox").fill("Kling AI")
        self.page.get_by_role("option", name="Kling AI", exact=True).click()
        dialog.locator("[name=host]").wait_for()
        return dialog

    def narrow_grid(self, x: int = 318) -> None:
        """Move the separator between the grid and the details."""
        edge = self.page.get_by_role("separator").first
        edge.hover(position={"x": 1, "y": 600}, force=True)
        self.page.mouse.down()
        self.page.mouse.move(x, 700, steps=5)
        self.page.mouse.up()

    def end_below(self, shown: Locator, margin: int = 32) -> None:
        """Resize the window so that it ends below an element, which may be inside a frame."""
        size = self.page.viewport_size
        if size is None:
            raise RuntimeError("the window has no fixed size")
        for _ in range(2):  # elements move when the window is resized
            box = shown.bounding_box()
            if box is None:
                raise RuntimeError("the element is not visible")
            height = round(box["y"] + box["height"]) + margin
            self.page.set_viewport_size({"width": size["width"], "height": height})
            self.page.wait_for_timeout(300)

    def scroll_width(self) -> tuple[int, int]:
        """Width of the page's content and of its window."""
        both = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return int(both[0]), int(both[1])


def _segment(run_id: str) -> str:
    """The run id, quoted as in Airflow's links; otherwise Airflow does not highlight the open tab."""
    return quote(run_id, safe=":+")


def _starts_a_run(response: Any, dag_id: str) -> bool:
    return response.request.method == "POST" and bool(re.search(rf"/dags/{dag_id}/dagRuns$", response.url))
