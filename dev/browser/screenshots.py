"""``make screenshots``: create the screenshots of the documentation from a real Airflow in a real browser."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.demo_animation import make_animation
from dev.browser.environment import open_environment
from dev.browser.picture import save
from dev.browser.screens import SCREENS, ScreenTarget, take
from dev.local_airflow.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

STATIC = REPOSITORY / "docs" / "_static"
FOLDER = STATIC / "screenshots"
ANIMATION = STATIC / "demo.webp"


def main(names: list[str]) -> int:
    """Create the named pictures, or all and the animation."""
    wanted = names or [*SCREENS, ANIMATION.stem]
    if unknown := set(wanted) - {*SCREENS, ANIMATION.stem}:
        print(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join([*SCREENS, ANIMATION.stem])}")
        return 2
    try:
        make(wanted)
    except BrowserMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make(names: list[str]) -> None:
    """Write the named pictures."""
    with (
        open_chromium() as chromium,
        _folder() as folder,
        open_environment(folder, video_size="full") as environment,
    ):
        if ANIMATION.stem in names:
            make_animation(chromium, environment, ANIMATION)
            say(ANIMATION)
        chosen = [name for name in names if name in SCREENS]
        target = ScreenTarget(environment, environment.launch() if chosen else "")
        for name in chosen:
            say(save(take(name, chromium, target), FOLDER / name))


@contextmanager
def _folder() -> Iterator[Path]:
    """An empty folder with a fixed name, since screenshots show paths; a random name if that one exists."""
    named = Path(tempfile.gettempdir()) / "spring"
    try:
        named.mkdir(mode=0o700)
    except FileExistsError:
        with tempfile.TemporaryDirectory(prefix="kling-") as folder:
            yield Path(folder)
    else:
        try:
            yield named
        finally:
            shutil.rmtree(named)


def say(file: Path) -> None:
    """Print a picture's path and size."""
    print(f"{file.relative_to(REPOSITORY)}: {file.stat().st_size / 1024:.0f} KiB", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
