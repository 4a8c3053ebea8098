"""Records the animation of the README: from the trigger form to the video on the task's page."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dev.browser.pages import CONTEXT_OPTIONS, TALL, Pages
from dev.browser.picture import Animation
from dev.local_airflow.rest import FINISHED

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from dev.browser.environment import BrowserEnvironment

DAG_ID, LAST = "kling_quickstart", "store"
TAB = "Kling"
PROMPT = "The rocket lifts off, smoke rolls over the pad"
MAX_SECONDS = 120
FRAMES_OF_VIDEO = 12
REFRESH_MILLISECONDS = 2500
ATTEMPTS = 3
#: Waits until a video is loaded, so that no spinner is visible; returns its duration.
WAIT_UNTIL_LOADED = """video => new Promise(done => {
    const finish = () => { video.pause(); done(video.duration || 5); };
    if (video.readyState > 3) finish(); else video.oncanplaythrough = finish;
})"""


class RetriedError(RuntimeError):
    """Airflow failed and retried a healthy task, which the animation must not show."""


def make_animation(chromium: Browser, environment: BrowserEnvironment, file: Path) -> None:
    """Record one run of the quickstart and write the animation."""
    environment.airflow.wait_for_dag(DAG_ID)
    for _ in range(ATTEMPTS):
        with suppress(RetriedError):
            return _record(chromium, environment).save(file)
    raise RetriedError(f"each of {ATTEMPTS} runs of {DAG_ID}: this machine is too busy for an animation")


def _record(chromium: Browser, environment: BrowserEnvironment) -> Animation:
    context = chromium.new_context(viewport=TALL, **CONTEXT_OPTIONS)
    context.set_default_timeout(60_000)
    animation, pages = Animation(), Pages(context.new_page(), environment.airflow.url)
    try:
        run_id = _start(animation, pages, environment)
        _watch(animation, pages, environment, run_id)
        _play(animation, pages, run_id)
    finally:
        context.close()
    return animation


def _start(animation: Animation, pages: Pages, environment: BrowserEnvironment) -> str:
    """Fill in the form and submit it; returns the run id."""
    dialog = pages.trigger_form(DAG_ID)
    dialog.locator("[name=element_image]").fill(str(environment.photograph))
    dialog.locator("[name=element_output_uri]").fill(f"{environment.videos.as_uri()}/")
    prompt = dialog.locator("[name=element_prompt]")
    pages.page.wait_for_timeout(500)
    animation.add(pages.page, 900)
    for end in range(12, len(PROMPT) + 12, 12):
        prompt.fill(PROMPT[:end])
        animation.add(pages.page, 150)
    animation.add(pages.page, 900)
    return pages.send(dialog, DAG_ID)


def _watch(animation: Animation, pages: Pages, environment: BrowserEnvironment, run_id: str) -> None:
    """Record the run's tab Kling: a frame per change of the tasks' states, until the run has ended."""
    page = pages.page
    before: dict[str, str | None] = {}
    page.wait_for_url("**/runs/**")
    page.get_by_role("link", name=TAB, exact=True).click()
    card = page.frame_locator("iframe").locator(".card")
    card.wait_for()
    for _ in range(MAX_SECONDS):
        ended = environment.airflow.run_state(DAG_ID, run_id) in FINISHED
        states = environment.airflow.states(DAG_ID, run_id)
        if "up_for_retry" in states.values():
            raise RetriedError(f"{DAG_ID} {run_id}: {states}")
        page.wait_for_timeout(1000)
        if states != before:
            before = states
            # Airflow's page refreshes at this interval.
            page.wait_for_timeout(REFRESH_MILLISECONDS)
            animation.add(page, 700)
        if ended:
            break
    # The tab refreshes itself.
    card.locator("img").evaluate("image => image.decode()")
    page.wait_for_timeout(REFRESH_MILLISECONDS)
    animation.add(page, 900)


def _play(animation: Animation, pages: Pages, run_id: str) -> None:
    """Record the tab of the last task while its video plays."""
    frame = pages.kling_task(DAG_ID, run_id, LAST)
    video = frame.locator("video")
    video.wait_for()
    duration = float(video.evaluate(WAIT_UNTIL_LOADED))
    for number in range(FRAMES_OF_VIDEO):
        _seek(pages.page, number * duration / FRAMES_OF_VIDEO)
        animation.add(pages.page, 200)
    animation.add(pages.page, 2000)


def _seek(page: Page, second: float) -> None:
    script = "(video, second) => new Promise(done => { video.onseeked = done; video.currentTime = second + 0.01; })"
    page.frame_locator("iframe").locator("video").evaluate(script, second)
