"""The steps of the page in the browser; each is pictured when it is reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dev.browser.pages import Pages, play
from dev.walk import page as told

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from dev.walk.newcomer import Newcomer

    #: Told the name of each picture, and the page at that moment.
    Camera = Callable[[str, Page], object]

DAG, TASK = "paper_boat", "imagine"
#: What moves in comes to rest.
MILLISECONDS_TO_REST = 800
#: A worker may start late on a busy machine, and looks at a video come half a minute apart.
MILLISECONDS_TO_WAIT = 240_000


def walk(page: Page, newcomer: Newcomer, camera: Camera) -> Path:
    """Go from the sign-in to the gallery; returns the stored video that played."""
    page.set_default_timeout(MILLISECONDS_TO_WAIT)
    shoot = _resting(camera)
    _sign_in(page, newcomer, shoot)
    _connect(page, newcomer, shoot)
    run_id = _trigger(page, newcomer, shoot)
    pages = Pages(page, newcomer.url)
    _watch(pages, shoot)
    stored = _look(pages, shoot)
    _gallery(pages, run_id, shoot)
    return stored


def make_in_a_shell(newcomer: Newcomer) -> tuple[Path, str]:
    """Make the same video with the page's command; returns the file and everything that was printed."""
    done = newcomer.run(told.command("python", "-m", "airflow_provider_kling", "imagine"), b"y\n")
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return Path(done.stdout.splitlines()[-1]), done.stderr + done.stdout


def _resting(camera: Camera) -> Camera:
    def shoot(name: str, page: Page) -> None:
        page.wait_for_timeout(MILLISECONDS_TO_REST)
        camera(name, page)

    return shoot


def _sign_in(page: Page, newcomer: Newcomer, shoot: Camera) -> None:
    page.goto(newcomer.url)
    page.locator("[name=username]").fill(told.label("admin"))
    page.locator("[name=password]").fill(newcomer.password)
    shoot("sign-in", page)
    page.get_by_role("button", name="Sign in").click()


def _connect(page: Page, newcomer: Newcomer, shoot: Camera) -> None:
    """The connection, typed into the form."""
    page.get_by_role("button", name=told.label("Admin")).click()
    page.get_by_role("menuitem", name=told.label("Connections")).click()
    page.get_by_role("button", name=told.label("Add Connection")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(told.label("Connection ID")).first.wait_for()
    dialog.locator("[name=connection_id]").fill("kling_default")
    dialog.get_by_role("combobox").fill("Kling")
    page.get_by_role("option", name=told.label("Kling AI"), exact=True).click()
    _field(dialog, "Base URL", "host").fill(newcomer.kling_url)
    _field(dialog, "API key or SecretKey", "password").fill(newcomer.kling_key)
    dialog.locator("[name=connection_id]").scroll_into_view_if_needed()
    shoot("connection", page)
    dialog.get_by_role("button", name=told.label("Extra Fields"), exact=True).click()
    words = dialog.get_by_text(told.label("Allow results from private addresses"), exact=True)
    dialog.locator("label", has=page.locator("[name=element_allow_private_urls]")).click()
    words.evaluate("label => label.scrollIntoView({block: 'center'})")
    shoot("extra", page)
    dialog.get_by_role("button", name=told.label("Save"), exact=True).click()
    page.get_by_role("row").filter(has_text="kling_default").wait_for()


def _trigger(page: Page, newcomer: Newcomer, shoot: Camera) -> str:
    """The Dag of the list, its form, and the run whose page opens."""
    page.get_by_role("link", name=told.label("Dags"), exact=True).first.click()
    page.get_by_role("link", name=told.label(DAG), exact=True).first.click()
    # A form that is opened while the page still loads is closed again by it.
    page.get_by_role("link", name=TASK, exact=True).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name=told.label("Trigger")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"Unpause {DAG} on trigger").wait_for()
    shoot("trigger", page)
    run_id = Pages(page, newcomer.url).send(dialog, DAG)
    page.wait_for_url("**/runs/**")
    return run_id


def _watch(pages: Pages, shoot: Camera) -> None:
    """The task's tab while Kling works."""
    page = pages.page
    # The grid beside the list names the task of the Dag, and the page of the run has a tab of the same name.
    for name, place in ((TASK, "/runs/"), ("Kling", f"/tasks/{TASK}/")):
        page.get_by_role("link", name=told.label(name), exact=True).and_(page.locator(f"[href*='{place}']")).click()
    inside = page.frame_locator("iframe")
    inside.get_by_text("Being made", exact=True).wait_for()
    page.get_by_text(told.label("deferred").capitalize(), exact=True).first.wait_for()
    pages.end_below(inside.locator(".columns"))
    shoot("waiting", page)


def _look(pages: Pages, shoot: Camera) -> Path:
    """The same tab, with no hand on it, when the video is stored; it plays."""
    page = pages.page
    inside = page.frame_locator("iframe")
    video = inside.locator("video")
    video.wait_for()
    page.get_by_text("Success", exact=True).first.wait_for()
    play(video)
    pages.end_below(inside.locator(".columns"))
    shoot("video", page)
    address = inside.get_by_text("file:///").first.inner_text()
    return Path(unquote(urlsplit(address).path))


def _gallery(pages: Pages, run_id: str, shoot: Camera) -> None:
    """The sheet of the run, with its one picture."""
    frame = pages.gallery(DAG, run_id)
    frame.locator(".card img").evaluate("image => image.decode()")
    pages.end_below(frame.locator(".card"))
    shoot("gallery", pages.page)


def _field(dialog: Locator, label: str, name: str) -> Locator:
    """A field of the form, whose label is there."""
    dialog.get_by_text(told.label(label), exact=True).wait_for()
    return dialog.locator(f"[name={name}]")
