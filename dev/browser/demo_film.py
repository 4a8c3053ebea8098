"""The moving picture at the top of README and documentation: from the form to the video on the task's page."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dev.browser.pages import TALL, VISITOR, Pages
from dev.browser.picture import Film
from dev.local_airflow.rest import FINISHED

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from dev.browser.stage import Stage

DAG_ID, LAST = "kling_quickstart", "store"
PROMPT = "The rocket lifts off, smoke rolls over the pad"
SECONDS_TO_THE_END = 120
FRAMES_OF_VIDEO = 12
MILLISECONDS_TO_FOLLOW = 2500
TAKES = 3
#: A film that has come, without the ring of one that loads; its seconds.
LOADED = """video => new Promise(done => {
    const come = () => { video.pause(); done(video.duration || 5); };
    if (video.readyState > 3) come(); else video.oncanplaythrough = come;
})"""


class RetriedError(RuntimeError):
    """A busy Airflow failed a task that is well and tried it again: nothing to show to somebody who comes new."""


def make_film(chromium: Browser, stage: Stage, file: Path) -> None:
    """Walk through one run of the quickstart and write what the browser showed."""
    stage.airflow.wait_for_dag(DAG_ID)
    for _ in range(TAKES):
        with suppress(RetriedError):
            return _take(chromium, stage).save(file)
    raise RetriedError(f"each of {TAKES} runs of {DAG_ID}: this machine is too busy for a film")


def _take(chromium: Browser, stage: Stage) -> Film:
    context = chromium.new_context(viewport=TALL, **VISITOR)
    context.set_default_timeout(60_000)
    film, pages = Film(), Pages(context.new_page(), stage.airflow.url)
    try:
        run_id = _start(film, pages, stage)
        _watch(film, pages, stage, run_id)
        _play(film, pages, run_id)
    finally:
        context.close()
    return film


def _start(film: Film, pages: Pages, stage: Stage) -> str:
    """Fill the form in and press its button; returns the run's id."""
    dialog = pages.trigger_form(DAG_ID)
    dialog.locator("[name=element_image]").fill(str(stage.photograph))
    dialog.locator("[name=element_output_uri]").fill(f"{stage.videos.as_uri()}/")
    prompt = dialog.locator("[name=element_prompt]")
    pages.page.wait_for_timeout(500)
    film.add(pages.page, 900)
    for end in range(12, len(PROMPT) + 12, 12):
        prompt.fill(PROMPT[:end])
        film.add(pages.page, 150)
    film.add(pages.page, 900)
    return pages.send(dialog, DAG_ID)


def _watch(film: Film, pages: Pages, stage: Stage, run_id: str) -> None:
    """The run's page, which opens by itself: a frame for each change of its tasks, until the last one has ended."""
    page, before = pages.page, {}
    page.wait_for_url("**/runs/**")
    # The list beside the grid, which has grey bars before its rows.
    page.locator("table").get_by_role("link", name=LAST, exact=True).wait_for()
    for _ in range(SECONDS_TO_THE_END):
        ended = stage.airflow.run_state(DAG_ID, run_id) in FINISHED
        states = stage.airflow.states(DAG_ID, run_id)
        if "up_for_retry" in states.values():
            raise RetriedError(f"{DAG_ID} {run_id}: {states}")
        page.wait_for_timeout(1000)
        if states != before:
            before = states
            # As long as Airflow's page takes until it looks again.
            page.wait_for_timeout(MILLISECONDS_TO_FOLLOW)
            film.add(page, 700)
        if ended:
            break
    page.wait_for_timeout(MILLISECONDS_TO_FOLLOW)
    film.add(page, 900)


def _play(film: Film, pages: Pages, run_id: str) -> None:
    """The tab of the last task, and its video."""
    frame = pages.kling_task(DAG_ID, run_id, LAST)
    video = frame.locator("video")
    video.wait_for()
    duration = float(video.evaluate(LOADED))
    for number in range(FRAMES_OF_VIDEO):
        _seek(pages.page, number * duration / FRAMES_OF_VIDEO)
        film.add(pages.page, 200)
    film.add(pages.page, 2000)


def _seek(page: Page, second: float) -> None:
    script = "(video, second) => new Promise(done => { video.onseeked = done; video.currentTime = second + 0.01; })"
    page.frame_locator("iframe").locator("video").evaluate(script, second)
