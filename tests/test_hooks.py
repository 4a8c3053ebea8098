"""The hook against the simulator, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import socket
from datetime import timedelta
from decimal import Decimal

import pytest
from PIL import Image
from support import PHOTOGRAPH, advice_first, connect, limit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import TaskStatus

FIELDS = {"image": str(PHOTOGRAPH), "prompt": "The rocket lifts off", "duration": 3}


def creates(kling) -> list[dict]:
    return kling.requests(method="POST")


def submit(hook: KlingHook, name: str = "one", *, look_up_first: bool = False):
    return hook.create_task("image2video", FIELDS, external_task_id=name, look_up_first=look_up_first)


@pytest.fixture
def hook(kling) -> KlingHook:
    return KlingHook()


def test_a_task_is_created_read_and_waited_for(kling, hook):
    task = submit(hook)
    assert task.status is TaskStatus.SUBMITTED
    assert task.external_task_id == "one"
    finished = hook.wait(task.task_id, poll_interval=0.05)
    assert finished.status is TaskStatus.SUCCEED
    assert finished.videos[0].duration
    assert finished.units == "1.8"  # 3 s of kling-v3 std at 0.6 units


@pytest.mark.parametrize("name", ["None", " none ", "", None])
def test_a_connection_that_a_template_left_empty_is_named(name):
    with pytest.raises(errors.KlingConfigurationError, match="template of kling_conn_id"):
        KlingHook(name).get_task("x")


@pytest.mark.parametrize("name", [5, {"a": 1}, "kling\u200b_default", pytest.param(10**5000, id="huge"), "x" * 1000])
def test_what_is_not_a_name_of_a_connection_is_a_clear_error(name):
    with pytest.raises(errors.KlingConfigurationError, match="kling_conn_id") as caught:
        _ = KlingHook(name).account_name
    assert len(str(caught.value)) < 300


def test_the_name_of_a_connection_may_have_blanks_around_it(kling):
    assert KlingHook(" kling_default\n").account_name == KlingHook().account_name


@pytest.mark.parametrize(
    "asked",
    [
        lambda hook: hook.list_tasks(page="two"),
        lambda hook: hook.list_tasks(page=0),
        lambda hook: hook.list_tasks(page=1001),
        lambda hook: hook.list_tasks(page_size=501),
        lambda hook: hook.list_tasks(page_size=[]),
        lambda hook: hook.wait("1", timeout="soon"),
        lambda hook: hook.wait("1", poll_interval=float("nan")),
        lambda hook: hook.create_task("text2video", ["prompt"]),
        lambda hook: hook.create_task("text2video", {"prompt": "x"}, on_doubt="sent"),
        lambda hook: hook.estimate("text2video", None),
    ],
)
def test_what_the_hook_cannot_use_is_a_clear_error_before_anything_is_asked(kling, hook, asked):
    with pytest.raises(errors.KlingValidationError) as caught:
        asked(hook)
    assert not kling.requests()
    for problem in caught.value.problems:
        advice_first(problem)


def test_a_wait_takes_text_and_a_timedelta(kling, hook):
    task = hook.create_task("text2video", {"prompt": "A paper boat", "duration": 3})
    assert hook.wait(task.task_id, "text2video", poll_interval="0.05", timeout=timedelta(minutes=1)).videos
    assert hook.list_tasks("text2video", page="1", page_size="5")


def test_text_to_video_is_the_same_hook(kling, hook):
    task = hook.create_task("text2video", {"prompt": "A paper boat", "aspect_ratio": "9:16", "duration": "3"})
    assert hook.wait(task.task_id, "text2video", poll_interval=0.05).videos


def test_an_api_key_works_like_a_key_pair(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, api_key=True)
    assert submit(KlingHook()).task_id


def test_a_call_without_an_id_is_protected_by_a_random_one(kling, hook):
    kling.fault("cut_after", operation="create")
    hook.create_task("image2video", FIELDS)
    hook.create_task("image2video", FIELDS)
    assert len(kling.tasks()) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut_after"},
        {"kind": "truncate"},
        {"kind": "empty", "accepted": True},
        {"kind": "html", "accepted": True},
        {"code": 5000, "accepted": True},
        {"code": 5001, "accepted": True},
        {"code": 5002, "accepted": True},
    ],
)
def test_a_task_whose_response_was_lost_is_adopted_not_paid_again(kling, hook, no_waiting, fault):
    kling.fault(operation="create", **fault)
    task = submit(hook)
    assert len(creates(kling)) == 1
    assert [kling_task["task_id"] for kling_task in kling.tasks()] == [task.task_id]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "cut_before"}, {"kind": "empty"}, {"kind": "html"}, {"code": 5000}, {"code": 5001}, {"code": 5002}],
)
def test_a_post_that_never_arrived_is_sent_again_with_the_same_id_after_lookups(kling, hook, no_waiting, fault):
    kling.fault(operation="create", **fault)
    submit(hook)
    assert len(kling.tasks()) == 1
    assert len(creates(kling)) == 2
    assert no_waiting == [2.0, 5.0]


def test_a_response_that_does_not_come_in_time_is_looked_up(kling_simulator, monkeypatch, no_waiting):
    connect(monkeypatch, kling_simulator, extra={"timeout_seconds": 1})
    kling_simulator.fault("drip", operation="create", seconds=30)
    task = submit(KlingHook())
    assert [kling_task["task_id"] for kling_task in kling_simulator.tasks()] == [task.task_id]


def test_an_id_that_exists_is_adopted(kling, hook):
    assert submit(hook).task_id == submit(hook).task_id == submit(hook, look_up_first=True).task_id
    assert len(kling.tasks()) == 1
    assert len(creates(kling)) == 2, "a retry that looks first does not send at all"


def test_an_id_whose_task_failed_gets_the_next_attempt(kling, hook):
    kling.fault("fail_task", message="Image pixel is invalid")
    first = submit(hook)
    with pytest.raises(errors.KlingTaskFailedError, match="Image pixel is invalid"):
        hook.wait(first.task_id, poll_interval=0.05)
    second = submit(hook, look_up_first=True)
    assert second.external_task_id == "one-af-2"
    assert hook.wait(second.task_id, poll_interval=0.05).videos
    assert submit(hook, look_up_first=True).task_id == second.task_id


def test_a_failed_lookup_never_sends(kling, hook, no_waiting, monkeypatch):
    limit(monkeypatch, read_max_wait=0)
    kling.fault("cut_before", operation="query", times=None)
    with pytest.raises(errors.KlingConnectionError):
        submit(hook, look_up_first=True)
    assert creates(kling) == []


def test_no_free_slot_is_its_own_error_and_creates_nothing(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator)
    kling_simulator.fault(code=1303, operation="create")
    with pytest.raises(errors.KlingConcurrencyError) as caught:
        submit(KlingHook())
    assert caught.value.transient
    assert kling_simulator.tasks() == []


def test_a_refusal_is_sent_once(kling, hook):
    kling.fault(code=1102, operation="create", times=None)
    with pytest.raises(errors.KlingAccountError, match="used up or expired"):
        submit(hook)
    assert len(creates(kling)) == 1


def test_a_refusal_inside_http_200_and_a_string_code_are_understood(kling, hook):
    kling.fault("http_200", operation="create")
    kling.fault(code=1301, operation="create")
    with pytest.raises(errors.KlingContentPolicyError):
        submit(hook)
    kling.fault("code_as_string", operation="create")
    assert submit(hook, "two").task_id


def test_reads_are_repeated(kling, hook):
    task = submit(hook)
    kling.fault(code=5001, operation="query", times=2)
    assert hook.get_task(task.task_id).task_id == task.task_id


def test_an_unknown_id_is_none_and_not_an_error(kling, hook):
    assert hook.find_task("nobody") is None
    with pytest.raises(errors.KlingTaskNotFoundError):
        hook.get_task("nobody")


@pytest.mark.kling_simulator(clock_skew=3600)
def test_a_wrong_clock_is_corrected_with_klings_own_time(kling, hook):
    assert submit(hook).task_id
    assert len(kling.tasks()) == 1


def test_a_token_that_stays_refused_names_the_skew(kling, hook):
    kling.fault(code=1004, times=2)
    with pytest.raises(errors.KlingAuthenticationError, match=r"Kling's clock is [+-]\d+ s from this machine's"):
        hook.get_task("x")
    assert len(kling.requests()) == 2


def test_a_bad_key_is_refused_with_the_region_hint(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, login="", password="api-key-kling-of-another-region")
    with pytest.raises(errors.KlingAuthenticationError, match="api-beijing"):
        KlingHook().get_task("x")


def test_a_wait_that_times_out_reports_that_the_task_runs_on(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator)
    kling_simulator.fault("delay", seconds=0)
    hook = KlingHook()
    task = hook.create_task("image2video", FIELDS)
    with pytest.raises(errors.KlingTimeoutError, match="still running and will be billed"):
        hook.wait(task.task_id, poll_interval=0.01, end_time=0)


def test_the_wait_survives_errors(kling, hook):
    task = submit(hook)
    kling.fault(code=5000, operation="query", nth=2, times=5)
    assert hook.wait(task.task_id, poll_interval=0.02).videos


def test_tasks_are_listed_page_by_page(kling, hook):
    ids = {submit(hook, f"t{number}").task_id for number in range(3)}
    assert {task.task_id for task in hook.list_tasks()} == ids
    assert len(hook.list_tasks(page=2, page_size=2)) == 1


@pytest.mark.parametrize("api_key", [True, False])
def test_many_tasks_are_read_with_few_requests(kling_simulator, monkeypatch, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    hook = KlingHook()
    tasks = [submit(hook, f"t{number}") for number in range(4)]
    before = len(kling_simulator.requests())
    waiting = [TaskRef("image2video", task.task_id) for task in tasks] + [TaskRef("image2video", "nobody")]
    found = hook.get_tasks(waiting)
    assert {found[kling_task].task_id for kling_task in waiting[:4]} == {task.task_id for task in tasks}
    assert isinstance(found[waiting[4]], errors.KlingTaskNotFoundError)
    # With an API key the fifth might be a task of the second generation.
    assert len(kling_simulator.requests()) - before == 2 + api_key, "one for those that exist, the rest for the fifth"


@pytest.mark.parametrize("status", [404, 200])
@pytest.mark.parametrize("api_key", [True, False])
def test_a_server_without_a_route_is_asked_once_and_then_singly(kling_simulator, monkeypatch, api_key, status):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    hook = KlingHook()
    waiting = [TaskRef("image2video", submit(hook, f"t{number}").task_id) for number in range(3)]
    path = "/tasks" if api_key else "/v1/videos/image2video"
    kling_simulator.fault("html", method="GET", path=path, http_status=status, times=None)
    asked = []
    for _ in range(2):
        assert all(found.task_id == single.task_id for single, found in hook.get_tasks(waiting).items())
        asked.append(len([request for request in kling_simulator.requests(method="GET") if request["path"] == path]))
    # A page with HTTP 200 may be one of a bad moment, so one look tries it a few times.
    assert asked == ([1, 1] if status == 404 else [4, 4])


def test_a_result_is_streamed_without_credentials(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    target = io.BytesIO()
    download = hook.download(task.videos[0].url, target)
    assert hashlib.sha256(target.getvalue()).hexdigest() == download.sha256
    assert (download.bytes, download.content_type) == (len(target.getvalue()), "video/mp4")
    assert target.getvalue()[4:8] == b"ftyp"


def test_a_dead_link_is_reported_without_its_signature(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    kling.advance(31 * 24 * 3600)
    with pytest.raises(errors.KlingResultError, match="die 30 days") as caught:
        hook.download(task.videos[0].url, io.BytesIO())
    assert "Signature" not in str(caught.value)


def test_a_cut_download_is_an_error(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    kling.fault("truncate", operation="download")
    with pytest.raises(errors.KlingResultError):
        hook.download(task.videos[0].url, io.BytesIO())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v.mp4",
        "https://127.0.0.1/v.mp4",
        "https://[::1]/v.mp4",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/v.mp4",
        "https://localhost/v.mp4",
        "file:///etc/passwd",
    ],
)
def test_a_foreign_link_cannot_make_a_worker_read_its_own_network(monkeypatch, url):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", "kling://:K@")
    with pytest.raises(errors.KlingResultError, match="not https|not a public address"):
        KlingHook().download(url, io.BytesIO())


def test_a_result_that_is_too_large_is_refused(kling, hook, monkeypatch):
    limit(monkeypatch, download_bytes=100)
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    with pytest.raises(errors.KlingResultError, match="larger than"):
        KlingHook().download(task.videos[0].url, io.BytesIO())


def test_account_costs_are_read(kling, hook):
    (pack,) = hook.account_costs()
    assert pack.status == "online"
    assert pack.remaining_quantity == 10_000


@pytest.mark.parametrize("api_key", [True, False])
def test_the_connection_test_is_free_and_names_no_key(kling_simulator, monkeypatch, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    ok, message = KlingHook().test_connection()
    assert ok
    assert kling_simulator.url in message
    assert kling_simulator.api_key not in message
    assert kling_simulator.secret_key not in message
    assert creates(kling_simulator) == []


@pytest.mark.parametrize(
    "fields",
    [{"password": "wrong", "login": ""}, {"password": ""}, {"host": "ftp://x"}, {"host": "http://127.0.0.1:1"}],
)
def test_the_connection_test_reports_what_is_wrong(kling_simulator, monkeypatch, fields):
    limit(monkeypatch, read_max_wait=0)
    connect(monkeypatch, kling_simulator, **fields)
    ok, message = KlingHook().test_connection()
    assert not ok
    assert message


@pytest.mark.kling_simulator(path_prefix="/kling")
def test_a_relay_with_a_path_prefix_and_a_bearer_key_works(kling_simulator, monkeypatch):
    assert kling_simulator.url.endswith("/kling")
    connect(monkeypatch, kling_simulator, api_key=True)
    hook = KlingHook()
    assert hook.wait(submit(hook).task_id, poll_interval=0.05).videos


def test_a_bad_request_is_refused_before_anything_is_sent(kling, hook):
    with pytest.raises(errors.KlingValidationError, match="2 problems"):
        hook.create_task("image2video", {"image": "no-such-file.jpg", "duration": 99})
    assert kling.requests() == []


def test_what_the_simulator_received_is_what_was_meant(kling, hook):
    submit(hook)
    (request,) = creates(kling)
    body = request["body"]
    assert body["model_name"] == "kling-v3"
    assert body["duration"] == "3"
    assert body["external_task_id"] == "one"
    assert "aspect_ratio" not in body
    image = base64.b64encode(PHOTOGRAPH.read_bytes())
    assert json.dumps(body["image"]).find(hashlib.sha256(image).hexdigest()) >= 0 or str(len(image)) in str(
        body["image"]
    )


def test_a_host_that_is_down_is_a_connection_error_and_leaves_no_doubt(monkeypatch, no_waiting):
    limit(monkeypatch, read_max_wait=0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", f"kling://:K@127.0.0.1:{port}/http")
    with pytest.raises(errors.KlingConnectionError, match=f"Check the host 127.0.0.1:{port}: it refuses connections"):
        KlingHook().get_task("x")
    with pytest.raises(errors.KlingConnectionError) as caught:
        submit(KlingHook())
    assert caught.value.nothing_sent


@pytest.mark.parametrize("value", [None, "", " ", 1.5, "None", "{", "half \ud83d", "x" * 999])
def test_what_names_no_task_is_a_clear_error(kling, hook, value):
    with pytest.raises(errors.KlingValidationError, match="Give kling_task_id a task's id"):
        hook.get_task(value)
    assert kling.requests() == []


def test_a_number_is_an_id(kling, hook):
    task = submit(hook)
    assert hook.get_task(int(task.task_id)).task_id == task.task_id


@pytest.mark.parametrize(
    ("endpoint", "fields"),
    [
        ("omni-video", {"model_name": "kling-v3-omni", "prompt": "A boat", "duration": 3, "aspect_ratio": "1:1"}),
        ("omni-video", {"model_name": "kling-video-o1", "prompt": "A boat", "mode": "std", "aspect_ratio": "1:1"}),
        ("omni-image", {"model_name": "kling-v3-omni", "prompt": "A boat", "resolution": "4k", "n": 2}),
        ("text-to-audio", {"prompt": "Waves", "duration": 3}),
        ("image2video", {"image": str(PHOTOGRAPH), "prompt": "It moves", "sound": "on"}),
    ],
)
def test_the_simulated_kling_charges_what_the_hook_estimates(kling, endpoint, fields):
    estimated = KlingHook().estimate(endpoint, fields)
    task = KlingHook().create_task(endpoint, fields)
    kling.finish(task.task_id)
    assert Decimal(KlingHook().get_task(task.task_id, endpoint).units) == estimated.units


def test_a_hook_fixes_an_image_and_sends_a_link_as_the_operators_do(kling, object_store, tmp_path):
    picture = tmp_path / "boat.webp"
    Image.new("RGB", (640, 640), "navy").save(picture)
    with pytest.raises(errors.KlingValidationError, match="Convert image to JPEG or PNG"):
        KlingHook().create_task("image2video", {"image": str(picture)})
    KlingHook().create_task("image2video", {"image": str(picture)}, fit="shrink")
    Image.new("RGB", (640, 640), "navy").save(picture.with_suffix(".png"))
    object_store.write("boat.png", picture.with_suffix(".png").read_bytes())
    stored = {"image": "s3://videos/boat.png"}
    KlingHook().create_task("image2video", stored, image_by="link", image_conn_id="store")
    mended, linked = (request["body"]["image"] for request in kling.requests(path="/v1/videos/image2video"))
    assert isinstance(mended, dict), "the simulator's summary of content"
    assert linked.startswith("http")
    assert "Signature=" in linked
