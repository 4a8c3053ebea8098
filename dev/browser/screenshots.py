"""``make screenshots``: the pictures of the documentation, made again from a real Airflow in a real browser."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dev.browser.chromium import BrowserMissingError, open_chromium
from dev.browser.demo_film import make_film
from dev.browser.picture import save
from dev.browser.scenes import SCENES, Scenery, take
from dev.browser.stage import open_stage
from dev.local_airflow.settings import REPOSITORY

STATIC = REPOSITORY / "docs" / "_static"
FOLDER = STATIC / "screenshots"
FILM = STATIC / "demo.webp"


def main(names: list[str]) -> int:
    """Make all pictures and the moving one, or those that are named."""
    wanted = names or [*SCENES, FILM.stem]
    if unknown := set(wanted) - {*SCENES, FILM.stem}:
        print(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join([*SCENES, FILM.stem])}")
        return 2
    try:
        make(wanted)
    except BrowserMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def make(names: list[str]) -> None:
    """Write the pictures that are named."""
    with (
        open_chromium() as chromium,
        tempfile.TemporaryDirectory(prefix="kling-") as folder,
        open_stage(Path(folder)) as stage,
    ):
        if FILM.stem in names:
            make_film(chromium, stage, FILM)
            say(FILM)
        chosen = [name for name in names if name in SCENES]
        scenery = Scenery(stage, stage.launch() if chosen else "")
        for name in chosen:
            say(save(take(name, chromium, scenery), FOLDER / name))


def say(file: Path) -> None:
    """Print a picture's path and size."""
    print(f"{file.relative_to(REPOSITORY)}: {file.stat().st_size / 1024:.0f} KiB", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
