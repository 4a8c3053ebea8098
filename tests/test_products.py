"""Products whose result is no video, from the operator to the stored file, against the simulator."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from PIL import Image
from support import PHOTOGRAPH, advice_first

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.operators import KlingImageGenerationOperator
from airflow_provider_kling.plugins.links import KlingResultLink, link_of
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


def images(**kwargs) -> KlingImageGenerationOperator:
    defaults = {"task_id": "draw", "prompt": "A paper boat", "poll_interval": 0.05}
    return KlingImageGenerationOperator(**{**defaults, **kwargs})


def refused(**kwargs) -> list[str]:
    with pytest.raises(KlingValidationError) as caught:
        images(**kwargs)._prepare()
    return [advice_first(problem) for problem in caught.value.problems]


def test_images_are_submitted_waited_for_and_stored(kling, ti, tmp_path):
    made = images(n=2, aspect_ratio="4:3", deferrable=False, output_uri=f"{tmp_path}/")
    manifest = made.execute({"ti": ti})
    assert (manifest["endpoint"], manifest["model_name"], len(manifest["images"])) == (
        "images/generations",
        "kling-v3",
        2,
    )
    assert "videos" not in manifest
    assert [file["uri"].rpartition("/")[2] for file in manifest["files"]] == [
        f"{manifest['task_id']}_0.png",
        f"{manifest['task_id']}_1.png",
    ]
    for file in manifest["files"]:
        with Image.open(file["uri"].removeprefix("file://")) as picture:
            assert picture.size == (file["width"], file["height"])
    assert kling.requests(method="POST")[0]["body"]["n"] == 2
    (button,) = made.operator_extra_links
    assert (button.name, button.get_link(made, ti_key=None)) == ("Kling image", manifest["images"][0]["url"])


def test_images_are_paid_for_once(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    first = images().execute({"ti": ti})
    later = dataclasses.replace(ti, try_number=2, xcoms={})
    assert images().execute({"ti": later})["task_id"] == first["task_id"]
    assert len(kling.tasks()) == 1


def test_the_wait_leaves_the_worker_and_ends_with_images(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        images(wait_for_completion=True).execute({"ti": ti})
    assert caught.value.trigger.endpoint == "images/generations"
    kling.finish(ti.xcoms["task_id"])
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    manifest = images(wait_for_completion=True).execute_complete({"ti": ti}, event)
    assert len(manifest["images"]) == 1


def test_sensor_and_transfer_take_the_manifest_of_any_product(kling, ti, tmp_path):
    manifest = images(image=str(PHOTOGRAPH), watermark_info=True).execute({"ti": ti})
    kling.finish(manifest["task_id"])
    seen = KlingTaskSensor(task_id="wait", kling_task_id=manifest, deferrable=False).execute({"ti": ti})
    assert link_of(seen) == seen["images"][0]["url"]
    copied = KlingToObjectStorageOperator(task_id="copy", manifest=seen, output_uri=f"{tmp_path}/").execute({"ti": ti})
    assert [file.get("watermark") for file in copied["files"]] == [None, True]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"prompt": None}, "Write a prompt"),
        ({"n": 10}, "Give n as a whole number from 1 to 9"),
        ({"n": "two"}, "Give n as a whole number from 1 to 9"),
        ({"n": 1.5}, "Give n as a whole number from 1 to 9"),
        ({"n": True}, "Give n as a whole number from 1 to 9"),
        ({"image_fidelity": 1.1}, "Give image_fidelity as a number from 0 to 1"),
        ({"resolution": "8k"}, "Give resolution as '1k' or '2k'"),
        ({"aspect_ratio": "5:4"}, "Give aspect_ratio one of its 8 values"),
        ({"image_reference": "head", "model_name": "kling-v2-1"}, "Give image_reference as 'subject' or 'face'"),
        ({"image": str(PHOTOGRAPH), "negative_prompt": "rain"}, "Leave negative_prompt out, or image"),
        ({"image": str(PHOTOGRAPH), "image_reference": "face"}, "Change model, or leave image_reference out"),
        ({"image": "missing.png"}, "Check the path of image"),
        ({"element_list": list(range(11))}, "Drop some of element_list"),
        ({"image": str(PHOTOGRAPH), "element_list": list(range(10))}, "Drop some of element_list"),
        ({"element_list": ["x"]}, "Give element_list[0] as a whole number"),
        ({"extra_body": 7}, "Give extra_body as a dict"),
        ({"model_name": "kling-v2-6"}, "Use 'kling-v2-1' or 'kling-v3'"),
    ],
)
def test_what_kling_would_refuse_is_refused_before_it_is_sent(kling, fields, advice):
    assert [problem[: len(advice)] for problem in refused(**fields)] == [advice]
    assert kling.requests() == []


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"image_reference": "face", "model_name": "kling-v2-1"}, "Give image too, or leave image_reference out"),
        ({"human_fidelity": 0.5}, "Give image too, or leave human_fidelity out"),
        (
            {"image": str(PHOTOGRAPH), "human_fidelity": 0.5},
            "Set image_reference='subject', or leave human_fidelity out",
        ),
        ({"model_name": "kling-v2-new"}, "Use 'kling-v3'"),
        ({"model_name": "kling-v1-5"}, "Use 'kling-v2-1' or 'kling-v3'"),
    ],
)
def test_what_kling_may_take_is_a_warning(fields, advice):
    assert [advice_first(warning)[: len(advice)] for warning in images(**fields)._prepare().warnings] == [advice]


def test_numbers_and_text_are_read_as_templates_render_them(kling, ti):
    images(n="3", image_fidelity="0.7", image=str(PHOTOGRAPH), resolution="2K").execute({"ti": ti})
    body = kling.requests(method="POST")[0]["body"]
    assert (body["n"], body["image_fidelity"], body["resolution"]) == (3, 0.7, "2k")


def test_what_images_cost_is_known_before_they_are_paid_for():
    assert images(n=2).estimate()[:2] == (16, Decimal("0.056"))
    assert images(model_name="kling-v2-1").estimate().units == 4
    assert images(model_name="kling-v2-1", image=str(PHOTOGRAPH)).estimate().units == 8


def test_the_button_of_a_video_keeps_its_name():
    assert KlingResultLink().name == "Kling video"
    assert link_of({"audios": [{"url": "", "url_wav": "https://h.example/a.wav"}]}) == "https://h.example/a.wav"
