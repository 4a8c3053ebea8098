"""``python -m dev.browser``: see to it that there is a browser, or say in one sentence what to install."""

from __future__ import annotations

import sys

from dev.browser.chromium import BrowserMissingError, find, install


def main() -> int:
    """Return 0 also without a browser: the tests are then skipped and say why."""
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
