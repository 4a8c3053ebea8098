"""``make walk``: follow the page of the first video in a browser, and keep its pictures for the documentation."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.pages import TALL, VISITOR
from dev.browser.picture import save
from dev.browser.screenshots import FOLDER, say
from dev.local_airflow import unwinding_on_termination
from dev.walk import make_in_a_shell, open_newcomer, walk


def main() -> int:
    """Walk; returns the exit status."""
    with unwinding_on_termination(), tempfile.TemporaryDirectory(prefix="kling-") as folder:
        try:
            _walk(Path(folder))
        except BrowserMissingError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _walk(folder: Path) -> None:
    """Everything that the page says, once."""
    with open_chromium() as chromium, open_newcomer(folder, partial(print, flush=True)) as newcomer:
        page = chromium.new_page(viewport=TALL, **VISITOR)
        stored = walk(page, newcomer, lambda name, shown: say(save(shown.screenshot(), FOLDER / f"walk-{name}")))
        print(f"played {stored}: {stored.stat().st_size} bytes")
        made, printed = make_in_a_shell(newcomer)
        print(printed)
        same = made.read_bytes() == stored.read_bytes()
        print(f"the shell's video is {'the same film' if same else 'another film'}: {made.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
