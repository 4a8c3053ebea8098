"""Each example Dag runs to success on a real Airflow and leaves the files that it promises."""

from __future__ import annotations

import shutil
import time
from collections import Counter

import av
import pytest
from support import PHOTOGRAPH

from dev import demo
from dev.progress import Steps

pytestmark = pytest.mark.timeout(400)

#: Dag, and how many files it stores, by their ending.
EXAMPLES: dict[str, dict[str, int]] = {
    "kling_quickstart": {"mp4": 1},
    "kling_one_step": {"mp4": 2},
    "kling_first_and_last_frame": {"mp4": 1},
    "kling_motion_brush": {"mp4": 1},
    "kling_camera_control": {"mp4": 1},
    "kling_folder_of_images": {"mp4": 3},
    "kling_batch": {"mp4": 3},
    "kling_content_policy": {},
    "kling_relay": {"mp4": 1},
    "kling_second_generation": {"mp4": 2},
    "kling_omni_video": {"mp4": 2},
    "kling_images": {"png": 2, "mp4": 1},
    "kling_edit_image": {"png": 2},
    "kling_combine_images": {"png": 2, "mp4": 1},
    "kling_try_on": {"png": 1},
    "kling_batch_mix": {"mp4": 1, "png": 2, "mp3": 1, "wav": 1},
    "kling_speech": {"mp3": 1},
    "kling_sound": {"mp3": 2, "wav": 2, "mp4": 1},
    "kling_element": {"mp4": 1},
    "kling_extend": {"mp4": 1},
    "kling_effects": {"mp4": 1},
    "kling_avatar": {"mp4": 1},
    "kling_motion_control": {"mp4": 2},
    "kling_lip_sync": {"mp4": 3},
    "kling_edit_video": {"mp4": 2},
    "kling_views": {"png": 12},
    "kling_voice": {"mp3": 1, "mp4": 1},
    "kling_solution": {"mp4": 1},
    "kling_budget": {"png": 1, "mp4": 1},
    "kling_film": {"png": 1, "mp4": 1, "mp3": 1, "wav": 1},
    "kling_assets": {"mp4": 1},
}

#: What a run is given beside its folder.
CONFIGURATION = {"kling_content_policy": {"prompt": "simulate-risk-control"}}


#: Dags in which a task may fail, or be left out.
BRANCHES = {"kling_content_policy"}

#: What is started by a callback, in tests/e2e/test_callbacks.py.
STARTED_BY_KLING = {"kling_callback"}

#: What waits for somebody to approve it.
APPROVED = {"kling_approval"}

#: Dags that take a folder of images.
FOLDERS = ("kling_batch", "kling_folder_of_images")


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    """What ``make demo-ui`` leaves running, and nothing that a user would have to add."""
    with pytest.MonkeyPatch.context() as caller:
        for name in ("KLINGAI_API_KEY", "KLINGAI_ACCESS_KEY", "KLINGAI_SECRET_KEY"):
            caller.delenv(name, raising=False)
        # All Dags at once, and a processor that also runs the other tests.
        caller.setitem(demo.SIMULATOR, "--video-size", "small")
        steps = Steps(demo.console, ("Kling", "Airflow"))
        with steps, demo.open_airflow(tmp_path_factory.mktemp("demo"), steps) as running:
            yield running


@pytest.fixture(scope="module")
def runs(airflow, tmp_path_factory):
    """All examples, started together."""
    images = tmp_path_factory.mktemp("images")
    for number in range(3):
        shutil.copy(PHOTOGRAPH, images / f"{number}.jpg")
    started = {}
    for dag_id in EXAMPLES:
        folder = tmp_path_factory.mktemp(dag_id)
        extra = {"folder": f"file://{images}"} if dag_id in FOLDERS else {}
        where = {} if dag_id == "kling_content_policy" else {"output_uri": f"file://{folder}/"}
        run_id = airflow.trigger_dag(dag_id, {**where, **CONFIGURATION.get(dag_id, {}), **extra})
        started[dag_id] = (run_id, folder)
    return started


@pytest.mark.parametrize("dag_id", EXAMPLES)
def test_an_example_runs_to_success(airflow, runs, dag_id):
    run_id, folder = runs[dag_id]
    state = airflow.wait_for_run(dag_id, run_id, timeout=300)
    states = airflow.states(dag_id, run_id)
    assert state == "success", states
    if dag_id not in BRANCHES:
        assert set(states.values()) == {"success"}, "each operator that it shows has run"
    files = [path for path in folder.rglob("*") if path.suffix in {".mp4", ".png", ".mp3", ".wav"}]
    assert Counter(path.suffix[1:] for path in files) == EXAMPLES[dag_id]
    for path in files:
        with av.open(str(path)) as container:
            assert next(container.decode(container.streams[0]))


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


def test_a_stored_video_starts_the_dag_that_is_scheduled_by_its_asset(airflow, runs):
    run_id, folder = runs["kling_assets"]
    assert airflow.wait_for_run("kling_assets", run_id, timeout=300) == "success"
    deadline = time.monotonic() + 60
    while not (started := airflow.get("dags/kling_assets_publish/dagRuns")["dag_runs"]):
        assert time.monotonic() < deadline, "no run was started"
        time.sleep(0.5)
    started = started[0]["dag_run_id"]
    assert airflow.wait_for_run("kling_assets_publish", started, timeout=120) == "success"
    (stored,) = folder.rglob("*.mp4")
    assert airflow.xcom("kling_assets_publish", started, "publish") == [f"file://{stored}"]


@pytest.mark.parametrize(("choice", "outcome", "files"), [("Approve", "success", 1), ("Reject", "skipped", 0)])
def test_nothing_is_sent_before_an_approval(airflow, tmp_path, choice, outcome, files):
    run_id = _answered(airflow, f"file://{tmp_path}/", choice) or _answered(airflow, f"file://{tmp_path}/", choice)
    assert airflow.wait_for_run("kling_approval", run_id, timeout=120) == "success"
    assert airflow.states("kling_approval", run_id)["imagine"] == outcome
    assert len(list(tmp_path.rglob("*.mp4"))) == files


def _answered(airflow, output_uri, choice):
    """Start a run and answer it as a person does; ``None`` when Airflow lost the answer, as 3.3.2 did once."""
    run_id = airflow.trigger_dag("kling_approval", {"output_uri": output_uri})
    waiting = {"awaiting_input", "deferred"}
    airflow.wait_for_task("kling_approval", run_id, "approve", waiting, timeout=120)
    assert airflow.states("kling_approval", run_id)["imagine"] is None
    path = f"dags/kling_approval/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    assert "It costs about 3 units, $0.42" in airflow.get(path)["body"]
    time.sleep(3)
    airflow.request("PATCH", path, json={"chosen_options": [choice]})
    deadline = time.monotonic() + 40
    while airflow.task_instance("kling_approval", run_id, "approve")["state"] in waiting:
        if time.monotonic() > deadline:
            return None
        time.sleep(0.5)
    return run_id


def test_every_example_is_here():
    assert {path.stem for path in demo.EXAMPLES.glob("kling_*.py")} == set(EXAMPLES) | STARTED_BY_KLING | APPROVED


@pytest.mark.parametrize("dag_id", [*EXAMPLES, *sorted(STARTED_BY_KLING | APPROVED)])
def test_the_ui_shows_what_an_example_needs(airflow, dag_id):
    airflow.wait_for_dag(dag_id)
    words = airflow.get(f"dags/{dag_id}/details")["doc_md"]
    for heading in ("**What:**", "**When:**", "**Needs:**"):
        assert f"* {heading} " in words
    assert "``" not in words
