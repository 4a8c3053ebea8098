"""A Dag run whose gallery is full, for who looks around in the demo: a dozen painted pictures become videos."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image, ImageOps

from dev.browser.landscapes import paint_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dev.local_airflow import LocalAirflow

DAG_ID = "kling_folder_of_images"
TASK_ID = "animate"


def fill_gallery(airflow: LocalAirflow, folder: Path, say: Callable[[str], object], timeout: float = 600) -> str:
    """
    Animate a dozen pictures, and return the address of their gallery.

    :param airflow: one in which the examples run.
    :param folder: for pictures and videos.
    :param say: told how far it is.
    :param timeout: seconds.
    """
    pictures = folder / "pictures"
    for picture in paint_all(pictures):
        ImageOps.mirror(Image.open(picture)).save(picture.with_stem(f"{picture.stem}_mirrored"))
    conf = {"folder": pictures.as_uri(), "output_uri": f"{(folder / 'gallery').as_uri()}/"}
    run_id = airflow.trigger_dag(DAG_ID, conf)

    def tell(instances: list[dict[str, object]]) -> None:
        videos = [instance for instance in instances if instance["task_id"] == TASK_ID]
        done = sum(instance["state"] == "success" for instance in videos)
        say(f"{done} of {len(videos)} videos")

    airflow.wait_for_run(DAG_ID, run_id, timeout=timeout, on_progress=tell)
    return f"{airflow.url}/dags/{DAG_ID}/runs/{quote(run_id)}/plugin/kling-gallery"
