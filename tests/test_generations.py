"""Both generations of Kling's API behind the same operators, sensor and batch, end to end against the simulator."""

from __future__ import annotations

import asyncio

import pytest
from support import PHOTOGRAPH, FakeTaskInstance, again, connect
from support_batch import deferred, fire, manifest, posts, run, set_fast_pace

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import (
    KlingImageToVideoOperator,
    KlingMotionControlOperator,
    KlingOmniVideoOperator,
    KlingTextToVideoOperator,
)
from airflow_provider_kling.products.catalogue import V2_PRODUCTS, product_of
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.triggers import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred

TURBO = "kling-3.0-turbo"


@pytest.fixture
def kling(kling_simulator, monkeypatch):
    """A simulator that ``kling_default`` points at, with an API key."""
    connect(monkeypatch, kling_simulator, api_key=True)
    return kling_simulator


def operator(**kwargs) -> KlingImageToVideoOperator:
    given = {"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "It moves", "duration": 3, "model_name": TURBO}
    return KlingImageToVideoOperator(**{**given, "poll_interval": 0.05, **kwargs})


def test_a_model_of_the_second_generation_is_only_another_model(kling, ti, tmp_path):
    made = operator(output_uri=f"file://{tmp_path}/video.mp4", deferrable=False, mode="pro")
    result = made.execute({"ti": ti})
    (sent,) = posts(kling)
    assert (sent["method"], sent["path"]) == ("POST", "/image-to-video/kling-3.0-turbo")
    assert sent["body"]["settings"] == {"resolution": "1080p", "duration": 3}
    assert (result["status"], result["endpoint"], result["model_name"]) == ("succeed", "image-to-video", TURBO)
    assert (result["units"], result["files"][0]["bytes"]) == ("3", (tmp_path / "video.mp4").stat().st_size)


def test_text_to_video_too(kling, ti):
    made = KlingTextToVideoOperator(task_id="t", prompt="A boat", model_name="kling-3.0", aspect_ratio="1:1")
    assert made.execute({"ti": ti})["endpoint"] == "text-to-video"
    assert posts(kling)[0]["path"] == "/text-to-video/kling-3.0"
    assert posts(kling)[0]["body"]["settings"] == {"aspect_ratio": "1:1", "multi_shot": False}


def test_a_lost_response_is_one_video(kling, ti, no_waiting):
    kling.fault("cut_after", method="POST")
    result = operator().execute({"ti": ti})
    assert [task["task_id"] for task in kling.tasks()] == [result["task_id"]]
    assert len(posts(kling)) == 1, "it was found by its external id"


def test_a_lost_request_is_sent_again_under_the_same_name(kling, ti, no_waiting):
    kling.fault("cut_before", method="POST")
    result = operator().execute({"ti": ti})
    assert [task["task_id"] for task in kling.tasks()] == [result["task_id"]]


def test_a_retry_adopts_what_was_paid(kling, ti):
    first = operator().execute({"ti": ti})
    second = operator().execute({"ti": again(ti)})
    assert (second["task_id"], second["endpoint"]) == (first["task_id"], "image-to-video")
    assert len(posts(kling)) == 1


def test_an_own_id_holds_for_both_generations(kling, ti):
    first = operator(model_name="kling-v3", external_task_id="mine").execute({"ti": ti})
    second = operator(external_task_id="mine").execute({"ti": again(ti)})
    assert second["task_id"] == first["task_id"], "the second generation shows tasks of the first"


def test_another_model_is_another_video(kling, ti):
    first = operator(model_name="kling-v3").execute({"ti": ti})
    assert operator().execute({"ti": again(ti)})["task_id"] != first["task_id"]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        *(("kling-4.0", "/image-to-video/kling-4.0"), ("kling-5.0", "/image-to-video/kling-5.0")),
        ("kling-v9", "/v1/videos/image2video"),
    ],
)
def test_a_model_of_which_nobody_knows_how_it_takes_names_is_not_sent_twice(kling, ti, no_waiting, model, path):
    kling.fault("cut_before", method="POST", path=path)
    with pytest.raises(errors.KlingSubmissionInDoubtError):
        operator(model_name=model).execute({"ti": ti})
    assert [request["path"] for request in posts(kling) if request["path"] != "/tasks"] == [path]


