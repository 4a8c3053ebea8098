"""Opens a local Airflow in a real browser, for ``tests/browser`` and ``make screenshots``."""

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.pages import Pages

__all__ = ["BrowserMissingError", "Pages", "open_chromium"]
