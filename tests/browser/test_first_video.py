"""The page of the first video, word for word: the wheel, an empty Airflow, a browser, and a video that plays."""

from __future__ import annotations

import pytest

from dev.browser.pages import DESKTOP
from dev.local_airflow import unwinding_on_termination
from dev.walk import make_in_a_shell, open_newcomer, page, walk

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def newcomer(chromium, tmp_path):
    """What the page lets its reader install and start; without a browser nothing is installed."""
    with unwinding_on_termination(), open_newcomer(tmp_path, print) as running:
        yield running


def test_the_page_leads_to_a_video_on_its_task_and_the_shell_makes_the_same(chromium, newcomer):
    window = chromium.new_page(viewport=DESKTOP)
    pictured = []
    stored = walk(window, newcomer, lambda name, shown: pictured.append(name))
    window.close()
    assert pictured == ["sign-in", "connection", "extra", "trigger", "waiting", "video", "gallery"]
    made, printed = make_in_a_shell(newcomer)
    assert made.parent == newcomer.folder / "elsewhere"
    # Two tasks at Kling, and one film: the simulator draws the same for the same request.
    assert made.name != stored.name
    assert made.read_bytes() == stored.read_bytes()
    said = ("This costs about 3 units", "Submit it? (y/N)", "Kling accepted task", "Kling charged 3 units")
    assert [words for words in said if words not in printed] == []
    for file in (stored, stored.with_suffix(".poster.jpg")):
        file.unlink()


def test_what_the_page_does_not_name_is_not_clicked():
    assert page.label("Add Connection") == "Add Connection"
    with pytest.raises(LookupError, match="does not say"):
        page.label("Add a link")


def test_the_commands_of_the_page_are_read_whole():
    assert page.command("airflow", "standalone") == ["airflow", "standalone"]
    assert page.command("pip", "install")[-2] == "--constraint"
