"""The hook submits: one task is paid, whatever is lost."""

from __future__ import annotations

import base64
import hashlib
import json
from decimal import Decimal

import pytest
from PIL import Image
from support import PHOTOGRAPH, connect, limit
from support_hooks import FIELDS, creates, submit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook


def test_text_to_video_is_the_same_hook(kling, hook):
    task = hook.create_task("text2video", {"prompt": "A paper boat", "aspect_ratio": "9:16", "duration": "3"})
    assert hook.wait(task.task_id, "text2video", poll_interval=0.05).videos


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
