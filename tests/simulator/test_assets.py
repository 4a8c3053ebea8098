"""Voices and elements: presets, lists, deletion."""

import io

import pytest
import requests
from PIL import Image

from .support import IMAGE
from .support_operations import BODIES, CREATED, OPERATIONS, TIMES, check_file, links, made, post, video


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


@pytest.mark.parametrize(("name", "most"), [("presets-voices", 1000), ("advanced-presets-elements", 500)])
def test_presets_are_listed(kling, name, most):
    path = OPERATIONS[name]["path"]
    (preset,) = kling.get(path, pageSize=most).json()["data"]
    assert preset.keys() == {"task_id", "task_status", "task_status_msg", "task_result"} | TIMES
    ((_kind, (item,)),) = preset["task_result"].items()
    assert item["owned_by"] == "kling"
    check_file(links(item)[-1])
    assert kling.get(path, pageNum=2).json()["data"] == []
    assert kling.refusal(kling.get(path, pageSize=most + 1))[:2] == (400, 1201)


def test_a_voice_is_deleted_once_with_a_response_of_the_second_generation(kling):
    made_voice = made(kling, "custom-voices", BODIES["custom-voices"](kling))
    voice, task_id = made_voice["task_result"]["voices"][0]["voice_id"], made_voice["task_id"]
    assert kling.get("/tasks", task_ids=task_id).json()["data"][0]["outputs"][0]["status"] == "succeeded"
    assert post(kling, "delete-voices", {"voice_id": voice}).keys() == CREATED
    again = kling.send("POST", OPERATIONS["delete-voices"]["path"], json={"voice_id": voice})
    assert kling.refusal(again) == (400, 1201, "Voice id not found")
    assert kling.get("/tasks", task_ids=task_id).json()["data"][0]["outputs"][0]["status"] == "deleted"


@pytest.mark.parametrize("name", ["delete-elements", "delete-advanced-elements"])
def test_an_element_is_used_deleted_and_then_unknown(start, name):
    kling = start(known_elements=())
    (element,) = made(kling, "advanced-custom-elements", BODIES["advanced-custom-elements"](kling))["task_result"][
        "elements"
    ]
    number = element["element_id"]
    assert isinstance(number, int)
    assert element["tag_list"] == [{"id": "o_102", "name": "Character"}]
    body = {"prompt": "a cat", "element_list": [{"element_id": number}]}
    post(kling, "images-generations", body)
    assert post(kling, name, {"element_id": str(number)})["task_status"] == "submitted"
    unknown = (400, 1201, f"Element id not found: {number}")
    assert kling.refusal(kling.send("POST", OPERATIONS["images-generations"]["path"], json=body)) == unknown
    assert kling.refusal(kling.send("POST", OPERATIONS[name]["path"], json={"element_id": number})) == unknown
    (task,) = kling.get(OPERATIONS["advanced-custom-elements"]["path"]).json()["data"]
    assert task["task_result"]["elements"][0]["status"] == "deleted"


def test_an_element_of_the_older_page_is_in_the_response_and_in_the_list_until_it_is_deleted(start):
    kling = start(known_elements=())
    path = "/v1/general/custom-elements"
    body = {"element_name": "Zhang", "element_description": "x", "element_frontal_image": IMAGE}
    body |= {"element_refer_list": [{"image_url": IMAGE}] * 2, "tag_list": [{"tag_id": "o_102"}]}
    element = kling.send("POST", path, json=body).json()["data"]
    assert element.keys() == {
        "element_id", "element_name", "element_description", "element_frontal_image", "element_refer_list", "tag_list",
        "owned_by",
    }  # fmt: skip
    assert (len(element["element_refer_list"]), element["tag_list"][0]["name"]) == (2, "Character")
    Image.open(io.BytesIO(requests.get(element["element_refer_list"][1]["image_url"], timeout=10).content)).load()
    assert kling.get(path).json()["data"] == [element]
    number = element["element_id"]
    post(kling, "images-generations", {"prompt": "a cat", "element_list": [{"element_id": number}]})
    post(kling, "delete-elements", {"element_id": str(number)})
    assert kling.get(path).json()["data"] == []
    assert "code" not in kling.get(f"{path}/1").json()
    preset = kling.get("/v1/general/presets-elements").json()["data"][0]
    assert preset.keys() == element.keys() | {"final_unit_deduction"}
    assert kling.refusal(kling.send("POST", path, json=body | {"element_refer_list": []}))[:2] == (400, 1201)


def test_the_list_of_voices_has_longer_pages_than_the_others(kling):
    for name, most in (("custom-voices", 1000), ("advanced-custom-elements", 500)):
        path = OPERATIONS[name]["path"]
        assert kling.get(path, pageSize=most).json()["code"] == 0
        assert kling.refusal(kling.get(path, pageSize=most + 1))[:2] == (400, 1201)


def test_an_element_can_come_from_a_video(kling):
    url = video(kling)["url"]
    body = BODIES["advanced-custom-elements"](kling) | {
        "reference_type": "video_refer", "element_video_list": {"refer_videos": [{"video_url": url}]},
    }  # fmt: skip
    del body["element_image_list"]
    seen = made(kling, "advanced-custom-elements", body)
    (element,) = seen["task_result"]["elements"]
    assert element["element_video_list"] == {"refer_videos": [{"video_url": url}]}
    (output,) = kling.get("/tasks", task_ids=seen["task_id"]).json()["data"][0]["outputs"]
    reference = {"type": "video", "role": "refer", "url": url}
    assert (output["element_type"], output["references"]) == ("video_character_elements", [reference])


def test_an_element_shows_its_voice_and_the_part_of_each_image(kling):
    body = BODIES["advanced-custom-elements"](kling)
    own = made(kling, "custom-voices", BODIES["custom-voices"](kling))["task_result"]["voices"][0]
    official = kling.get("/v1/general/presets-voices").json()["data"][0]["task_result"]["voices"][0]
    for voice in (own, official):
        seen = made(kling, "advanced-custom-elements", body | {"element_voice_id": voice["voice_id"]})
        info = seen["task_result"]["elements"][0]["element_voice_info"]
        assert {key: info[key] for key in ("voice_id", "voice_name", "owned_by")} == {
            key: voice[key] for key in ("voice_id", "voice_name", "owned_by")
        }
        check_file(info["trial_url"])
    (output,) = kling.get("/tasks", task_ids=seen["task_id"]).json()["data"][0]["outputs"]
    assert [(item["type"], item["role"]) for item in output["references"]] == [
        ("image", "frontal"), ("image", "reference"), ("voice", "refer"),
    ]  # fmt: skip
    assert output["references"][2].keys() == {"type", "role", "url", "id", "name", "owned_by"}
    assert (output["id"], output["tags"]) == (
        str(seen["task_result"]["elements"][0]["element_id"]),
        [{"id": "o_102", "name": "Character", "description": ""}],
    )
    stranger = made(kling, "advanced-custom-elements", body | {"element_voice_id": "nobody"})["task_result"]["elements"]
    assert stranger[0]["element_voice_info"]["trial_url"] == ""
