"""The tab "Kling" of a task: the video plays, the wait is explained, and foreign text stays text."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from dev.browser.environment import LAUNCH
from dev.browser.pages import PHONE, play

pytestmark = pytest.mark.timeout(600)


def source(frame, element: str = "video") -> str:
    """The address that a player or a picture loads."""
    return frame.locator(element).first.evaluate("element => element.currentSrc || element.src")


@pytest.fixture
def loud(pages):
    """The tab of the browser, and everything that it complains about."""
    complaints = []
    pages.page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    pages.page.on("pageerror", lambda error: complaints.append(str(error)))
    return pages, complaints


def test_the_stored_video_of_a_mapped_task_plays(loud, launch):
    pages, complaints = loud
    statuses = []
    pages.page.on("response", lambda answer: statuses.append(answer.status) if "/api/file" in answer.url else None)
    frame = pages.kling_task(LAUNCH, launch, "animate", 0)
    assert play(frame.locator("video")) > 100
    assert source(frame).startswith(f"{pages.url}/kling/api/file")
    assert set(statuses) == {206}, "a player asks for parts"
    assert complaints == []


def test_a_video_that_was_not_stored_plays_from_kling(loud, launch, simulator):
    pages, complaints = loud
    frame = pages.kling_task(LAUNCH, launch, "draft")
    assert play(frame.locator("video")) > 100
    assert urlsplit(source(frame)).netloc == urlsplit(simulator.url).netloc
    assert complaints == []


def test_a_part_of_the_stored_file_can_be_asked_for(pages, launch):
    address = source(pages.kling_task(LAUNCH, launch, "animate", 0))
    whole = pages.page.request.get(address)
    part = pages.page.request.get(address, headers={"Range": "bytes=100-199"})
    assert (whole.status, part.status) == (200, 206)
    assert part.body() == whole.body()[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.body())}"
    assert part.headers["content-type"] == whole.headers["content-type"] == "video/mp4"
    assert pages.page.request.get(address, headers={"Range": "bytes=99999999-"}).status == 416


def test_a_task_that_kling_refused_shows_what_to_do(pages, launch):
    frame = pages.kling_task(LAUNCH, launch, "refused")
    assert frame.locator(".failure").inner_text().startswith("Change the prompt or the image")
    assert frame.locator("video").count() == 0


@pytest.mark.parametrize(
    ("task_id", "words"),
    [
        ("being_made", ["Being made", "it is being made", "about 3 min"]),
        ("waits_for_slot", ["No slot yet", "a slot at"]),
    ],
)
def test_a_waiting_task_shows_what_it_waits_for(pages, launch, task_id, words):
    text = pages.kling_task(LAUNCH, launch, task_id).locator("main").inner_text()
    assert [word for word in words if word not in text] == []


def test_a_page_that_looks_again_leaves_what_did_not_change(pages, launch):
    """Every five seconds: the keyboard stays on its button, and a picture is not loaded anew."""
    frame = pages.kling_task(LAUNCH, launch, "being_made")
    button = frame.get_by_role("button", name="Copy").first
    button.focus()
    frame.locator(".picture").first.evaluate("picture => { picture.dataset.seen = 'yes'; }")
    since = frame.locator("dd", has_text=" (").first.inner_text()
    for _ in range(2):
        with pages.page.expect_response(lambda answer: "/kling/api/task?" in answer.url):
            pass
    frame.locator(f"dd:text-is('{since}')").wait_for(state="detached")
    assert frame.locator("main").evaluate("() => document.activeElement.textContent") == "Copy"
    assert frame.locator(".picture").first.get_attribute("data-seen") == "yes"


def test_a_stored_result_that_is_gone_plays_from_kling_and_the_page_shows_why(pages, launch, simulator):
    missing = re.compile(r"/kling/api/file.*&index=0")
    pages.page.route(missing, lambda route: _answer_for(route, "&index=9"))
    frame = pages.kling_task(LAUNCH, launch, "animate", 0)
    frame.get_by_text("stored no such file").wait_for()
    assert play(frame.locator("video")) > 100
    assert urlsplit(source(frame)).netloc == urlsplit(simulator.url).netloc


def test_a_result_that_is_gone_everywhere_shows_a_message_and_no_player(pages, launch):
    pages.page.route(re.compile(r"/kling/api/file.*&index=0"), lambda route: _answer_for(route, "&index=9"))
    pages.page.route(
        re.compile(r"/media/|\.mp4"),
        lambda route: route.abort() if "/kling/" not in route.request.url else route.fallback(),
    )
    frame = pages.kling_task(LAUNCH, launch, "animate", 0)
    frame.get_by_text("This browser cannot load it from Kling.").wait_for()
    assert frame.locator("video").count() == 0


def _answer_for(route, other: str) -> None:
    """The real answer for a number that the manifest does not have."""
    route.fulfill(response=route.fetch(url=route.request.url.replace("&index=0", other)))


def test_a_path_is_broken_behind_a_slash(new_pages, launch):
    pages = new_pages(viewport=PHONE)
    frame = pages.kling_task(LAUNCH, launch, "animate", 0)
    pages.page.goto(frame.locator("main").evaluate("() => location.href"))
    shown = pages.page.locator("figcaption .mono").first
    lines = shown.evaluate(
        """shown => [...shown.childNodes].filter(part => part.nodeType === 3).map(part => {
            const range = document.createRange();
            range.selectNodeContents(part);
            return [part.textContent, range.getClientRects().length];
        })"""
    )
    assert lines[-1][0].endswith(".mp4")
    assert lines[-1][1] == 1, "the file's name stands in one line"
    assert "".join(part for part, _ in lines) == shown.inner_text()


def test_a_task_that_is_not_klings_shows_one_line(pages, launch):
    frame = pages.kling_task(LAUNCH, launch, "list_pictures")
    assert frame.locator("main").inner_text() == "This task is not Kling's."


def test_an_image_and_a_sound_have_views_of_their_own(pages, launch):
    image = pages.kling_task(LAUNCH, launch, "cover").locator("section figure img").first
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 100
    sound = pages.kling_task(LAUNCH, launch, "narrate").locator("audio")
    loaded = "audio => audio.duration || new Promise(done => audio.ondurationchange = () => done(audio.duration))"
    assert sound.evaluate(loaded) > 0.5


def test_a_prompt_that_is_a_script_stays_text(airflow, pages, seen):
    prompt = airflow.rendered_fields("seen", seen, "script")["prompt"]
    assert "onerror" in prompt
    frame = pages.kling_task("seen", seen, "script")
    assert frame.locator(".prompt").inner_text() == prompt
    assert frame.locator("img[src=x]").count() == 0
    assert frame.locator("main").evaluate("() => [window.flag, window.parent.flag]") == [None, None]


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("viewer", 200), (None, 403)])
def test_a_page_shows_what_its_user_may_read(airflow, new_pages, launch, role, status):
    pages = new_pages(extra_http_headers={"Authorization": f"Bearer {token_of(airflow, role)}"})
    names = {"dag_id": LAUNCH, "run_id": launch, "task_id": "animate", "map_index": 0}
    query = urlencode(names)
    for route in ("task", "file"):
        more = "&index=0" if route == "file" else ""
        assert pages.page.request.get(f"{pages.url}/kling/api/{route}?{query}{more}").status == status, route
    pages.page.goto(f"{pages.url}/kling/task?{query}")
    words = "Done" if status == 200 else "Ask for the right to read"
    pages.page.get_by_text(words).first.wait_for()
    assert pages.page.locator("video").count() == (status == 200)


def token_of(airflow, role: str | None) -> str:
    """A token as Airflow itself would sign it for a user with another role."""
    own = airflow._token()
    claims = jwt.decode(own, options={"verify_signature": False})
    secret = json.loads((airflow.home / "secrets.json").read_text())["AIRFLOW__API_AUTH__JWT_SECRET"]
    header = jwt.get_unverified_header(own)
    return jwt.encode({**claims, "sub": "somebody", "role": role}, secret, header["alg"], headers=header)


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), (None, 403)])
def test_the_gallery_shows_what_its_user_may_read(airflow, new_pages, launch, role, status):
    request = new_pages(extra_http_headers={"Authorization": f"Bearer {token_of(airflow, role)}"}).page.request
    run = {"dag_id": LAUNCH, "run_id": launch}
    sheet = request.get(f"{airflow.url}/kling/api/run?{urlencode({**run, 'offset': 0, 'limit': 5})}")
    file = request.get(f"{airflow.url}/kling/api/run/file?{urlencode({**run, 'task_id': 'animate', 'map_index': 0})}")
    assert (sheet.status, file.status) == (status, status)


def test_a_card_whose_name_is_a_script_stays_text(pages, seen):
    frame = pages.gallery("seen", seen)
    frame.locator(".card", has_text="onerror").first.wait_for()
    assert frame.locator("img[src=x]").count() == 0
    assert frame.locator("main").evaluate("() => [window.flag, window.parent.flag]") == [None, None]


def test_a_forged_login_reads_nothing(airflow, new_pages, launch):
    forged = jwt.encode({"sub": "admin", "role": "admin", "exp": 9_999_999_999}, "f" * 64, "HS512")
    request = new_pages(extra_http_headers={"Authorization": f"Bearer {forged}"}).page.request
    query = urlencode({"dag_id": LAUNCH, "run_id": launch, "task_id": "animate", "map_index": 0})
    answers = [request.get(f"{airflow.url}/kling/api/{route}?{query}&index=0") for route in ("task", "file")]
    assert {answer.status for answer in answers} <= {401, 403}


def test_the_tab_has_the_dark_theme_of_airflow(new_pages, launch):
    colours = {}
    for scheme in ("light", "dark"):
        pages = new_pages()
        pages.open("dags").evaluate("scheme => localStorage.setItem('theme', scheme)", scheme)
        frame = pages.kling_task(LAUNCH, launch, "animate", 0)
        colours[scheme] = frame.locator("body").evaluate("body => getComputedStyle(body).color")
    assert colours == {"light": "rgb(24, 24, 27)", "dark": "rgb(244, 244, 245)"}


@pytest.mark.parametrize("task_id", ["animate", "refused", "being_made", "cover", "animate_all"])
def test_nothing_is_wider_than_a_phone(new_pages, launch, task_id):
    pages = new_pages(viewport=PHONE)
    frame = pages.kling_task(LAUNCH, launch, task_id, 0 if task_id == "animate" else -1)
    pages.page.goto(frame.locator("main").evaluate("() => location.href"))
    pages.page.locator("h1").wait_for()
    assert pages.scroll_width() == (PHONE["width"], PHONE["width"])
