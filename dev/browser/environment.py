"""An Airflow for screenshots: the examples, a run with tasks in all states, and three simulated accounts."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import requests

from airflow_provider_kling.simulator import KlingSimulator, Settings
from dev.browser.landscapes import paint_all
from dev.demo import EXAMPLES, RETRIES
from dev.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAGS = Path(__file__).parent / "dags"
PHOTOGRAPH = EXAMPLES / "images" / "rocket.jpg"
LAUNCH = "product_launch"
#: Tasks of a launch that never end, because those of their simulator never do.
WAITING = frozenset({"being_made", "waits_for_slot"})
FOREVER = 24 * 3600.0


@dataclass(frozen=True)
class BrowserEnvironment:
    """The running Airflow and simulator, and the folders for images and videos."""

    airflow: LocalAirflow
    kling: KlingSimulator
    pictures: Path
    videos: Path
    photograph: Path

    def launch(self, timeout: float = 240) -> str:
        """Trigger the run and wait until only the tasks that never end are left."""
        conf = {"folder": self.pictures.as_uri(), "output_uri": f"{self.videos.as_uri()}/"}
        run_id = self.airflow.trigger_dag(LAUNCH, conf, "spring_launch")
        for task_id in ("animate_all", "cover", "narrate", "draft", "refused"):
            self.airflow.wait_for_task(LAUNCH, run_id, task_id, {"success", "failed"}, timeout)
        for number in range(len(list(self.pictures.iterdir())) // 2):  # the other half are items of the batch
            self.airflow.wait_for_task(LAUNCH, run_id, "animate", {"success", "failed"}, timeout, map_index=number)
        for task_id in WAITING:
            self.airflow.wait_for_task(LAUNCH, run_id, task_id, {"deferred"}, timeout)
        return run_id


@contextmanager
def open_environment(
    folder: Path, more_dags: Sequence[Path] = (), *, video_size: Literal["full", "small"] = "small"
) -> Iterator[BrowserEnvironment]:
    """Start Airflow and three simulators; stop them at the end."""
    with ExitStack() as stack:

        def kling(**settings: Any) -> KlingSimulator:
            wanted = Settings(video_size=video_size, retired="accept", **settings)
            return stack.enter_context(KlingSimulator(wanted))

        quick, slow, full = (
            kling(seconds=3, concurrency=20),
            kling(seconds=FOREVER),
            kling(seconds=FOREVER, concurrency=1),
        )
        _fill_slot(full)
        accounts = {"kling_default": quick, "kling_slow": slow, "kling_full": full}
        folders = [EXAMPLES, DAGS, *more_dags]
        airflow = stack.enter_context(LocalAirflow(folder / "airflow", folders, RETRIES, fresh=True))
        for name, account in accounts.items():
            airflow.add_connection(name, connection_to(account))
        pictures = folder / "pictures"
        paint_all(pictures)
        photograph = folder / PHOTOGRAPH.name
        shutil.copy(PHOTOGRAPH, photograph)
        yield BrowserEnvironment(airflow, quick, pictures, folder / "videos", photograph)


def connection_to(kling: KlingSimulator) -> dict[str, Any]:
    """The fields of a connection to a simulator."""
    extra = {"allow_private_urls": True}
    return {"conn_type": "kling", "host": kling.url, "password": kling.api_key, "extra": extra}


def _fill_slot(kling: KlingSimulator) -> None:
    """Use the only slot of an account."""
    body = {"model_name": "kling-v3", "prompt": "A video that never ends", "duration": "5"}
    headers = {"Authorization": f"Bearer {kling.api_key}"}
    requests.post(f"{kling.url}/v1/videos/text2video", json=body, headers=headers, timeout=30).raise_for_status()
