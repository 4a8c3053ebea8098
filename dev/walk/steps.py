"""The steps of the quickstart page in the browser, with a screenshot of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dev.browser.pages import Pages, play
from dev.browser.picture import shoot
from dev.walk import quickstart

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from dev.walk.fresh_install import FreshInstall

    #: Receives the name of each screenshot, and the screenshot as PNG.
    TakePicture = Callable[[str, bytes], object]
    #: Takes a screenshot under a name: of the page, or of elements on it.
    Picture = Callable[..., None]

DAG, TASK = "paper_boat", "imagine"
#: Time for animations of the page to finish.
ANIMATION_MILLISECONDS = 800
#: A worker may start late on a busy machine, and a video is polled every half minute.
TIMEOUT_MILLISECONDS = 240_000


def walk(page: Page, install: FreshInstall, take_picture: Picture) -> Path:
    """Follow all steps from the sign-in to the gallery; returns the stored video that was played."""
    page.set_default_timeout(TIMEOUT_MILLISECONDS)
    picture = _after_animations(take_picture)
    _sign_in(page, install, picture)
    _connect(page, install, picture)
    run_id = _trigger(page, install, picture)
    pages = Pages(page, install.url)
    _watch(pages, picture)
    stored = _look(pages, picture)
    _gallery(pages, run_id, picture)
    return stored


def run_shell_command(install: FreshInstall) -> tuple[Path, str]:
    """Run the page's shell command; returns the video and the output."""
    done = install.run(quickstart.command("python", "-m", "airflow_provider_kling", "imagine"), b"y\n")
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return Path(done.stdout.splitlines()[-1]), done.stderr + done.stdout


def _after_animations(take_picture: Picture) -> Picture:
    def picture(name: str, page: Page, *shown: Locator, **margin: int) -> None:
        page.wait_for_timeout(ANIMATION_MILLISECONDS)
        take_picture(name, shoot(page, *shown, **margin))

    return picture


def _sign_in(page: Page, install: FreshInstall, picture: Picture) -> None:
    page.goto(install.url)
    page.locator("[name=username]").fill(quickstart.label("admin"))
    page.locator("[name=password]").fill(install.password)
    button = page.get_by_role("button", name="Sign in")
    # The card is the nearest element that contains the heading too.
    picture("sign-in", page, button.locator("xpath=ancestor::*[contains(., 'Sign into Airflow')][1]"), margin=32)
    button.click()


def _connect(page: Page, install: FreshInstall, picture: Picture) -> None:
    """Enter the connection in its form."""
    page.get_by_role("button", name=quickstart.label("Admin")).click()
    page.get_by_role("menuitem", name=quickstart.label("Connections")).click()
    page.get_by_role("button", name=quickstart.label("Add Connection")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(quickstart.label("Connection ID")).first.wait_for()
    dialog.locator("[name=connection_id]").fill("kling_default")
    dialog.get_by_role("combobox").fill("Kling")
    page.get_by_role("option", name=quickstart.label("Kling AI"), exact=True).click()
    _field(dialog, "Base URL", "host").fill(install.kling_url)
    _field(dialog, "API key or SecretKey", "password").fill(install.kling_key)
    dialog.locator("[name=connection_id]").scroll_into_view_if_needed()
    picture("connection", page, dialog)
    dialog.get_by_role("button", name=quickstart.label("Extra Fields"), exact=True).click()
    label = dialog.get_by_text(quickstart.label("Allow results from private addresses"), exact=True)
    dialog.locator("label", has=page.locator("[name=element_allow_private_urls]")).click()
    label.evaluate("label => label.scrollIntoView({block: 'center'})")
    picture("extra", page, _row(label), _row(dialog.get_by_text("Host keeps external_task_id", exact=True)), margin=16)
    dialog.get_by_role("button", name=quickstart.label("Save"), exact=True).click()
    page.get_by_role("row").filter(has_text="kling_default").wait_for()


def _trigger(page: Page, install: FreshInstall, picture: Picture) -> str:
    """Open the Dag from the list and trigger it with its form."""
    page.get_by_role("link", name=quickstart.label("Dags"), exact=True).first.click()
    page.get_by_role("link", name=quickstart.label(DAG), exact=True).first.click()
    # A form that is opened while the page still loads is closed by the page.
    page.get_by_role("link", name=TASK, exact=True).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name=quickstart.label("Trigger")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"Unpause {DAG} on trigger").wait_for()
    picture("trigger", page, dialog)
    run_id = Pages(page, install.url).send(dialog, DAG)
    page.wait_for_url("**/runs/**")
    return run_id


def _watch(pages: Pages, picture: Picture) -> None:
    """Open the task's tab while Kling works."""
    page = pages.page
    # Other links have the same names: the grid links the task too, and the run page has a tab Kling too.
    for name, place in ((TASK, "/runs/"), ("Kling", f"/tasks/{TASK}/")):
        page.get_by_role("link", name=quickstart.label(name), exact=True).and_(
            page.locator(f"[href*='{place}']")
        ).click()
    inside = page.frame_locator("iframe")
    inside.get_by_text("Being made", exact=True).wait_for()
    page.get_by_text(quickstart.label("deferred").capitalize(), exact=True).first.wait_for()
    pages.end_below(inside.locator(".columns"))
    picture("waiting", page)


def _look(pages: Pages, picture: Picture) -> Path:
    """Wait until the open tab shows the stored video; play it."""
    page = pages.page
    inside = page.frame_locator("iframe")
    video = inside.locator("video")
    video.wait_for()
    page.get_by_text("Success", exact=True).first.wait_for()
    # The last step of the time line makes the page longer.
    inside.locator("li", has_text="Stored").wait_for()
    play(video)
    pages.end_below(inside.locator(".columns"))
    picture("video", page)
    address = inside.get_by_text("file:///").first.inner_text()
    return Path(unquote(urlsplit(address).path))


def _gallery(pages: Pages, run_id: str, picture: Picture) -> None:
    """Open the gallery of the run, which has one image."""
    frame = pages.gallery(DAG, run_id)
    frame.locator(".card img").evaluate("image => image.decode()")
    pages.end_below(frame.locator(".card"))
    picture("gallery", pages.page)


def _row(label: Locator) -> Locator:
    """The row of a form: label, field and help text."""
    return label.locator("xpath=ancestor::*[contains(@class, 'field__root')][1]")


def _field(dialog: Locator, label: str, name: str) -> Locator:
    """A field of the form; its label must be visible."""
    dialog.get_by_text(quickstart.label(label), exact=True).wait_for()
    return dialog.locator(f"[name={name}]")
