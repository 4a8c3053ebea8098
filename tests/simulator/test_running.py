"""Start, stop, state file, command line, pytest plugin."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import requests

from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.simulator.cli import connection_command, main, parser
from airflow_provider_kling.simulator.setting_rules import CHOICES

from .support import Client, eventually, picture

MODULE = [sys.executable, "-m", "airflow_provider_kling.simulator"]


def test_a_simulator_starts_and_stops_within_a_tenth_of_a_second_and_leaves_no_thread():
    before = set(threading.enumerate())
    began = time.monotonic()
    with KlingSimulator() as simulator:
        assert requests.get(simulator.url + "/_simulator/", timeout=5).status_code == 200
    assert time.monotonic() - began < 0.3
    # Not the number: a thread of an earlier test may end meanwhile.
    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.url, timeout=1)


def test_stopping_does_not_wait_for_a_delayed_request(start):
    kling = start()
    kling.simulator.fault("delay", seconds=30)

    def send():
        with pytest.raises(requests.ConnectionError):
            kling.image2video()

    thread = threading.Thread(target=send)
    thread.start()
    eventually(kling.simulator.requests)
    began = time.monotonic()
    kling.simulator.stop()
    assert time.monotonic() - began < 1
    thread.join(5)
    assert not thread.is_alive()


def test_stopping_right_after_a_request_woke_the_clock_never_hangs(start):
    for _ in range(100):
        kling = start()
        kling.create()
        stopped = threading.Thread(target=kling.simulator.stop, daemon=True)
        stopped.start()
        stopped.join(5)
        assert not stopped.is_alive()


def test_the_printed_command_creates_a_connection_that_works(start, monkeypatch):
    from airflow.cli.cli_parser import get_parser

    from airflow_provider_kling.hooks import KlingHook

    simulator = start().simulator
    program, *words = shlex.split(connection_command(simulator.settings, simulator.url))
    given = get_parser().parse_args(words)
    assert (program, given.conn_id) == ("airflow", "kling_default")
    connection = {
        "conn_type": given.conn_type,
        "host": given.conn_host,
        "password": given.conn_password,
        "extra": json.loads(given.conn_extra),
    }
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps(connection))
    assert KlingHook().test_connection()[0] is True


@pytest.mark.parametrize("missing", ["aiohttp", "av"])
def test_without_its_extra_the_command_prints_what_to_install(tmp_path, missing):
    (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError('no {missing}', name='{missing}')")
    path = os.pathsep.join(filter(None, [str(tmp_path), *sys.path]))
    done = subprocess.run(
        MODULE, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'airflow-provider-kling[simulator]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_an_error_and_leaves_no_thread(start):
    taken = int(start().simulator.url.rsplit(":", 1)[1])
    before = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        KlingSimulator(port=taken).start()
    assert threading.active_count() == before


def test_an_unknown_setting_is_an_error():
    with pytest.raises(TypeError, match="concurency"):
        KlingSimulator(concurency=1)


@pytest.mark.parametrize("name", ["retired", "video_size", "list_order", "reuse_after_failure", "early_result"])
def test_a_setting_that_is_not_one_of_its_choices_is_an_error(name):
    with pytest.raises(ValueError, match=name):
        Settings(**{name: "refused"})


IMPOSSIBLE = {
    "port": "99999", "concurrency": "0", "image_concurrency": "-1", "units": "nan", "image_units": "-1",
    "balance": "inf", "time_scale": "-1", "seconds": "-1", "clock_skew": "inf", "url_ttl": "-1",
    "callback_retries": "-1", "creates_per_second": "0", "retired_code": "99", "public_url": "kling:8780",
    "webhook_secret": "whsec_?", "host": "", "access_key": "", "secret_key": "", "api_key": "",
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE.items())
def test_an_invalid_option_is_refused_in_one_message_that_names_it(capsys, name, value):
    option = f"--{name.replace('_', '-')}"
    with pytest.raises(SystemExit) as ended:
        main([f"{option}={value}"])
    assert ended.value.code == 2
    usage, sentence = capsys.readouterr().err.splitlines()
    assert usage == "usage: python -m airflow_provider_kling.simulator [options]"
    assert f"error: argument {option} is " in sentence


@pytest.mark.parametrize("url", ["http://", "http://[", "ftp://kling", "/kling"])
def test_a_public_url_that_no_client_can_open_is_an_error(url):
    with pytest.raises(ValueError, match="public_url"):
        Settings(public_url=url)


@pytest.mark.parametrize("content", ["garbage\n", '{"opened_at": 1}\n[]\n', "{}\n", "5\n"])
def test_a_state_file_of_something_else_ends_the_command_with_a_message(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_text(content)
    command = [*MODULE, "--port", "0", "--state", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"argument --state: move '{path}' away or name another file: it holds no account\n"
    assert path.read_text() == content


def test_a_state_that_is_a_directory_ends_the_command_with_a_message(tmp_path):
    command = [*MODULE, "--port", "0", "--state", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("argument --state: name a file that can be written: ")
    assert done.stderr.count("\n") == 1


def test_an_ipv6_address_is_in_brackets(start):
    try:
        simulator = start(host="::1").simulator
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert simulator.url.startswith("http://[::1]:")
    assert requests.get(simulator.url + "/_simulator/", timeout=5).status_code == 200


def test_every_option_has_a_help_text_and_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "simulator.rst").read_text(encoding="utf-8")
    # The documented interface of argparse has no list of the options.
    for action in parser()._actions:
        assert action.help, action.option_strings
        assert action.option_strings[-1] in page, action.option_strings


def test_the_first_choice_is_the_default():
    assert {name: words[0] for name, words in CHOICES.items()} == {name: getattr(Settings(), name) for name in CHOICES}


@pytest.mark.parametrize("prefix", ["kling", "/kling", "/kling/"])
def test_a_prefix_is_the_same_with_and_without_slashes(start, prefix):
    assert start(path_prefix=prefix).simulator.url.endswith("/kling")


def test_tasks_ids_charges_and_images_survive_a_restart(start, tmp_path):
    state = tmp_path / "deep" / "state.json"
    first = start(state=state)
    done = first.finished(first.create(external_task_id="done"))
    running = first.create(external_task_id="running")
    first.simulator.stop()
    second = start(state=state)
    assert second.refusal(second.image2video(external_task_id="done"))[1] == 1201
    assert second.task("running")["task_id"] == running
    assert second.simulator.ledger()["units_used"] == "1.5"
    again = second.task("done")
    assert again["updated_at"] == done["updated_at"]
    film = requests.get(again["task_result"]["videos"][0]["url"], timeout=10)
    assert (film.status_code, film.content[4:8]) == (200, b"ftyp")
    assert second.finished(running)["task_status"] == "succeed"


def test_half_a_line_at_the_end_of_the_state_file_is_dropped(start, tmp_path):
    state = tmp_path / "state.json"
    first = start(state=state)
    first.create(external_task_id="a")
    first.simulator.stop()
    lines = state.read_text().splitlines()
    state.write_text("\n".join(lines) + "\n" + lines[-1][: len(lines[-1]) // 2])
    second = start(state=state)
    assert [task["external_task_id"] for task in second.simulator.tasks()] == ["a"]
    assert second.finished(second.create(external_task_id="b"))["task_status"] == "succeed"


def serve(*arguments):
    process = subprocess.Popen(
        [*MODULE, "--port", "0", "--video-size", "small", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+(/\S+)?\n", line), process.stderr.read()
    assert process.stdout.readline().startswith("to use it: airflow connections add kling_default ")
    return process, line.split()[-1]


class Remote:
    def __init__(self, url, **names):
        self.url, self.api_key = url, names["api_key"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_address_and_stops_cleanly(number):
    process, url = serve("--api-key", "api-key-mine", "--fault", '{"code": 1303}')
    client = Client(Remote(url, api_key="api-key-mine"))
    assert client.refusal(client.image2video())[1] == 1303
    assert client.image2video().status_code == 200
    process.send_signal(number)
    assert process.wait(5) == 0
    assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_a_task_that_was_just_accepted_survives_the_death_of_the_process(tmp_path, start):
    state = tmp_path / "state.json"
    process, url = serve("--state", str(state), "--seconds", "3600", "--api-key", "api-key-mine")
    client = Client(Remote(url, api_key="api-key-mine"))
    task_id = client.create(external_task_id="a")
    process.kill()
    process.wait(5)
    again = start(state=state)
    assert again.task("a")["task_id"] == task_id
    assert again.finished("a")["task_status"] == "succeed"


def test_every_setting_can_be_given_on_the_command_line():
    given = parser().parse_args(
        shlex.split(
            "--host 0.0.0.0 --port 1 --public-url http://x --path-prefix /k --access-key a --secret-key b --api-key c "
            "--concurrency 2 --image-concurrency 3 --units 3 --time-scale 0.5 --seconds 4 --clock-skew 5 "
            "--retired accept --charge cash --balance 3 --ranges ignore --tls "
            "--v2-callback classic --image-units 4 --external-ids drop "
            "--video-size small --url-ttl 6 --webhook-secret w --state s.json --list-order oldest "
            "--retired-code 1203 --reuse-after-failure accept --callback-retries 7 --early-result null "
            "--missing-task-info null --creates-per-second 8 --known-elements 9 10 --element-digits refuse "
            "--data-uris refuse --scalars convert --report-amounts number"
        )
    )
    default = asdict(Settings())
    assert {name for name, value in default.items() if getattr(given, name) == value} == set()


@pytest.mark.parametrize("fault", ["{", '{"kind": "earthquake"}', '{"code": 1303, "nht": 1}'])
def test_an_invalid_fault_on_the_command_line_is_a_usage_error(capsys, fault):
    with pytest.raises(SystemExit) as ended:
        main(["--fault", fault])
    assert ended.value.code == 2
    assert "is not a fault" in capsys.readouterr().err


def test_a_port_in_use_ends_the_command_with_a_message(start):
    port = start().simulator.url.rsplit(":", 1)[1]
    done = subprocess.run([*MODULE, "--port", port], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cannot listen: ")
    assert done.stderr.endswith("; take another --port, 0 for a free one\n")
    assert "Traceback" not in done.stderr


def test_help_lists_what_is_not_reproduced():
    shown = parser().format_help()
    assert "What it does not reproduce" in shown
    # Marks of reST are for the documentation.
    assert "`" not in shown


def test_help_shows_each_key_unbroken():
    shown = parser().format_help()
    assert all(key in shown for key in (Settings().access_key, Settings().secret_key, Settings().api_key))


def test_the_public_url_is_the_base_of_results(start):
    kling = start(public_url="http://kling:8780/")
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    assert url.startswith("http://kling:8780/results/")


def test_the_plugin_imports_nothing_heavy_and_the_simulator_nothing_of_the_client():
    code = (
        "import sys, json\n"
        "import airflow_provider_kling.simulator.pytest_plugin\n"
        "light = sorted(sys.modules)\n"
        "from airflow_provider_kling.simulator import KlingSimulator\n"
        "import airflow_provider_kling.simulator.cli\n"
        "print(json.dumps([light, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    light, full = json.loads(done.stdout)
    assert not {"aiohttp", "av", "PIL", "jwt", "yaml"} & set(light)
    assert not {"airflow", "requests"} & set(full)
    ours = {name for name in full if name.startswith("airflow_provider_kling.")}
    parents = {"airflow_provider_kling.get_provider_info", "airflow_provider_kling.simulator"}
    assert {name for name in ours if not name.startswith("airflow_provider_kling.simulator.")} <= parents


def test_the_fixture_runs_a_simulator_and_the_marker_changes_it(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_default(kling_simulator):\n"
        "    assert kling_simulator.settings.seconds == 0.1 and kling_simulator.url\n"
        "@pytest.mark.kling_simulator(concurrency=1)\n"
        "def test_marked(kling_simulator):\n"
        "    assert kling_simulator.settings.concurrency == 1\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--strict-markers",
        "-p",
        "airflow_provider_kling.simulator.pytest_plugin",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_an_image_is_kept_once_in_the_state_directory(start, tmp_path):
    kling = start(state=tmp_path / "state.json")
    for _ in range(3):
        kling.finished(kling.create())
    (kept,) = (tmp_path / "state.json.images").iterdir()
    assert kept.read_bytes() == picture()


def test_it_runs_on_pythons_own_loop_whatever_policy_the_process_has(monkeypatch):
    def loop_of_the_policy():
        pytest.fail("the loop that the process prefers")

    monkeypatch.setattr(asyncio, "new_event_loop", loop_of_the_policy)
    with KlingSimulator() as kling:
        assert kling.requests() == []
