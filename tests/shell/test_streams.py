"""What a script or a pipe gets: standard output, notes, encodings, interrupts."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from adversary.scripted import Reply, ScriptedServer
from adversary.scripted import kling as response
from adversary.scripted import task as kling_task
from support_shell import animate, unasked

from airflow_provider_kling.shell import streams
from airflow_provider_kling.shell.main import main


def test_notes_in_a_pipe_have_no_empty_line_and_no_escape(account, tmp_path, capsys):
    assert main(animate(tmp_path)) == 0
    notes = capsys.readouterr().err
    assert len(notes.splitlines()) == 3
    assert "" not in notes.splitlines()
    assert "\x1b" not in notes


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
