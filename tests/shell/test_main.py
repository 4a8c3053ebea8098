"""Commands against the simulator; one in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.shell.main import main


@pytest.fixture
def account(kling, monkeypatch):
    """The environment's key is the simulator's; no Airflow connection exists."""
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    monkeypatch.setenv("KLINGAI_API_KEY", kling.api_key)
    monkeypatch.setenv("KLINGAI_BASE_URL", kling.url)
    return kling


def animate(folder: Path, *more: str) -> list[str]:
    command = ["animate", str(PHOTOGRAPH), "It moves", "--duration", "3", "--to", str(folder), "--yes"]
    return [*command, "--poll-interval", "0.05", *more]


def unasked(command: list[str]) -> list[str]:
    return [word for word in command if word != "--yes"]


def test_a_picture_becomes_a_video_whose_path_is_the_last_line(account, tmp_path, capsys):
    assert main(animate(tmp_path)) == 0
    shown = capsys.readouterr()
    path = Path(shown.out.splitlines()[-1])
    assert path.parent == tmp_path
    assert path.read_bytes()[4:8] == b"ftyp"
    assert "about 1.8 units, $0.25" in shown.err


def test_a_folder_may_have_any_name(account, tmp_path, capsys):
    folder = tmp_path / "a b%20#1"
    assert main(animate(folder)) == 0
    assert Path(capsys.readouterr().out.strip()).parent == folder


def test_the_same_command_again_finds_what_was_paid_for(account, tmp_path, capsys):
    assert main(animate(tmp_path)) == 0
    assert main(animate(tmp_path)) == 0
    assert len(account.tasks()) == 1
    assert "not paid twice" in capsys.readouterr().err
    assert main(animate(tmp_path, "--take", "2")) == 0
    assert len(account.tasks()) == 2


def test_nobody_is_charged_without_a_yes(account, tmp_path, capsys):
    assert main(unasked(animate(tmp_path))) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert account.requests(method="POST") == []


def test_what_was_paid_for_is_fetched_without_a_question(account, tmp_path):
    assert main(animate(tmp_path)) == 0
    for file in tmp_path.iterdir():
        file.unlink()
    assert main(unasked(animate(tmp_path))) == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_a_bad_request_is_refused_with_every_problem_before_it_is_sent(account, tmp_path, capsys):
    assert main(animate(tmp_path, "--mode", "8k", "--field", "cfg_scale=7")) == 2
    shown = capsys.readouterr().err
    assert "mode" in shown
    assert "cfg_scale" in shown
    assert account.requests(method="POST") == []


def test_json_is_one_value_for_scripts(account, tmp_path, capsys):
    assert main(["imagine", "A boat", "--duration", "3", "--to", str(tmp_path), "--yes", "--json"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    assert (manifest["endpoint"], manifest["status"]) == ("text2video", "succeed")
    assert Path(manifest["files"][0]["uri"].removeprefix("file://")).exists()
    for command in ("list", "costs"):
        assert main([command, "--json"]) == 0
        assert isinstance(json.loads(capsys.readouterr().out), list)


def test_status_list_and_fetch_find_a_task(account, tmp_path, capsys):
    assert main(animate(tmp_path)) == 0
    (task,) = account.tasks()
    capsys.readouterr()
    assert main(["status", task["task_id"]]) == 0
    assert capsys.readouterr().out == f"{task['task_id']} succeed\n"
    assert main(["list"]) == 0
    assert task["task_id"] in capsys.readouterr().out
    assert main(["fetch", task["task_id"], "--to", str(tmp_path / "again")]) == 0
    assert Path(capsys.readouterr().out.strip()).exists()
    assert main(["status", "12345"]) == 1


def test_an_airflow_connection_is_taken_when_there_is_no_key_or_when_it_is_named(
    account, tmp_path, monkeypatch, capsys
):
    fields = {"conn_type": "kling", "host": account.url, "password": account.api_key}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps({**fields, "extra": {"allow_private_urls": True}}))
    monkeypatch.setenv("KLINGAI_API_KEY", "wrong")
    assert main(animate(tmp_path)) == 1
    assert main(animate(tmp_path, "--conn-id", "mine")) == 0
    monkeypatch.delenv("KLINGAI_API_KEY")
    capsys.readouterr()
    assert main(animate(tmp_path)) == 1
    assert "kling_default" in capsys.readouterr().err


@pytest.mark.kling_simulator(seconds=600)
def test_after_ctrl_c_the_same_command_finds_the_video(account, tmp_path, capsys):
    # A shell that starts the tests in the background leaves Ctrl-C ignored, for their children too.
    program = (
        "import runpy, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "runpy.run_module('airflow_provider_kling', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, *animate(tmp_path)]
    process = subprocess.Popen(command, env=os.environ.copy(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not account.tasks() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=60)
    assert process.returncode == 130, shown
    assert "the same command finds it" in shown
    assert "Traceback" not in shown
    (task,) = account.tasks()
    assert main(["fetch", task["task_id"], "--to", str(tmp_path)]) == 2
    assert "Wait, and fetch it again" in capsys.readouterr().err
    account.finish(task["task_id"])
    assert main(animate(tmp_path)) == 0
    assert len(account.tasks()) == 1
