"""Chromium from the system's packages, controlled by Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium found: install it (on Debian: apt-get install chromium), or name one in CHROMIUM=/path/to/chrome"
# No background network traffic.
OPTIONS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Videos start without a user gesture and without sound.
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]


class BrowserMissingError(RuntimeError):
    """No browser is installed; the message says what to install."""


def find() -> str:
    """The path of Chromium: ``$CHROMIUM``, or the first of :data:`NAMES` that is found."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise BrowserMissingError(f"CHROMIUM={chosen} is not an executable file; {MISSING}")
        return chosen
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise BrowserMissingError(MISSING)
    return found


def install() -> None:
    """Install Debian's package, as root on Debian; a failure is detected later by :func:`find`."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("installing the package chromium with apt-get", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qqy", "install", "--no-install-recommends", "chromium"],
    ):
        subprocess.run(command, env=environment, check=False, stdout=sys.stderr)


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start a headless browser with a new profile; close it at the end."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BrowserMissingError("Playwright is not installed: run make test-browser, which installs it") from None
    # Chromium's sandbox does not work as root.
    options = [*OPTIONS, "--no-sandbox"] if os.geteuid() == 0 else OPTIONS
    program = str(Path(find()))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            browser.close()
