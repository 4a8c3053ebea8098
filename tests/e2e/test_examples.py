"""Each example Dag runs to success on a real Airflow and leaves the videos that it promises."""

from __future__ import annotations

import shutil

import av
import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.simulator import KlingSimulator, Settings

pytestmark = pytest.mark.timeout(400)

#: Dag, configuration beside the folder, number of stored videos.
EXAMPLES = [
    ("kling_quickstart", {}, 1),
    ("kling_one_step", {}, 2),
    ("kling_first_and_last_frame", {}, 1),
    ("kling_motion_brush", {}, 1),
    ("kling_camera_control", {}, 1),
    ("kling_folder_of_images", {}, 3),
    ("kling_batch", {}, 3),
    ("kling_content_policy", {"prompt": "simulate-risk-control"}, 0),
    ("kling_relay", {}, 1),
]


#: Dags that take a folder of images.
FOLDERS = ("kling_batch", "kling_folder_of_images")


@pytest.fixture(scope="module")
def runs(airflow, tmp_path_factory):
    """All examples, started together."""
    images = tmp_path_factory.mktemp("images")
    for number in range(3):
        shutil.copy(PHOTOGRAPH, images / f"{number}.jpg")
    airflow.set_pool("kling", 2, include_deferred=True)
    with KlingSimulator(Settings(seconds=3, video_size="small", path_prefix="/kling")) as relay:
        connection = {
            "conn_type": "kling",
            "host": relay.url,
            "password": relay.api_key,
            "extra": {"allow_private_urls": True},
        }
        airflow.add_connection("kling_relay", connection)
        started = {}
        for dag_id, conf, _ in EXAMPLES:
            folder = tmp_path_factory.mktemp(dag_id)
            extra = {"folder": f"file://{images}"} if dag_id in FOLDERS else {}
            where = {} if dag_id == "kling_content_policy" else {"output_uri": f"file://{folder}/"}
            run_id = airflow.trigger_dag(dag_id, {**where, **conf, **extra})
            started[dag_id] = (run_id, folder)
        yield started


@pytest.mark.parametrize(("dag_id", "conf", "videos"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_an_example_runs_to_success(airflow, runs, dag_id, conf, videos):
    run_id, folder = runs[dag_id]
    state = airflow.wait_for_run(dag_id, run_id, timeout=300)
    assert state == "success", airflow.states(dag_id, run_id)
    files = sorted(folder.rglob("*.mp4"))
    assert len(files) == videos
    for path in files:
        with av.open(str(path)) as container:
            assert next(container.decode(video=0)).width > 100


def test_a_refused_prompt_takes_its_branch(airflow, runs):
    run_id, _ = runs["kling_content_policy"]
    airflow.wait_for_run("kling_content_policy", run_id, timeout=300)
    states = airflow.states("kling_content_policy", run_id)
    assert states == {
        "animate": "failed",
        "what_happened": "success",
        "publish": "skipped",
        "ask_for_another_prompt": "success",
    }
    assert airflow.task_instance("kling_content_policy", run_id, "animate")["try_number"] == 1


def test_every_example_is_here(airflow):
    from pathlib import Path

    folder = Path(__file__).parents[2] / "example_dags"
    assert {path.stem for path in folder.glob("kling_*.py")} == {row[0] for row in EXAMPLES}
