"""Commands with the simulator; some in separate processes."""

from __future__ import annotations

import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from adversary.scripted import Reply, ScriptedServer
from adversary.scripted import kling as response
from adversary.scripted import task as kling_task
from support import PHOTOGRAPH

from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.shell import streams
from airflow_provider_kling.shell.account import _host
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


def test_notes_in_a_pipe_have_no_empty_line_and_no_escape(account, tmp_path, capsys):
    assert main(animate(tmp_path)) == 0
    notes = capsys.readouterr().err
    assert len(notes.splitlines()) == 3
    assert "" not in notes.splitlines()
    assert "\x1b" not in notes


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


@pytest.mark.parametrize("command", ["animate", "imagine", "status", "fetch"])
def test_a_missing_argument_is_named_below_one_line_of_usage(command, capsys):
    assert main([command]) == 2
    usage, problem = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: python -m airflow_provider_kling {command} [options] ")
    assert "required" in problem


def test_help_names_each_product_unbroken(capsys):
    assert main(["list", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name, product in PRODUCTS.items() if product.answers == "task")


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


# What a script gets.


def shell(*words: str, more: str = "", timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    """A command as a shell starts it; ``more`` are redirections."""
    command = f"{shlex.join([sys.executable, '-m', 'airflow_provider_kling', *words])} {more}"
    return subprocess.run(["bash", "-c", command], capture_output=True, timeout=timeout, check=False)


def failure(capsys) -> dict:
    value = json.loads(capsys.readouterr().out)
    assert value.keys() == {"error"}
    assert value["error"].keys() == {"error", "code", "message", "task_id"}
    return value["error"]


def test_json_is_one_value_when_it_fails_too(account, tmp_path, capsys, monkeypatch):
    assert main([*unasked(animate(tmp_path)), "--json"]) == 2
    assert failure(capsys)["error"] == "DeclinedError"
    assert main([*animate(tmp_path, "--mode", "8k"), "--json"]) == 2
    assert failure(capsys)["error"] == "KlingValidationError"
    assert main(["status", "12345", "--json"]) == 1
    assert (failure(capsys))["error"] == "KlingTaskNotFoundError"
    assert main(["imagine", "--json"]) == 2
    assert failure(capsys)["error"] == "UsageError"
    monkeypatch.setattr("airflow_provider_kling.shell.video.prepare", _stopped)
    assert main([*animate(tmp_path), "--json"]) == 130
    assert failure(capsys)["error"] == "KeyboardInterrupt"
    monkeypatch.setenv("KLINGAI_API_KEY", "wrong")
    assert main(["costs", "--json"]) == 1
    error = failure(capsys)
    assert (error["error"], error["code"]) == ("KlingAuthenticationError", 1002)


def _stopped(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_libraries_print_is_no_part_of_the_result(account):
    done = subprocess.run(
        [sys.executable, "-c", _NOISY, "list", "--json"], capture_output=True, timeout=60, check=False
    )
    assert json.loads(done.stdout) == []
    assert b"a library says" in done.stderr
    assert b"and its child" in done.stderr


_NOISY = """
import runpy, subprocess, sys
sys.argv[0] = "-m"
from airflow_provider_kling import hooks
def noisy(self, *_, **__):
    print("a library says")
    subprocess.run(["echo", "and its child"])
    return []
hooks.KlingHook.list_tasks = noisy
runpy.run_module("airflow_provider_kling", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("more", "status", "out"),
    [
        ("2>&-", 0, b"[]\n"),
        ("<&-", 0, b"[]\n"),
        (">&-", 0, b""),
        ("> /dev/full", 1, b""),
        ("| false; exit ${PIPESTATUS[0]}", 141, b""),
    ],
)
def test_closed_full_and_unread_streams_are_no_traceback(account, more, status, out):
    done = shell("list", "--json", more=more)
    assert (done.returncode, done.stdout) == (status, out)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert (b"Give standard output room" in done.stderr) is (status == 1)


def test_nobody_is_asked_where_there_is_no_input_at_all(account, tmp_path):
    done = shell(*unasked(animate(tmp_path)), more="<&-")
    assert (done.returncode, b"there is no terminal" in done.stderr) == (2, True)
    assert account.requests(method="POST") == []


def test_a_path_comes_out_whatever_the_encoding(account, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = shell(*animate(tmp_path / "ü"))
    assert done.returncode == 0, done.stderr
    assert Path(os.fsdecode(done.stdout.splitlines()[-1])).read_bytes()[4:8] == b"ftyp"


def test_what_the_encoding_of_the_output_lacks_is_written_as_python_does():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    streams.write(stream, "zu \udcfc lang \u5bbd")
    assert stream.buffer.getvalue() == b"zu \\udcfc lang \\u5bbd\n"


def test_ctrl_c_while_it_is_still_being_imported_is_not_a_traceback(account):
    command = [sys.executable, "-c", _INTERRUPTED, "list", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 130
    assert json.loads(done.stdout)["error"]["error"] == "KeyboardInterrupt"
    assert done.stderr == b"Stopped before anything was sent.\n"


_INTERRUPTED = """
import runpy, sys
class Importing:
    def find_spec(self, name, *_):
        if name.endswith("shell.main"):
            raise KeyboardInterrupt
sys.meta_path.insert(0, Importing())
runpy.run_module("airflow_provider_kling", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--poll-interval", "nan"],
        ["--poll-interval", "-1"],
        ["--poll-interval", "inf"],
        ["--poll-interval", "0"],
        ["--take", "0"],
        ["--take", "-1"],
        ["--take", "9" * 30],
        ["--take", "1.5"],
        ["--field", "external_task_id=mine"],
        ["--field", "=7"],
        ["--field", "camera_control=" + "[" * 50_000],
    ],
)
def test_a_bad_option_is_refused_before_anything_is_paid(account, tmp_path, words, capsys):
    assert main(animate(tmp_path, *words)) == 2
    assert account.requests(method="POST") == []
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-5", "501", "many"])
def test_a_list_has_1_to_500_tasks(account, limit):
    assert main(["list", "--limit", limit]) == 2
    assert account.requests() == []


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("file://no_such_connection@/data/", "Create the Airflow connection that --to names"),
        ("s3://KEY:SECRET@bucket/", "Take the password out of --to"),
        ("videos/None/", "Check the template of --to"),
        ("vid\u200beos", "Take U+200B out of --to"),
    ],
)
def test_an_impossible_folder_is_reported_before_any_request(account, tmp_path, capsys, monkeypatch, place, advice):
    monkeypatch.chdir(tmp_path)
    for words in (["fetch", "1"], ["imagine", "A paper boat", "--yes"]):
        assert main([*words, "--to", place]) == 2
        said = capsys.readouterr().err
        assert f"- {advice}" in said
        assert "SECRET" not in said
    assert account.requests() == []
    assert list(tmp_path.iterdir()) == []


