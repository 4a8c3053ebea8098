"""A real browser that looks at a local Airflow, for the tests in ``tests/browser`` and for ``make screenshots``."""

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.pages import Pages

__all__ = ["BrowserMissingError", "Pages", "open_chromium"]