def test_a_key_pair_is_refused_before_anything_is_sent(kling_simulator, monkeypatch, ti):
    connect(monkeypatch, kling_simulator)
    with pytest.raises(errors.KlingConfigurationError, match="Give the connection an API key"):
        operator().execute({"ti": ti})
    assert kling_simulator.requests() == []
    assert operator(model_name="kling-v3").execute({"ti": ti})["task_id"]


def test_the_wait_in_the_triggerer_reads_where_the_task_is(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        operator(wait_for_completion=True).execute({"ti": ti})
    trigger = caught.value.trigger
    assert trigger.endpoint == "image-to-video"
    kling.finish(trigger.kling_task_id)
    _, kwargs = trigger.serialize()
    trigger = KlingTaskTrigger(**{**kwargs, "first_poll_at": 0.0, "deferred_at": 0.0})

    event = asyncio.run(fire(trigger))
    assert event["status"] == "success"
    result = operator(wait_for_completion=True).execute_complete({"ti": ti}, event)
    assert (result["status"], result["endpoint"]) == ("succeed", "image-to-video")


def test_a_trigger_that_was_stored_before_reads_a_task_of_the_second_generation(kling, ti):
    """Its arguments name the product as it was called when there was one generation."""
    task_id = operator().execute({"ti": ti})["task_id"]
    kling.finish(task_id)
    trigger = KlingTaskTrigger(kling_task_id=task_id, endpoint="image2video", timeout=60, poll_interval=0.05)

    assert asyncio.run(fire(trigger))["status"] == "success"


@pytest.mark.parametrize("words", ["manifest", "id", "external id"])
def test_sensor_and_transfer_need_not_know_the_generation(kling, ti, tmp_path, words):
    made = operator(external_task_id="mine").execute({"ti": ti})
    kling.finish(made["task_id"])
    name = {"manifest": made, "id": made["task_id"], "external id": "mine"}[words]
    sensor = KlingTaskSensor(task_id="wait", kling_task_id=name, deferrable=False, poke_interval=0.1)
    assert sensor.execute({"ti": ti})["status"] == "succeed"
    given = {"manifest": made} if words == "manifest" else {"kling_task_id": name}
    transfer = KlingToObjectStorageOperator(task_id="keep", output_uri=f"file://{tmp_path}/video.mp4", **given)
    transfer.execute({"ti": ti})
    assert (tmp_path / "video.mp4").stat().st_size > 0


def test_many_tasks_of_both_generations_are_read_in_one_call(kling, ti):
    made = [
        operator(model_name=model, external_task_id=f"n-{model.replace('.', '-')}").execute({"ti": ti})
        for model in (TURBO, "kling-v3")
    ]
    before = len(kling.requests(method="GET"))
    refs = [TaskRef(task["endpoint"], task["task_id"]) for task in made]
    found = KlingHook().get_tasks(refs)
    assert [found[ref].task_id for ref in refs] == [task["task_id"] for task in made]
    assert len(kling.requests(method="GET")) == before + 1


@pytest.mark.kling_simulator(concurrency=50)
def test_more_than_twenty_tasks_are_read_twenty_a_call(kling):
    hook = KlingHook()
    models = [TURBO, "kling-v3"]
    made = [hook.create_task("text2video", {"prompt": "x", "model_name": models[n % 5 // 4]}) for n in range(42)]
    refs = [TaskRef(task.endpoint, task.task_id) for task in made]
    before = len(kling.requests(method="GET"))
    found = hook.get_tasks(refs)
    assert [found[ref].task_id for ref in refs] == [task.task_id for task in made]
    calls = kling.requests(method="GET")[before:]
    assert {call["path"] for call in calls} == {"/tasks"}
    assert sorted(len(call["query"]["task_ids"].split(",")) for call in calls) == [2, 20, 20]


def mixed(count):
    models = [TURBO, "kling-v3", "kling-2.6"]
    return [
        {
            "key": f"k{number}",
            "prompt": f"Number {number}",
            "model_name": model,
            **({"duration": 5} if "2" in model else {}),
        }
        for number, model in ((number, models[number % 3]) for number in range(count))
    ]


def test_a_batch_mixes_models_of_both(kling, ti, tmp_path, monkeypatch):
    set_fast_pace(monkeypatch)
    payload = run(ti, tmp_path, items=mixed(9))
    assert (payload["status"], payload["summary"]["done"]) == ("success", 9)
    assert len(posts(kling)) == len(kling.tasks()) == 9
    assert {request["path"] for request in posts(kling)} == {
        *("/image-to-video/kling-3.0-turbo", "/image-to-video/kling-2.6", "/v1/videos/image2video")
    }
    assert {line["status"] for line in manifest(tmp_path)} == {"succeed"}


def test_a_batch_of_both_pays_once_although_responses_are_lost_and_it_is_started_again(
    kling, ti, tmp_path, monkeypatch, no_waiting
):
    set_fast_pace(monkeypatch)
    kling.fault("cut_after", method="POST", path="/image-to-video/*", times=2)
    kling.fault("cut_after", method="POST", path="/v1/*", times=1)
    items = mixed(6)
    trigger = deferred(ti, tmp_path, items=items)
    assert asyncio.run(fire(trigger))["summary"]["done"] == 6
    assert asyncio.run(fire(deferred(again(ti), tmp_path, items=items)))["summary"]["done"] == 6
    assert len(kling.tasks()) == 6


def test_a_batch_looks_a_video_up_that_no_list_shows_before_it_sends(kling, ti, tmp_path, monkeypatch):
    set_fast_pace(monkeypatch)
    items = mixed(1)
    run(ti, tmp_path, items=items)
    (tmp_path / "manifest.jsonl").unlink()
    assert run(again(ti), tmp_path, items=items)["summary"]["done"] == 1
    assert len(posts(kling)) == 1


def test_a_batch_with_a_key_pair_is_refused_on_the_worker(kling_simulator, monkeypatch, ti, tmp_path):
    connect(monkeypatch, kling_simulator)
    with pytest.raises(errors.KlingConfigurationError, match="Give the connection an API key"):
        run(ti, tmp_path, items=mixed(3))
    assert posts(kling_simulator) == []


def test_a_batch_is_asked_for_by_the_classic_name_of_its_product(kling, ti, tmp_path):
    with pytest.raises(errors.KlingValidationError, match="Give endpoint as 'image2video'"):
        run(ti, tmp_path, items=mixed(3), endpoint="image-to-video")
    assert posts(kling) == []


def test_the_wait_on_a_worker_asks_where_the_task_is(kling, ti, no_waiting):
    operator(wait_for_completion=True, deferrable=False).execute({"ti": ti})
    assert {request["path"] for request in kling.requests(method="GET")} == {"/tasks"}


def test_videos_of_both_generations_take_slots_of_the_same_packs():
    assert {product.group for product in V2_PRODUCTS.values()} == {product_of("image2video").group}


def clip(kling) -> str:
    """The link of a video that the simulated Kling can open."""
    made = KlingTextToVideoOperator(task_id="t", prompt="A dance", duration=3, model_name=TURBO, deferrable=False)
    made.wait_for_completion, made.poll_interval = True, 0.05
    return made.execute({"ti": FakeTaskInstance(task_id="t")})["videos"][0]["url"]


def omni(**kwargs) -> KlingOmniVideoOperator:
    given = {"task_id": "meet", "prompt": "<<<image_1>>> at night", "model_name": "kling-3.0-omni", "duration": 3}
    return KlingOmniVideoOperator(
        **{**given, "poll_interval": 0.05, "deferrable": False, "wait_for_completion": True, **kwargs}
    )


def test_an_omni_video_of_the_second_generation(kling, ti, tmp_path):
    result = omni(image_list=[str(PHOTOGRAPH)], aspect_ratio="1:1", output_uri=f"{tmp_path}/").execute({"ti": ti})
    (sent,) = posts(kling)
    assert sent["path"] == "/omni-video/kling-3.0-omni"
    assert [item["type"] for item in sent["body"]["contents"]] == ["prompt", "refer_image"]
    assert (result["endpoint"], result["units"]) == ("tasks/omni-video", "1.8")
    assert result["files"][0]["bytes"] > 0
    kling_task = KlingHook().get_task(result["task_id"], "omni-video")
    assert kling_task.endpoint == "tasks/omni-video", "it is found under the classic name too"


def test_a_video_that_is_changed_is_paid_as_one(kling, ti):
    source = clip(kling)
    made = omni(prompt="At night", video_list=[source], duration=None, validate="warn")
    assert made.execute({"ti": ti})["units"] == "2.7", "3 s beside a video; 1.8 when it is ignored"


def test_motion_control_of_the_second_generation(kling, ti):
    source = clip(kling)
    made = KlingMotionControlOperator(
        task_id="dance",
        image_url=str(PHOTOGRAPH),
        video_url=source,
        character_orientation="video",
        model_name="kling-3.0",
        validate="warn",
        deferrable=False,
        poll_interval=0.05,
        wait_for_completion=True,
    )
    result = made.execute({"ti": ti})
    assert posts(kling)[-1]["path"] == "/motion-control/kling-3.0"
    assert posts(kling)[-1]["body"]["settings"] == {"character_orientation": "video"}
    assert (result["endpoint"], result["units"]) == ("tasks/motion-control", "2.7")


def test_a_lost_response_is_one_omni_video(kling, ti, no_waiting):
    kling.fault("cut_after", method="POST")
    result = omni(aspect_ratio="1:1", prompt="A boat").execute({"ti": ti})
    assert [task["task_id"] for task in kling.tasks()] == [result["task_id"]]


@pytest.mark.parametrize(
    "made",
    [
        omni(aspect_ratio="1:1", prompt="A boat"),
        KlingMotionControlOperator(
            task_id="dance",
            image_url=str(PHOTOGRAPH),
            video_url="https://example.com/clip.mp4",
            character_orientation="video",
            model_name="kling-2.6",
        ),
    ],
    ids=["omni", "motion"],
)
def test_a_key_pair_is_refused_for_them_too(kling_simulator, monkeypatch, ti, made):
    connect(monkeypatch, kling_simulator)
    with pytest.raises(errors.KlingConfigurationError, match="Give the connection an API key"):
        made.execute({"ti": ti})
    assert kling_simulator.requests() == []


def test_a_batch_of_omni_videos_mixes_generations(kling, ti, tmp_path, monkeypatch, no_waiting):
    set_fast_pace(monkeypatch)
    kling.fault("cut_after", method="POST", path="/omni-video/*")
    items = [
        {"key": str(n), "prompt": "<<<image_1>>> flies", "image_list": [str(PHOTOGRAPH)], "model_name": model}
        for n, model in enumerate(("kling-3.0-omni", "kling-v3-omni", "kling-o1"))
    ]
    batch = {"items": items, "endpoint": "omni-video", "defaults": {"aspect_ratio": "1:1", "duration": 5}}
    assert run(ti, tmp_path, **batch)["summary"]["done"] == 3
    assert {request["path"] for request in posts(kling) if request["path"] != "/tasks"} == {
        *("/omni-video/kling-3.0-omni", "/omni-video/kling-o1", "/v1/videos/omni-video")
    }
    (tmp_path / "manifest.jsonl").unlink()
    assert run(again(ti), tmp_path, **batch)["summary"]["done"] == 3
    assert len(kling.tasks()) == 3, "a second run finds them by their names"
