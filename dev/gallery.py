"""A Dag run whose gallery is full, for who looks around in the demo: a dozen painted pictures become videos."""

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


def fill_gallery(airflow: LocalAirflow, folder: Path, say: Callable[[str], object], timeout: float = 600) -> str:
    """
    Animate a dozen pictures, and return the address of their gallery.

    :param airflow: one in which the examples run.
    :param folder: for pictures and videos.
    :param say: told how far it is.
    :param timeout: seconds.
    """
    pictures = folder / "pictures"
    paint_all(pictures)
    conf = {"folder": pictures.as_uri(), "output_uri": f"{(folder / 'gallery').as_uri()}/"}
    run_id = airflow.trigger_dag(DAG_ID, conf)

    def tell(_instances: list[dict[str, object]]) -> None:
        with suppress(requests.HTTPError):  # it has not begun to count
            progress = airflow.xcom(DAG_ID, run_id, TASK_ID, key="progress")
            say(f"{progress['done']} of {progress['items']} videos")

    say("waiting for the Dag to be parsed")
    airflow.wait_for_run(DAG_ID, run_id, timeout=timeout, on_progress=tell, interval=1)
    return f"{airflow.url}/dags/{DAG_ID}/runs/{quote(run_id, safe=':+')}/plugin/kling-gallery"
