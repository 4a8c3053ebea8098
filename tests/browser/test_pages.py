"""Airflow's own pages, as far as the provider has a part in them: list, form, grid, links, connection, provider."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest

from dev.browser.environment import LAUNCH
from dev.browser.pages import EXTRA_FIELDS

pytestmark = pytest.mark.timeout(600)


def test_the_list_of_dags_names_the_examples_and_filters_by_tag(airflow, pages):
    airflow.wait_for_dag("kling_quickstart")
    page = pages.open("dags?tags=kling")
    page.get_by_role("link", name="kling_quickstart").wait_for()
    assert page.get_by_role("link", name="seen", exact=True).count() == 0


def test_the_form_starts_a_run_with_the_values_that_were_typed(airflow, pages, simulator, tmp_path):
    airflow.wait_for_dag("kling_quickstart")
    folder = f"file://{tmp_path}/"
    run_id = pages.trigger("kling_quickstart", {"prompt": "Typed into the form", "output_uri": folder})
    assert airflow.wait_for_run("kling_quickstart", run_id) == "success"
    assert len(list(tmp_path.rglob("*.mp4"))) == 1
    sent = [request["body"].get("prompt") for request in simulator.requests(method="POST")]
    assert sent.count("Typed into the form") == 1


def test_the_form_describes_what_each_field_accepts(airflow, pages):
    airflow.wait_for_dag("kling_quickstart")
    dialog = pages.trigger_form("kling_quickstart")
    dialog.get_by_text("Path, https URL or storage URI of an image").wait_for()
    assert dialog.locator("[name=element_prompt]").input_value() == "The rocket lifts off, smoke rolls over the pad"


def test_the_grid_shows_each_task_with_its_state(pages, seen):
    page = pages.run("seen", seen)
    for task_id in ("plain", "stored", "linked", "refused"):
        page.get_by_role("link", name=task_id, exact=True).first.wait_for()
    states = {task_id: _state_in_grid(page, seen, task_id) for task_id in ("stored", "refused")}
    assert states == {"stored": "success", "refused": "failed"}


def _state_in_grid(page, run_id: str, task_id: str) -> str:
    cell = page.locator(f'a[href*="/runs/"][href$="/tasks/{task_id}"]').first
    cell.hover()
    words = page.get_by_role("tooltip").filter(has_text=f"Task ID: {task_id}").inner_text()
    return re.search(r"State: *(\w+)", words)[1].lower()


def test_the_result_link_is_on_the_last_tab_and_leads_to_the_video(pages, simulator, seen):
    page = pages.task("seen", seen, "linked", "details")
    link = page.get_by_role("link", name="Kling video")
    link.wait_for()
    address = link.get_attribute("href")
    assert urlsplit(address).netloc == urlsplit(simulator.url).netloc
    assert page.request.get(address).headers["content-type"] == "video/mp4"


def test_the_button_of_a_batch_opens_the_gallery_of_its_run(pages, launch):
    page = pages.task(LAUNCH, launch, "animate_all", "details")
    page.goto(urljoin(page.url, page.get_by_role("link", name="Kling gallery").get_attribute("href")))
    page.frame_locator("iframe").locator(".card", has_text="shore-wide").wait_for()


@pytest.mark.parametrize(("task_id", "name"), [("cover", "Kling image"), ("narrate", "Kling sound")])
def test_the_button_is_called_after_what_it_opens(pages, launch, task_id, name):
    link = pages.task(LAUNCH, launch, task_id, "details").get_by_role("link", name=name)
    assert pages.page.request.get(link.get_attribute("href")).ok


def test_the_button_of_a_transfer_leads_to_the_video_at_kling(airflow, pages, simulator, tmp_path):
    run_id = airflow.trigger_dag("kling_quickstart", {"output_uri": f"{tmp_path.as_uri()}/"})
    assert airflow.wait_for_run("kling_quickstart", run_id) == "success"
    (stored,) = tmp_path.glob("*.mp4")
    link = pages.task("kling_quickstart", run_id, "store", "details").get_by_role("link", name="Kling video")
    address = link.get_attribute("href")
    assert urlsplit(address).netloc == urlsplit(simulator.url).netloc
    assert pages.page.request.get(address).body() == stored.read_bytes()


def test_the_log_of_a_refused_task_has_the_reason(pages, seen):
    page = pages.task("seen", seen, "refused")
    page.get_by_text("Failure to pass the risk control system").first.wait_for()


def test_the_connection_form_has_klings_words(pages):
    dialog = pages.connection_form()
    for label in ("Base URL", "AccessKey", "API key or SecretKey"):
        dialog.get_by_text(label, exact=True).wait_for()
    for hidden in ("Port", "Schema"):
        assert dialog.get_by_text(hidden, exact=True).count() == 0
    assert dialog.locator("[name=host]").get_attribute("placeholder") == "https://api-singapore.klingai.com"
    assert dialog.locator("[name=login]").get_attribute("placeholder") == "empty for an API key"
    dialog.get_by_role("button", name=EXTRA_FIELDS).click()
    dialog.get_by_text("Allow results from private addresses").wait_for()


def test_a_connection_of_the_form_is_stored_as_it_was_typed(airflow, pages, simulator):
    dialog = pages.connection_form()
    dialog.locator("[name=connection_id]").fill("kling_typed")
    dialog.locator("[name=host]").fill(simulator.url)
    dialog.locator("[name=password]").fill(simulator.api_key)
    dialog.get_by_role("button", name=EXTRA_FIELDS).click()
    dialog.locator("label", has=pages.page.locator("[name=element_allow_private_urls]")).click()
    dialog.get_by_role("button", name="Save").click()
    pages.page.get_by_role("row").filter(has_text="kling_typed").wait_for()
    stored = airflow.get("connections/kling_typed")
    assert (stored["conn_type"], stored["host"]) == ("kling", simulator.url)
    assert '"allow_private_urls": true' in stored["extra"]


@pytest.mark.parametrize(
    ("key", "outcome"), [("right", "Test Connection Successful"), ("wrong", "Test Connection Failed")]
)
def test_the_test_button_asks_kling(airflow, pages, simulator, key, outcome):
    """With a port: Airflow 3.3.2 takes a stored connection without one for another and refuses to test it."""
    password = simulator.api_key if key == "right" else "api-key-kling-" + "0" * 38
    fields = {"conn_type": "kling", "host": simulator.url, "port": urlsplit(simulator.url).port, "password": password}
    airflow.add_connection(f"kling_{key}", fields)
    row = pages.open("connections").get_by_role("row").filter(has_text=f"kling_{key}")
    row.get_by_role("button", name="Test Connection").click()
    pages.page.get_by_text(outcome).first.wait_for()


def test_the_page_of_providers_lists_this_one(pages):
    page = pages.open("providers")
    row = page.get_by_role("row").filter(has_text="airflow-provider-kling")
    row.get_by_text("Video generation with Kling AI").wait_for()
