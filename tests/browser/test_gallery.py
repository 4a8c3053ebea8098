"""The gallery of a Dag run in a real browser: what is on the sheet, what a click does, and how it looks."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.browser.environment import LAUNCH
from dev.browser.pages import PHONE

pytestmark = pytest.mark.timeout(400)

#: Six mapped tasks, six items of a batch, and six tasks of their own.
CARDS = 18


@pytest.fixture
def sheet(pages, launch):
    """The gallery of the run with everything in it."""
    frame = pages.gallery(LAUNCH, launch)
    frame.locator(".card").nth(CARDS - 1).wait_for()
    return frame


def test_everything_that_the_run_makes_is_on_one_sheet(sheet):
    assert sheet.locator(".card").count() == CARDS
    words = sheet.locator("#sentence").inner_text()
    assert words.startswith("15 of 18 done, 1 being made, 1 waiting for a slot, 1 failed, about ")
    names = sheet.locator(".card .name").all_inner_texts()
    assert {"dawn.jpg", "dusk-wide", "cover", "narrate"} <= set(names)


def test_each_stored_video_has_a_poster_that_is_drawn(sheet):
    dawn = sheet.locator(".card", has_text="dawn.jpg").locator("img")
    dawn.evaluate("image => image.complete || new Promise(done => { image.onload = done; })")
    assert dawn.evaluate("image => image.naturalWidth") > 100
    assert dawn.get_attribute("loading") == "lazy"
    assert sheet.locator(".card img").count() >= 13


def test_posters_below_the_fold_are_asked_for_when_somebody_scrolls(new_pages, launch, airflow):
    page, asked = new_pages(viewport={"width": 390, "height": 500}).page, []
    page.on("request", lambda request: asked.append(_item_of(request.url)) if "what=poster" in request.url else None)
    page.route(re.compile(r"/kling/api/run\?"), lambda route: _with_cards(route, 60))
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card").nth(59).wait_for(state="attached")
    page.wait_for_timeout(2000)
    assert 0 in asked
    # Chromium loads what is less than 1,250 pixels away: about 22 of these, and never the last.
    assert len(asked) < 40
    assert 59 not in asked
    with page.expect_request(lambda request: "what=poster" in request.url and _item_of(request.url) == 59):
        page.locator(".card").nth(59).scroll_into_view_if_needed()


def _with_cards(route, count: int) -> None:
    """A sheet of as many cards as a test wants, all like the first one with a poster."""
    answer = route.fetch()
    body = answer.json()
    like = next(card for card in body["cards"] if card["poster"])
    cards = [{**like, "item": number, "name": f"card {number}"} for number in range(count)]
    route.fulfill(response=answer, json={**body, "cards": cards, "total": count, "refresh_seconds": 0})


def _item_of(address: str) -> int:
    return int(parse_qs(urlsplit(address).query)["item"][0])


def test_the_sheet_and_the_viewer_are_walked_with_the_keyboard(new_pages, launch, airflow):
    page = new_pages().page
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    cards = page.locator(".card")
    cards.nth(CARDS - 1).wait_for()
    names = page.locator(".card .name").all_inner_texts()
    focused = "document.activeElement.querySelector('.name')?.textContent"
    for _ in range(10):  # the filters come first
        page.keyboard.press("Tab")
        if page.evaluate(focused):
            break
    assert page.evaluate(focused) == names[0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    columns = page.locator("#sheet").evaluate("sheet => getComputedStyle(sheet).gridTemplateColumns.split(' ').length")
    assert page.evaluate(focused) == names[1 + columns]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(focused) == names[0]

    page.keyboard.press("Enter")
    title = page.locator("#viewer-name")
    assert title.inner_text() == names[0]
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == names[1]
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    # The browser first gives the focus back to the card that opened the viewer, and tells of the end afterwards.
    page.wait_for_function(f"name => {focused} === name", arg=names[1], timeout=5000)
    assert page.locator("dialog video").count() == 0, "what was closed plays no more"


def test_pictures_and_players_have_names(sheet):
    cover = sheet.locator(".card", has_text="cover")
    assert cover.locator("img").get_attribute("alt") == "", "its name stands beside it"
    cover.click()
    assert sheet.locator("dialog img").get_attribute("alt") == "cover"
    sheet.locator("#close").click()
    sheet.locator(".card", has_text="noon.jpg").click()
    assert sheet.locator("dialog video").get_attribute("aria-label") == "noon.jpg"
    assert sheet.get_by_role("dialog", name="noon.jpg").count() == 1


@pytest.mark.parametrize(("wish", "plays"), [("no-preference", True), ("reduce", False)])
def test_who_wants_no_motion_gets_none_by_itself(new_pages, launch, airflow, wish, plays):
    page = new_pages(reduced_motion=wish).page
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card", has_text="noon.jpg").click()
    video = page.locator("dialog video")
    video.evaluate("video => video.readyState > 2 || new Promise(done => { video.oncanplay = done; })")
    page.wait_for_timeout(500)
    assert video.evaluate("video => !video.paused") is plays


def test_filters_show_what_failed_and_what_waits(sheet):
    for button, name in (("Failed 1", "refused"), ("Waiting 1", "waits_for_slot"), ("Being made 1", "being_made")):
        sheet.get_by_role("button", name=button).click()
        sheet.locator(".card .name", has_text=name).wait_for()
        assert sheet.locator(".card").count() == 1
    sheet.get_by_role("button", name="Failed 1").click()
    sheet.locator(".card.failed", has_text=re.compile("risk control", re.IGNORECASE)).wait_for()


def test_a_click_plays_the_video_and_leads_to_its_task(sheet, pages):
    sheet.locator(".card", has_text="noon.jpg").click()
    video = sheet.locator("dialog video")
    video.evaluate("video => video.readyState > 1 || new Promise(done => { video.oncanplay = done; })")
    assert video.evaluate("video => video.duration") == pytest.approx(3, abs=0.2)
    sheet.get_by_role("button", name="Open its task").click()
    pages.page.wait_for_url(re.compile(rf"/dags/{LAUNCH}/runs/.*/tasks/animate/mapped/\d"))


@pytest.mark.parametrize("options", [{"viewport": PHONE}, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_it_fits_a_phone_and_follows_the_dark(new_pages, launch, options, airflow):
    page = new_pages(**options).page
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card").nth(CARDS - 1).wait_for()
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window
    light = page.locator("#sentence").evaluate("element => parseInt(getComputedStyle(element).color.slice(4))")
    assert (light > 128) is (options.get("color_scheme") == "dark")


def test_nothing_goes_wrong_in_the_browser(new_pages, launch):
    pages, troubles = new_pages(), []
    pages.page.on("pageerror", lambda error: troubles.append(str(error)))
    pages.page.on("response", lambda answer: troubles.append(answer.url) if answer.status >= 400 else None)
    pages.gallery(LAUNCH, launch).locator(".card").nth(CARDS - 1).wait_for()
    pages.page.wait_for_timeout(1000)
    assert [trouble for trouble in troubles if "/kling/" in trouble or "://" not in trouble] == []
