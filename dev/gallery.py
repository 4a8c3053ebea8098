"""Fills the gallery of the demo: a Dag run that makes videos of twelve generated images."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import requests

from dev.browser.landscapes import paint_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dev.local_airflow import LocalAirflow

DAG_ID = "kling_batch"
TASK_ID = "animate_all"


def fill_gallery(airflow: LocalAirflow, folder: Path, report: Callable[[str], object], timeout: float = 600) -> str:
    """
    Make videos of twelve images, and return the URL of their gallery.

    :param airflow: one in which the examples run.
    :param folder: folder for images and videos.
    :param report: called with the progress.
    :param timeout: seconds to wait for the run.
    """
    pictures = folder / "pictures"
    paint_all(pictures)
    conf = {"folder": pictures.as_uri(), "output_uri": f"{(folder / 'gallery').as_uri()}/"}
    run_id = airflow.trigger_dag(DAG_ID, conf)

    def report_progress(_instances: list[dict[str, object]]) -> None:
        with suppress(requests.HTTPError):  # no progress yet
            progress = airflow.xcom(DAG_ID, run_id, TASK_ID, key="progress")
            report(f"{progress['done']} of {progress['items']} videos")

    report("waiting for the Dag to be parsed")
    airflow.wait_for_run(DAG_ID, run_id, timeout=timeout, on_progress=report_progress, interval=1)
    return f"{airflow.url}/dags/{DAG_ID}/runs/{quote(run_id, safe=':+')}/plugin/kling-gallery"
