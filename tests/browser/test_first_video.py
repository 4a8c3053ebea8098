"""Follows the quickstart page with the wheel, an empty Airflow and a browser until the video plays."""

from __future__ import annotations

import pytest

from dev.browser.pages import DESKTOP
from dev.local_airflow import exit_on_termination
from dev.walk import open_fresh_install, quickstart, run_shell_command, walk

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def install(chromium, tmp_path):
    """Everything that the page installs and starts; without a browser nothing is installed."""
    with exit_on_termination(), open_fresh_install(tmp_path, print) as running:
        yield running


def test_following_the_page_gives_a_video_and_so_does_the_shell_command(chromium, install):
    window = chromium.new_page(viewport=DESKTOP)
    pictures = []
    stored = walk(window, install, lambda name, shown: pictures.append(name))
    window.close()
    assert pictures == ["sign-in", "connection", "extra", "trigger", "waiting", "video", "gallery"]
    made, printed = run_shell_command(install)
    assert made.parent == install.folder / "elsewhere"
    # Two tasks with the same content: the simulator renders equal requests to equal files.
    assert made.name != stored.name
    assert made.read_bytes() == stored.read_bytes()
    expected = ("This costs about 3 units", "Submit it? (y/N)", "Kling accepted task", "Kling charged 3 units")
    assert [text for text in expected if text not in printed] == []
    for file in (stored, stored.with_suffix(".poster.jpg")):
        file.unlink()


def test_a_label_that_the_page_does_not_name_is_an_error():
    assert quickstart.label("Add Connection") == "Add Connection"
    with pytest.raises(LookupError, match="does not say"):
        quickstart.label("Add a link")


def test_the_commands_of_the_page_are_parsed():
    assert quickstart.command("airflow", "standalone") == ["airflow", "standalone"]
    assert quickstart.command("pip", "install")[-2] == "--constraint"
