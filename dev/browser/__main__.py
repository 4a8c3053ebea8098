"""``python -m dev.browser``: install a browser if needed and possible; else print what to install."""

from __future__ import annotations

import sys

from dev.browser.chromium import BrowserMissingError, find, install


def main() -> int:
    """Returns 0 even without a browser: the tests are skipped then."""
    try:
        find()
    except BrowserMissingError:
        install()
    try:
        print(f"browser: {find()}", file=sys.stderr)
    except BrowserMissingError as error:
        print(error, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
