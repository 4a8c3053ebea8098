"""``make walk``: follow the quickstart page in a browser and save its screenshots for the documentation."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.pages import CONTEXT_OPTIONS, TALL
from dev.browser.picture import save
from dev.browser.screenshots import FOLDER, say
from dev.local_airflow import exit_on_termination
from dev.walk import open_fresh_install, run_shell_command, walk


def main() -> int:
    """Follow the page; returns the exit status."""
    with exit_on_termination(), tempfile.TemporaryDirectory(prefix="kling-") as folder:
        try:
            _walk(Path(folder))
        except BrowserMissingError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _walk(folder: Path) -> None:
    """Follow every step of the page once."""
    with open_chromium() as chromium, open_fresh_install(folder, partial(print, flush=True)) as install:
        page = chromium.new_page(viewport=TALL, **CONTEXT_OPTIONS)
        stored = walk(page, install, lambda name, shot: say(save(shot, FOLDER / f"walk-{name}")))
        print(f"played {stored}: {stored.stat().st_size} bytes")
        made, printed = run_shell_command(install)
        print(printed)
        same = made.read_bytes() == stored.read_bytes()
        print(f"the shell's video is {'the same' if same else 'different'}: {made.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
