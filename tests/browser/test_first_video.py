"""The way of the quickstart: from an Airflow without connection and Dag to a video that plays on the task's page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_kling.simulator import KlingSimulator, Settings
from dev.browser import Pages
from dev.browser.pages import DESKTOP, EXTRA_FIELDS, play
from dev.demo import RETRIES
from dev.local_airflow import LocalAirflow

pytestmark = pytest.mark.timeout(600)

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def empty(chromium, tmp_path):
    """An Airflow that knows nothing of Kling but the provider; its Dags folder is empty."""
    (tmp_path / "dags").mkdir()
    with LocalAirflow(tmp_path / "airflow", tmp_path / "dags", RETRIES) as running:
        yield running


def test_an_empty_airflow_shows_a_video_by_what_the_quickstart_says(chromium, empty, tmp_path):
    with KlingSimulator(Settings(seconds=3, video_size="small")) as kling:
        pages = Pages(chromium.new_page(viewport=DESKTOP), empty.url)
        pages.page.set_default_timeout(60_000)
        _connect(pages, kling)
        code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
        (tmp_path / "dags" / "first.py").write_text(code.replace("file:///tmp/kling/", f"{tmp_path.as_uri()}/"))
        empty.wait_for_dag("paper_boat", timeout=120)
        run_id = pages.trigger("paper_boat", {})
        assert empty.wait_for_run("paper_boat", run_id, timeout=200) == "success"
        frame = pages.kling_task("paper_boat", run_id, "imagine")
        assert play(frame.locator("video")) > 100
        assert frame.locator(".prompt").inner_text() == "A paper boat sails through a puddle, macro shot"
        pages.page.close()
    assert len(list(tmp_path.glob("*.mp4"))) == 1


def _connect(pages: Pages, kling: KlingSimulator) -> None:
    """Step 1: the connection, typed into the form."""
    dialog = pages.connection_form()
    dialog.locator("[name=connection_id]").fill("kling_default")
    dialog.locator("[name=host]").fill(kling.url)
    dialog.locator("[name=password]").fill(kling.api_key)
    dialog.get_by_role("button", name=EXTRA_FIELDS).click()
    dialog.locator("label", has=pages.page.locator("[name=element_allow_private_urls]")).click()
    dialog.get_by_role("button", name="Save").click()
    pages.page.get_by_role("row").filter(has_text="kling_default").wait_for()
