"""``make gallery``: run the example Dags and save frames of their results for the documentation."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from PIL import Image

from dev import demo
from dev.pictures import PICTURES, frame_at, save_sheet, wave
from dev.progress import Steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dev.local_airflow import LocalAirflow
    from dev.local_airflow.rest import TaskInstances

MAX_TILES = 4
POSTER = ".poster.jpg"
FRAME_POSITIONS = (0.0, 0.5, 1.0)
#: Dags whose runs are triggered by another Dag.
TRIGGERED_BY_OTHERS = {"kling_callback"}
#: An operator that waits for a user's approval, and its states while it waits.
APPROVAL, WAITS = "ApprovalOperator", {"awaiting_input", "deferred"}
VIDEOS, IMAGES, SOUNDS = {".mp4"}, {".png", ".jpg"}, {".mp3"}


def main(names: list[str]) -> int:
    """
    Run the named examples, or all, and write an image with frames for each that stores a result.

    :param names: names of Dags.
    """
    files = [file for file in sorted(demo.EXAMPLES.glob("kling_*.py")) if file.stem not in TRIGGERED_BY_OTHERS]
    dags = {file.stem: file.read_text() for file in files}
    chosen = {
        name: text for name, text in dags.items() if '"output_uri": Param' in text and (not names or name in names)
    }
    demo.SIMULATOR["--video-size"] = "small"
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        steps = stack.enter_context(Steps(demo.console, ("Kling", "Airflow", "examples")))
        airflow = stack.enter_context(demo.open_airflow(made / "airflow", steps))
        # One after the other: all at once overload the SQLite database of the local Airflow.
        for count, (name, text) in enumerate(chosen.items(), 1):
            run_id, folder = _start(airflow, name, text, made)
            state = airflow.wait_for_run(name, run_id, timeout=900, on_progress=partial(_approve, airflow), interval=1)
            steps.show("examples", f"{count} of {len(chosen)}: {name} {state}")
            if tiles := _tiles(sorted(folder.rglob("*"))):
                save_sheet(f"gallery/{name}", tiles)
    return 0


def _start(airflow: LocalAirflow, name: str, text: str, made: Path) -> tuple[str, Path]:
    folder = made / name
    folder.mkdir()
    conf = {"output_uri": f"{folder.as_uri()}/"}
    if '"folder": Param' in text:
        images = made / f"{name}_images"
        shutil.copytree(demo.EXAMPLES / "images", images, ignore=shutil.ignore_patterns("*.md", "*mask*"))
        conf["folder"] = images.as_uri()
    airflow.wait_for_dag(name)
    return airflow.trigger_dag(name, conf), folder


def _approve(airflow: LocalAirflow, instances: TaskInstances) -> None:
    """Approve each task that waits for an approval."""
    for instance in instances:
        if instance["operator"] == APPROVAL and instance["state"] in WAITS:
            names = [instance[name] for name in ("dag_id", "dag_run_id", "task_id")]
            path = "dags/{}/dagRuns/{}/taskInstances/{}/-1/hitlDetails".format(*names)
            with suppress(requests.HTTPError):  # not asked yet, or already answered
                airflow.request("PATCH", path, json={"chosen_options": ["Approve"]})


def _tiles(files: Iterable[Path]) -> list[Image.Image]:
    """Three frames of a single video, or one tile per result; posters are skipped, because their videos are shown."""
    shown = [file for file in files if file.suffix in VIDEOS | IMAGES | SOUNDS and not file.name.startswith(".")]
    made = [file for file in shown if not file.name.endswith(POSTER)]
    if len(made) == 1 and made[0].suffix in VIDEOS:
        return [frame_at(made[0].read_bytes(), part) for part in FRAME_POSITIONS]
    return [_tile(file) for file in made[:MAX_TILES]]


def _tile(file: Path) -> Image.Image:
    if file.suffix in VIDEOS:
        return frame_at(file.read_bytes(), 0.5)
    if file.suffix in SOUNDS:
        return wave(file.read_bytes())
    return Image.open(file).convert("RGB")


if __name__ == "__main__":
    PICTURES.joinpath("gallery").mkdir(exist_ok=True)
    sys.exit(main(sys.argv[1:]))