def test_a_failed_task_is_not_downloaded_and_its_reason_is_printed(account, tmp_path, capsys, monkeypatch):
    reply = response(kling_task("failed", task_status_msg="too dark \x1b[31m"))
    with ScriptedServer(reply) as server:
        monkeypatch.setenv("KLINGAI_BASE_URL", server.url)
        assert main(["fetch", "179527409186300000", "--to", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "too dark" in shown.err
    assert list(tmp_path.iterdir()) == []


ESCAPES = "\x1b]0;title\x07\x1b[31m\x9b31m\u202e\x08"


@pytest.mark.parametrize("command", [["costs"], ["list"], ["status", "179527409186300000"], ["imagine", "x", "--yes"]])
def test_terminal_escapes_from_kling_are_removed(account, monkeypatch, capsys, command):
    pack = {"resource_pack_name": f"P{ESCAPES}", "status": ESCAPES, "total_quantity": 5, "remaining_quantity": 5}
    failed = kling_task("failed", task_status_msg=f"no{ESCAPES}", final_unit_deduction=ESCAPES)

    def reply(request) -> Reply:
        if request.path.startswith("/account"):
            return response({"code": 0, "resource_pack_subscribe_infos": [pack]})
        if request.method == "POST":
            return response(None, code=1201, message=f"bad{ESCAPES}", status=400)
        return response([failed] if "page" in request.path else failed)

    with ScriptedServer(reply) as server:
        monkeypatch.setenv("KLINGAI_BASE_URL", server.url)
        main(command)
    shown = capsys.readouterr()
    said = shown.out + shown.err
    assert said.strip()
    assert not {character for character in said if character in ESCAPES and not character.isprintable()}


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
