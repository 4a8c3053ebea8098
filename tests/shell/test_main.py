"""The commands of ``python -m airflow_provider_kling``: make, status, list, fetch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from adversary.scripted import ScriptedServer
from adversary.scripted import kling as response
from adversary.scripted import task as kling_task
from support_shell import animate, unasked

from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.shell.account import _host
from airflow_provider_kling.shell.main import main


def test_an_image_becomes_a_video_whose_path_is_the_last_line(account, tmp_path, capsys):
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


def test_nothing_is_charged_without_confirmation(account, tmp_path, capsys):
    assert main(unasked(animate(tmp_path))) == 2
    assert "Add --yes" in capsys.readouterr().err
    assert account.requests(method="POST") == []


def test_what_was_paid_for_is_fetched_without_confirmation(account, tmp_path):
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


def test_a_task_is_found_without_its_product_by_a_pair_of_keys(account, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("KLINGAI_API_KEY")
    monkeypatch.setenv("KLINGAI_ACCESS_KEY", account.access_key)
    monkeypatch.setenv("KLINGAI_SECRET_KEY", account.secret_key)
    made = ["imagine", "A boat", "--duration", "3", "--to", str(tmp_path), "--yes", "--poll-interval", "0.05"]
    assert main(made) == 0
    assert main(animate(tmp_path)) == 0
    capsys.readouterr()
    for task in account.tasks():
        assert main(["status", task["task_id"]]) == 0
        assert capsys.readouterr().out == f"{task['task_id']} succeed\n"
    assert main(["status", "12345"]) == 1
    assert "Check the id and the account, or give --product" in capsys.readouterr().err
    assert main(["status", account.tasks()[0]["task_id"], "--product", "effects"]) == 1


def test_nothing_to_list_is_a_note_and_no_line_of_output(account, capsys):
    assert main(["list"]) == 0
    note = "The account has no task of image2video. --product lists those of another product.\n"
    assert capsys.readouterr() == ("", note)


def test_a_list_is_offered_of_each_product_that_has_one(account, capsys):
    for product in PRODUCTS.values():
        status = main(["list", "--product", product.endpoint])
        shown = capsys.readouterr().err
        if product.answers != "task":
            assert status == 2, product.endpoint
        elif status:
            assert "This API is no longer available" in shown


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("KLINGAI_API_KEY", "wrong", "Check the credential"),
        ("KLINGAI_API_KEY", "two words", "Paste the connection's password again"),
        ("KLINGAI_BASE_URL", "https://x.example/?y", "Check the connection's host"),
    ],
)
def test_an_error_of_the_account_names_the_variables_when_it_is_the_environments(
    account, monkeypatch, capsys, name, value, advice
):
    monkeypatch.setenv(name, value)
    assert main(["costs"]) == 1
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith(advice)
    assert last.startswith("This account is the environment's: KLINGAI_API_KEY or KLINGAI_SECRET_KEY is the password")
    fields = {"conn_type": "kling", "host": account.url, "password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps(fields))
    assert main(["costs", "--conn-id", "mine"]) == 1
    assert "KLINGAI_API_KEY" not in capsys.readouterr().err


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


def test_a_failed_task_is_not_downloaded_and_its_reason_is_printed(account, tmp_path, capsys, monkeypatch):
    reply = response(kling_task("failed", task_status_msg="too dark \x1b[31m"))
    with ScriptedServer(reply) as server:
        monkeypatch.setenv("KLINGAI_BASE_URL", server.url)
        assert main(["fetch", "179527409186300000", "--to", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "too dark" in shown.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8780", True),
        ("localhost:8780", True),
        ("https://api.example//127.0.0.1", False),
        ("https://127.0.0.1.example", False),
        ("https://[::1", False),
    ],
)
def test_only_a_server_on_this_machine_may_name_results_on_it(url, is_local):
    assert (_host(url) in ("127.0.0.1", "localhost")) is is_local
