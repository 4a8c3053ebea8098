"""Image generation: fields, slots, prices, and real PNG files."""

import io

import pytest
import requests
from PIL import Image

from .support import IMAGE

PATH = "/v1/images/generations"


def create(kling, **body):
    return kling.send("POST", PATH, json={"prompt": "a cat"} | body)


def made(kling, **body):
    response = create(kling, **body).json()
    assert response["code"] == 0, response
    return kling.finished(response["data"]["task_id"], PATH)


def opened(url):
    response = requests.get(url, timeout=20)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    return Image.open(io.BytesIO(response.content))


def test_an_image_task_has_the_published_bodies(kling):
    response = create(kling, external_task_id="img-1").json()["data"]
    assert response.keys() == {"task_id", "task_status", "task_info", "created_at", "updated_at"}
    seen = kling.finished("img-1", PATH)
    assert seen.keys() == {
        "task_id", "task_status", "task_status_msg", "task_info", "task_result", "watermark_info",
        "final_unit_deduction", "final_balance_deduction", "created_at", "updated_at",
    }  # fmt: skip
    (image,) = seen["task_result"]["images"]
    assert image.keys() == {"index", "url", "watermark_url"}
    assert (image["index"], image["watermark_url"], seen["final_unit_deduction"]) == (0, "", "8")
    assert [task["task_id"] for task in kling.get(PATH).json()["data"]] == [seen["task_id"]]


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("16:9", "1k", (1024, 576)),
        ("9:16", "1k", (576, 1024)),
        ("1:1", "2k", (2048, 2048)),
        ("21:9", "2k", (2048, 878)),
    ],
)
def test_the_png_has_the_ratio_and_the_resolution(start, ratio, resolution, size):
    seen = made(start(video_size="full"), aspect_ratio=ratio, resolution=resolution)
    picture = opened(seen["task_result"]["images"][0]["url"])
    assert (picture.format, picture.size) == ("PNG", size)


@pytest.mark.parametrize("body", [{}, {"image": IMAGE}])
def test_several_images_differ_and_each_is_charged(kling, body):
    seen = made(kling, n=3, **body)
    images = seen["task_result"]["images"]
    assert [image["index"] for image in images] == [0, 1, 2]
    assert len({opened(image["url"]).tobytes() for image in images}) == 3
    assert seen["final_unit_deduction"] == "24"
    (batch,) = kling.get("/tasks", task_ids=seen["task_id"]).json()["data"]
    assert batch["outputs"] == [{"type": "image", "url": image["url"]} for image in images]
    assert batch["billing"] == [{"charge_type": "unit", "amount": "24", "package_type": "image"}]


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "1:1", "21:9"])
def test_a_small_image_is_large_enough_to_be_the_input_of_another_product(kling, ratio):
    (image,) = made(kling, aspect_ratio=ratio)["task_result"]["images"]
    assert min(opened(image["url"]).size) == (320 if ratio == "1:1" else 300)
    film = kling.create(image=image["url"])
    assert kling.finished(film)["task_status"] == "succeed"


def test_a_watermarked_copy_is_another_image(kling):
    (image,) = made(kling, watermark_info={"enabled": True})["task_result"]["images"]
    assert opened(image["url"]).tobytes() != opened(image["watermark_url"]).tobytes()


def test_a_submitted_image_is_in_the_result_and_a_bad_one_fails_the_task(kling):
    (image,) = made(kling, image=IMAGE)["task_result"]["images"]
    left, _, right = (opened(image["url"]).getpixel((x, 90)) for x in (20, 160, 300))
    assert left[0] > 150
    assert right[0] < 60
    assert made(kling, image="http://127.0.0.1:9/x.png")["task_status"] == "failed"


@pytest.mark.parametrize(
    ("body", "units"),
    [({"model_name": "kling-v2-1"}, "4"), ({"model_name": "kling-v2-1", "image": IMAGE}, "8"), ({"image": IMAGE}, "8")],
)
def test_the_price_depends_on_the_model_and_on_an_image(kling, body, units):
    assert made(kling, **body)["final_unit_deduction"] == units


def test_each_image_takes_a_slot_of_its_own_and_videos_have_others(start):
    kling = start(image_concurrency=9, concurrency=1)
    assert create(kling, n=8).json()["code"] == 0
    assert kling.refusal(create(kling, n=2))[:2] == (429, 1303)
    assert create(kling, n=1).json()["code"] == 0
    assert create(kling, n=1, model_name="kling-v2-1").json()["code"] == 0, "slots are counted per model"
    kling.create()
    assert kling.image2video().status_code == 429


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": ""}, "prompt can not be null"),
        ({"prompt": "x" * 2501}, "prompt length must be less than or equal to 2500"),
        ({"n": 10}, "n value '10' is invalid, must be between 1 and 9"),
        ({"n": "2"}, "n value type is invalid, expected integer"),
        ({"resolution": "4k"}, "resolution value '4k' is invalid, allowed values: 1k, 2k"),
        ({"negative_prompt": "x", "image": IMAGE}, "negative_prompt and image are mutually exclusive"),
        ({"image": "data:image/png;base64,"}, "File is not in a valid base64 format"),
        ({"model_name": "kling-v1"}, "The model 'kling-v1' has been discontinued and is no longer available."),
        ({"model_name": "kling-v9"}, "model is not supported"),
        ({"element_list": [{"element_id": 7}]}, "Element id not found: 7"),
        ({"element_list": [{"element_id": 1}] * 11}, "image and element_list cannot exceed 10 in total"),
        ({"element_list": [{}]}, "element_list[0].element_id can not be null"),
    ],
)
def test_a_bad_body_is_refused(start, body, message):
    kling = start(known_elements=(1,))
    assert kling.refusal(create(kling, **body)) == (400, 1201, message)
    assert kling.simulator.tasks() == []


def test_a_model_of_another_product_is_refused_with_another_code(kling):
    assert kling.refusal(create(kling, model_name="kling-v2-6")) == (404, 1203, "not supported for this API")


def test_image_tasks_survive_a_restart(start, tmp_path):
    kling = start(state=tmp_path / "state.json")
    seen = made(kling, n=2)
    kling.simulator.stop()
    again = start(state=tmp_path / "state.json")
    assert len(again.task(seen["task_id"], PATH)["task_result"]["images"]) == 2
    opened(again.task(seen["task_id"], PATH)["task_result"]["images"][1]["url"])


def test_a_fault_damages_an_image_too(kling):
    (image,) = made(kling)["task_result"]["images"]
    whole = requests.get(image["url"], timeout=20).content
    kling.simulator.fault("truncate_video", product="results")
    assert requests.get(image["url"], timeout=20).content == whole[: len(whole) // 2]
