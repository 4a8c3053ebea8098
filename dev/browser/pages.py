"""Airflow's pages as a user walks through them: addresses, forms and tabs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import FrameLocator, Locator, Page

DESKTOP = {"width": 1280, "height": 800}
#: Forms with their last button, and a mapped task with its row of tabs in one line.
TALL = {"width": 1280, "height": 900}
WIDE = {"width": 1500, "height": 900}
PHONE = {"width": 390, "height": 844}

#: A browser as pictures and films are made with.
VISITOR = {"locale": "en-GB", "timezone_id": "UTC"}

#: The button above the fields of a connection that are its type's own; Airflow 3.4 calls it after the type.
EXTRA_FIELDS = re.compile("^(Extra Fields|Kling AI Fields)$")

PLAYS = """video => new Promise((done, fail) => {
    const say = words => fail(new Error(`${words}; at ${video.currentTime} s, ${video.readyState}, ${video.error}`));
    setTimeout(() => say("it does not play"), 60000);
    video.ontimeupdate = () => { if (video.currentTime > 0.5 && video.readyState > 1) done(video.videoWidth); };
    video.muted = true;
    video.play().catch(say);
})"""


def play(video: Locator) -> int:
    """Let a video play for half a second; returns its width in pixels, and raises when it does not play."""
    return int(video.evaluate(PLAYS))


class Pages:
    """
    One tab of the browser, logged into the Airflow at ``url``.

    The local Airflow knows one administrator and asks for no password: opening any page logs in.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, path: str) -> Page:
        """Open a page of Airflow and wait until its frame is drawn."""
        for _ in range(2):
            self.page.goto(f"{self.url}/{path}")
            self.page.get_by_role("button", name="User").first.wait_for()
            # Before Airflow 3.2 a login leads to the first page.
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
        """Open the tab "Kling" of a task instance; returns what is inside of it, drawn."""
        self.task(dag_id, run_id, task_id, "plugin/kling", map_index)
        return self._inside("main > :not(p.quiet:only-child:text-is('Loading.'))")

    def gallery(self, dag_id: str, run_id: str) -> FrameLocator:
        """Open the gallery of a Dag run; returns what is inside of it, drawn."""
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
        """Fill the form in, press its button, and return the id of the run whose page opens."""
        dialog = self.trigger_form(dag_id)
        for name, value in values.items():
            dialog.locator(f"[name=element_{name}]").fill(value)
        return self.send(dialog, dag_id)

    def send(self, dialog: Locator, dag_id: str) -> str:
        """Press the button of a form that is filled in; returns the id of the run."""
        with self.page.expect_response(lambda answer: _starts_a_run(answer, dag_id)) as answered:
            dialog.get_by_role("button", name="Trigger").click()
        return str(answered.value.json()["dag_run_id"])

    def connection_form(self) -> Locator:
        """Open the form of a new connection of the type Kling AI, with all of its fields; returns the dialog."""
        self.open("connections").get_by_role("button", name="Add Connection").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("combobox").fill("Kling AI")
        self.page.get_by_role("option", name="Kling AI", exact=True).click()
        dialog.locator("[name=host]").wait_for()
        return dialog

    def narrow_grid(self, x: int = 318) -> None:
        """Move the edge between the grid and the details, as somebody does who looks at the details."""
        edge = self.page.get_by_role("separator").first
        edge.hover(position={"x": 1, "y": 600}, force=True)
        self.page.mouse.down()
        self.page.mouse.move(x, 700, steps=5)
        self.page.mouse.up()

    def end_below(self, shown: Locator, margin: int = 32) -> None:
        """Make the window as high as it takes to end below something, which may be inside of a frame."""
        size = self.page.viewport_size
        if size is None:
            raise RuntimeError("the window has no size of its own")
        for _ in range(2):  # what grows with the window moves
            box = shown.bounding_box()
            if box is None:
                raise RuntimeError("it is not to be seen")
            height = round(box["y"] + box["height"]) + margin
            self.page.set_viewport_size({"width": size["width"], "height": height})
            self.page.wait_for_timeout(300)

    def scroll_width(self) -> tuple[int, int]:
        """How wide the page's content is, and how wide its window."""
        both = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return int(both[0]), int(both[1])


def _segment(run_id: str) -> str:
    """A run's id as Airflow's own links have it; with another spelling no tab is marked as the one that is open."""
    return quote(run_id, safe=":+")


def _starts_a_run(answer: Any, dag_id: str) -> bool:
    return answer.request.method == "POST" and bool(re.search(rf"/dags/{dag_id}/dagRuns$", answer.url))
