"""The checker of the chaos runs must detect every kind of broken promise."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from dev.chaos.checker import File, KlingTask, Submission, check
from dev.chaos.crash_points import IN_TRIGGERER, STEP_LABELS, VARIANTS, CrashPoints

LABEL = "chaos_store wave-1 0"
RISK = "Failure to pass the risk control system"


def paid(task_id: str = "1", label: str = LABEL) -> KlingTask:
    return KlingTask(task_id, label, "succeed")


def failed(task_id: str = "1", message: str = RISK) -> KlingTask:
    return KlingTask(task_id, LABEL, "failed", message)


def success(task_id: str = "1", files: tuple[File, ...] | None = None) -> Submission:
    return Submission(LABEL, "success", task_id, files=files)


def test_one_submission_one_charge_one_delivery_is_clean():
    verdict = check([success(files=(File("file:///a.mp4"),))], [paid()])
    assert verdict.clean
    assert (verdict.submissions, verdict.charged, verdict.delivered) == (1, 1, 1)


def test_two_paid_tasks_are_a_duplicate():
    verdict = check([success()], [paid("1"), paid("2")])
    assert not verdict.clean
    assert verdict.duplicates == [f"{LABEL}: paid 2 times, 1 (succeed), 2 (succeed)"]


def test_a_second_task_that_still_runs_is_a_duplicate_too():
    assert check([success()], [paid("1"), KlingTask("2", LABEL, "processing")]).duplicates


def test_an_attempt_after_a_failed_task_is_not_a_duplicate():
    verdict = check([success("2")], [failed("1"), paid("2")])
    assert verdict.clean
    assert verdict.charged == 1


def test_a_task_without_a_submission_is_a_duplicate():
    verdict = check([success()], [paid(), paid("7", "chaos_store wave-1 99")])
    assert verdict.duplicates == ["chaos_store wave-1 99: no submission for 7 (succeed)"]
    assert verdict.charged == 2


def test_a_paid_task_that_airflow_failed_is_a_loss():
    verdict = check([Submission(LABEL, "failed", reason="killed")], [paid()])
    assert verdict.losses == [f"{LABEL}: paid as 1 (succeed) but it failed: killed"]


def test_another_id_than_the_paid_one_is_a_loss():
    assert check([success("2")], [paid("1")]).losses


def test_a_success_without_any_task_is_a_loss():
    assert check([success("1")], []).losses == [f"{LABEL}: delivered 1, but Kling has nothing"]


def test_a_failure_with_the_reason_of_kling_is_fine_and_costs_nothing():
    verdict = check([Submission(LABEL, "failed", reason=f"Kling refused: {RISK} (code None)")], [failed()])
    assert verdict.clean
    assert (verdict.refused, verdict.charged) == (1, 0)


def test_a_failure_with_another_reason_is_a_loss():
    assert check([Submission(LABEL, "failed", reason="no idea")], [failed()]).losses
    assert check([Submission(LABEL, "failed")], [failed(message="")]).losses


def test_a_file_that_is_missing_or_wrong_is_a_loss():
    assert check([success(files=())], [paid()]).losses == [f"{LABEL}: no file is stored"]
    wrong = (File("file:///a.mp4"), File("file:///b.mp4", "it is not there"))
    assert check([success(files=wrong)], [paid()]).losses == [f"{LABEL}: file:///b.mp4: it is not there"]


def test_what_has_not_ended_is_unfinished_not_lost():
    verdict = check([Submission(LABEL, "deferred")], [paid()])
    assert verdict.unfinished == [f"{LABEL} is deferred; Kling has 1 (succeed)"]
    assert not verdict.losses
    assert not verdict.clean


def test_the_same_seed_gives_the_same_crash_points_and_every_step_its_turn(tmp_path):
    sizes = dict.fromkeys(VARIANTS, 3)
    plans = []
    for name in ("a", "b"):
        points = CrashPoints(tmp_path / name)
        points.plan(random.Random(5), "wave-1", sizes, workers=15, triggerers=8)
        plans.append({path.name: path.read_text() for path in (tmp_path / name).iterdir() if path.is_file()})
    assert plans[0] == plans[1]
    steps = [name.partition("@")[0] for name in plans[0]]
    assert sorted(steps) == sorted(STEP_LABELS)
    assert set(IN_TRIGGERER) <= set(steps)


def test_only_crash_points_that_were_reached_count(tmp_path):
    points = CrashPoints(tmp_path)
    points.plan(random.Random(5), "wave-1", dict.fromkeys(VARIANTS, 1), workers=3, triggerers=1)
    assert not points.fired()
    reached = next(path for path in tmp_path.iterdir() if path.is_file())
    reached.rename(tmp_path / "fired" / reached.name)
    points.disarm()
    assert points.fired().total() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["fired"]


def test_every_step_still_has_its_method_in_the_package(tmp_path):
    """A method that was renamed would make its step silent: the wrapping fails instead."""
    site = Path(__file__).parents[1] / "dev" / "chaos" / "site"
    program = (
        "import chaos_steps, importlib\n"
        "for name in chaos_steps._WRAPS: importlib.import_module(name)\n"
        "print(*sorted(chaos_steps.STEPS))"
    )
    environment = {**os.environ, "PYTHONPATH": str(site), "KLING_CHAOS_CRASH_POINTS": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == sorted(STEP_LABELS)
