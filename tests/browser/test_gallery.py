"""The gallery of a Dag run in a real browser: cards, clicks, keyboard and layout."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.browser.environment import LAUNCH
from dev.browser.pages import PHONE

pytestmark = pytest.mark.timeout(400)

#: Six mapped tasks, six items of a batch, and six tasks of their own.
CARDS = 18
#: One of which there is nothing yet, as the page gets it.
WAITING_CARD = {
    "task_id": "animate",
    "map_index": -1,
    "holder": ["animate", -1],
    "state": "waiting",
    "files": 0,
    "poster": False,
    **dict.fromkeys(("units", "kind", "shows", "result_id", "link", "message", "kling_task_id"), ""),
}


@pytest.fixture
def sheet(pages, launch):
    """The gallery of the run with everything in it."""
    frame = pages.gallery(LAUNCH, launch)
    frame.locator(".card").nth(CARDS - 1).wait_for()
    return frame


def test_all_results_of_the_run_are_on_one_page(sheet):
    assert sheet.locator(".card").count() == CARDS
    words = sheet.locator("#sentence").inner_text()
    assert words.startswith("15 of 18 done, 1 being made, 1 waiting for a slot, 1 failed, about ")
    names = sheet.locator(".card .name").all_inner_texts()
    assert {"dawn.jpg", "snow-wide", "cover", "narrate"} <= set(names)


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


def test_images_and_players_have_names(sheet):
    cover = sheet.locator(".card", has_text="cover")
    assert cover.locator("img").get_attribute("alt") == "", "its name stands beside it"
    cover.click()
    assert sheet.locator("dialog img").get_attribute("alt") == "cover"
    sheet.locator("#close").click()
    sheet.locator(".card", has_text="noon.jpg").click()
    assert sheet.locator("dialog video").get_attribute("aria-label") == "noon.jpg"
    assert sheet.get_by_role("dialog", name="noon.jpg").count() == 1


@pytest.mark.parametrize(("wish", "plays"), [("no-preference", True), ("reduce", False)])
def test_reduced_motion_disables_autoplay(new_pages, launch, airflow, wish, plays):
    page = new_pages(reduced_motion=wish).page
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card", has_text="noon.jpg").click()
    video = page.locator("dialog video")
    video.evaluate("video => video.readyState > 2 || new Promise(done => { video.oncanplay = done; })")
    page.wait_for_timeout(500)
    assert video.evaluate("video => !video.paused") is plays


def test_the_keyboard_stays_on_a_filter_that_it_has_pressed(new_pages, launch, airflow):
    page = new_pages().page
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    failed = page.get_by_role("button", name="Failed 1")
    failed.focus()
    with page.expect_response(re.compile("show=failed")):
        page.keyboard.press("Enter")
    page.locator(".card.done").first.wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Failed 1"
    assert failed.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Waiting 1"


def test_who_has_no_keyboard_continues_in_the_viewer_too(sheet):
    names = sheet.locator(".card .name").all_inner_texts()
    sheet.locator(".card").first.click()
    before, after = (sheet.get_by_role("button", name=f"{way} result") for way in ("Previous", "Next"))
    assert before.is_disabled()
    after.click()
    after.click()
    assert sheet.locator("#viewer-name").inner_text() == names[2]
    before.click()
    assert sheet.locator("#viewer-name").inner_text() == names[1]
    sheet.locator("#close").click()
    sheet.locator(".card").last.click()
    assert after.is_disabled()


def test_the_viewer_goes_on_past_the_cards_that_are_there(new_pages, launch, airflow):
    page = new_pages().page
    page.route(re.compile(r"/kling/api/run\?"), lambda route: _page_of(route, 130))
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card", has_text="card 59").click()
    for number in range(60, 130):
        page.locator("#after:enabled").click()
        page.locator(f"#viewer-name:text-is('card {number}')").wait_for()
    assert page.locator("#after").is_disabled()


def _page_of(route, total: int) -> None:
    """A page of a sheet with as many cards as a test wants; they wait, so that no file is asked for."""
    answer, asked = route.fetch(), parse_qs(urlsplit(route.request.url).query)
    body = answer.json()
    first = int(asked["offset"][0])
    numbers = range(first, min(first + int(asked["limit"][0]), total))
    cards = [{**WAITING_CARD, "item": number, "name": f"card {number}"} for number in numbers]
    route.fulfill(response=answer, json={**body, "cards": cards, "total": total, "refresh_seconds": 0})


def test_a_stored_video_that_is_gone_plays_from_kling_and_the_viewer_shows_why(sheet, pages, environment):
    """The answer for the file is replaced by the one for a file that is not there."""
    pages.page.route(re.compile(r"/api/run/file.*&index=0"), _answer_as_for_a_missing_file)
    sheet.locator(".card", has_text="noon.jpg").click()
    sheet.locator("dialog").get_by_text("stored no such file").wait_for()
    video = sheet.locator("dialog video")
    video.evaluate("video => video.readyState > 1 || new Promise(done => { video.oncanplay = done; })")
    assert video.evaluate("video => video.src").startswith(environment.kling.url)


def _answer_as_for_a_missing_file(route) -> None:
    """The real answer for a number that the manifest does not have."""
    route.fulfill(response=route.fetch(url=route.request.url.replace("&index=0", "&index=9")))


@pytest.mark.parametrize("wide", [320, 390, 640])
def test_names_of_any_length_and_direction_fit_a_phone(new_pages, launch, airflow, wide):
    page = new_pages(viewport={"width": wide, "height": 700}).page
    names = ["غروب الشمس فوق التلال البعيدة.jpg", "🚀🌅 " * 30, "a_name_without_any_place_to_break_" * 4, "sea.jpg"]
    page.route(re.compile(r"/kling/api/run\?"), lambda route: _with_names(route, names))
    page.goto(f"{airflow.url}/kling/gallery?dag_id={LAUNCH}&run_id={launch}")
    page.locator(".card").nth(3).wait_for()
    shown = page.locator(".card .name")
    assert [shown.nth(number).evaluate("name => getComputedStyle(name).direction") for number in (0, 3)] == [
        "rtl",
        "ltr",
    ]
    clipped = "all => all.filter(box => box.scrollWidth > box.clientWidth).map(box => box.textContent)"
    assert page.locator(".card .says, #filters button, #sentence").evaluate_all(clipped) == []
    assert page.evaluate("document.documentElement.scrollWidth") == wide
    page.locator(".card").nth(2).click()
    assert page.locator("#close").bounding_box()["x"] + page.locator("#close").bounding_box()["width"] < wide
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0


def _with_names(route, names: list[str]) -> None:
    """A sheet of four cards that wait for a slot, each with a name and much to pay."""
    answer = route.fetch()
    body = answer.json()
    like = next(card for card in body["cards"] if card["poster"])
    cards = [{**like, "name": name, "state": "slot", "units": "1234.55"} for name in names]
    counts = dict.fromkeys(body["counts"], 1000)
    route.fulfill(response=answer, json={**body, "cards": cards, "total": len(cards), "counts": counts})


def test_filters_show_what_failed_and_what_waits(sheet):
    for button, name in (("Failed 1", "refused"), ("Waiting 1", "waits_for_slot"), ("Being made 1", "being_made")):
        sheet.get_by_role("button", name=button).click()
        # Until the response has come, the cards of the filter before stay, dimmed.
        sheet.locator("#sheet[aria-busy=false]").wait_for()
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
def test_it_fits_a_phone_and_follows_the_dark_theme(new_pages, launch, options, airflow):
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
