"""Each operation of Kling's API is served: it creates, reads and lists, and its results are real files."""

import base64
import io
from importlib import resources

import av
import pytest
import requests
import yaml
from PIL import Image

from .support import IMAGE

DATA = resources.files("airflow_provider_kling.simulator").joinpath("data/operations.yaml")
OPERATIONS = {row["id"]: row for row in yaml.safe_load(DATA.read_text())["operations"]}
PRODUCTS = {name.removesuffix(".list") for name in OPERATIONS if name.endswith(".list")}
CREATES = [name for name, row in OPERATIONS.items() if row["method"] == "POST" and name in PRODUCTS]
V2 = [name for name, row in OPERATIONS.items() if row["path"].count("/") == 2 and name.startswith("v2-")]

CONTENT_TYPES = {
    "mp4": "video/mp4",
    "png": "image/png",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "srt": "application/x-subrip",
    "ass": "text/x-ssa",
}

#: Kling has it, the simulator has not.
MISSING: set[str] = set()

TIMES = {"created_at", "updated_at"}
CREATED = {"task_id", "task_status"} | TIMES
SEEN = CREATED | {
    "task_status_msg", "task_info", "task_result", "watermark_info", "final_unit_deduction", "final_balance_deduction",
}  # fmt: skip


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


def post(kling, name, body):
    response = kling.send("POST", OPERATIONS[name]["path"], json=body)
    payload = response.json()
    assert (response.status_code, payload.get("code")) == (200, 0), payload
    return payload["data"]


def made(kling, name, body):
    task_id = post(kling, name, body)["task_id"]
    kling.simulator.finish(task_id)
    seen = kling.task(task_id, OPERATIONS[name]["path"])
    assert seen["task_status"] == "succeed", seen
    return seen


def video(kling):
    """A video of V1, which every product takes."""
    seen = made(kling, "text2video", {"prompt": "a cat", "model_name": "kling-v1"})
    return seen["task_result"]["videos"][0]


def sound(kling):
    body = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}
    return post(kling, "tts", body)["task_result"]["audios"][0]


def session(kling, name):
    return post(kling, name, {"video_id": video(kling)["id"]})["session_id"]


def face(kling):
    times = {"sound_start_time": 0, "sound_end_time": 2000, "sound_insert_time": 0}
    return {"face_id": "0", "audio_id": sound(kling)["id"]} | times


INIT = "multi-elements.init-selection"
POINTS = [{"x": 0.5, "y": 0.5}]

#: These ignore the field, because they have none.
WITHOUT_WATERMARK = {
    "lip-sync", "text-to-audio", "custom-voices", "advanced-custom-elements", "ai-multi-shot", "virtual-try-on",
}  # fmt: skip

#: A body for each create call.
BODIES = {
    "image2video": lambda _: {"model_name": "kling-v3", "image": IMAGE},
    "text2video": lambda _: {"model_name": "kling-v3", "prompt": "a cat"},
    "omni-video": lambda _: {"prompt": "a cat", "image_list": [{"image_url": IMAGE, "type": "first_frame"}]},
    "multi-image2video": lambda _: {"prompt": "a cat", "image_list": [{"image": IMAGE}, {"image": IMAGE}]},
    "motion-control": lambda kling: {
        "image_url": IMAGE, "video_url": video(kling)["url"], "character_orientation": "image", "mode": "std",
    },
    "video-extend": lambda kling: {"video_id": video(kling)["id"]},
    "multi-elements": lambda kling: {"session_id": session(kling, INIT), "edit_mode": "removal", "prompt": "no cat"},
    "advanced-lip-sync": lambda kling: {
        "session_id": session(kling, "identify-face"), "face_choose": [face(kling)],
    },
    "lip-sync": lambda kling: {
        "input": {"mode": "text2video", "video_id": video(kling)["id"], "text": "hello", "voice_id": "girl"}
    },
    "avatar": lambda kling: {"image": IMAGE, "audio_id": sound(kling)["id"]},
    "effects": lambda _: {"effect_scene": "hug", "input": {"images": [IMAGE, IMAGE]}},
    "text-to-audio": lambda _: {"prompt": "rain", "duration": 3.5},
    "video-to-audio": lambda kling: {"video_url": video(kling)["url"]},
    "custom-voices": lambda kling: {"voice_name": "mine", "voice_url": sound(kling)["url"]},
    "advanced-custom-elements": lambda _: {
        "element_name": "Zhang", "element_description": "test element", "reference_type": "image_refer",
        "element_image_list": {"frontal_image": IMAGE, "refer_images": [{"image_url": IMAGE}]},
        "tag_list": [{"tag_id": "o_102"}],
    },
    "images-generations": lambda _: {"prompt": "a cat"},
    "omni-image": lambda _: {"prompt": "a cat", "model_name": "kling-v3-omni", "result_type": "series"},
    "multi-image2image": lambda _: {"subject_image_list": [{"subject_image": IMAGE}]},
    "images-expand": lambda _: {"image": IMAGE} | dict.fromkeys(
        (f"{side}_expansion_ratio" for side in ("up", "down", "left", "right")), 0.1
    ),
    "ai-multi-shot": lambda _: {"element_frontal_image": IMAGE},
    "virtual-try-on": lambda _: {"human_image": IMAGE, "cloth_image": IMAGE},
}  # fmt: skip

IMAGE_KEYS = {"index", "url", "watermark_url"}
VIDEO_KEYS = {"id", "url", "duration"}
AUDIO_KEYS = {"id", "url_mp3", "url_wav", "duration_mp3", "duration_wav"}

#: Keys of the items of ``task_result``, where they are no plain videos or images.
RESULT_KEYS = {
    "text-to-audio": {"audios": AUDIO_KEYS},
    "video-to-audio": {"videos": VIDEO_KEYS, "audios": AUDIO_KEYS},
    "custom-voices": {"voices": {"voice_id", "voice_name", "trial_url", "owned_by"}},
    "advanced-custom-elements": {
        "elements": {
            "element_id", "element_name", "element_description", "reference_type", "element_image_list", "tag_list",
            "owned_by", "status",
        },
    },
    "multi-elements": {"videos": VIDEO_KEYS | {"session_id"}},
    "omni-image": {"series_images": IMAGE_KEYS},
    "ai-multi-shot": {"images": {"index", "url_1", "url_2", "url_3"}},
}  # fmt: skip


def links(value):
    """Every URL in an answer."""
    if isinstance(value, dict):
        return [link for item in value.values() for link in links(item)]
    if isinstance(value, list):
        return [link for item in value for link in links(item)]
    return [value] if isinstance(value, str) and "/results/" in value else []


def check_file(url):
    """A result must be what its name says."""
    response = requests.get(url, timeout=30)
    assert response.status_code == 200, url
    form = url.partition("?")[0].rpartition(".")[2]
    assert response.headers["Content-Type"] == CONTENT_TYPES[form]
    if form in ("srt", "ass"):
        assert {"srt": "00:00:00,000 --> 00:00:05,000", "ass": "[Script Info]"}[form] in response.text
    elif form == "png":
        Image.open(io.BytesIO(response.content)).load()
    else:
        with av.open(io.BytesIO(response.content)) as container:
            assert next(container.decode(video=0) if form == "mp4" else container.decode(audio=0))


def test_the_list_is_whole():
    assert len(OPERATIONS) == 94
    assert set(CREATES) == set(BODIES)
    assert len(V2) == 12
    assert {name for name in OPERATIONS if name.endswith(".get")} == {f"{name}.get" for name in PRODUCTS}


@pytest.mark.parametrize("name", CREATES)
def test_a_classic_product_creates_reads_and_lists(kling, name):
    path = OPERATIONS[name]["path"]
    body = BODIES[name](kling)
    created = post(kling, name, body | {"external_task_id": "a"})
    assert created.keys() == CREATED | {"task_info"}
    kling.simulator.finish(created["task_id"])
    seen = kling.task("a", path)
    assert seen.keys() == SEEN - ({"watermark_info"} if name in WITHOUT_WATERMARK else set())
    assert (seen["task_status"], seen["task_status_msg"], seen["task_info"]["external_task_id"]) == ("succeed", "", "a")
    filled = {kind: items for kind, items in seen["task_result"].items() if items and isinstance(items, list)}
    plain = {"videos": VIDEO_KEYS} if path.startswith("/v1/videos") else {"images": IMAGE_KEYS}
    assert {kind: set(items[0]) for kind, items in filled.items()} == RESULT_KEYS.get(name, plain)
    for url in links(seen["task_result"])[:4]:
        check_file(url)
    assert kling.get(path).json()["data"][0]["task_id"] == created["task_id"]
    (batch,) = kling.get("/tasks", external_task_ids="a").json()["data"]
    assert (batch["status"], batch["billing"][0]["amount"]) == ("succeeded", seen["final_unit_deduction"])
    assert batch["outputs"]
    assert links(batch["outputs"])


@pytest.mark.parametrize("name", CREATES)
def test_a_classic_product_refuses_an_empty_body_and_a_watermark_of_the_wrong_type(kling, name):
    path = OPERATIONS[name]["path"]
    assert kling.refusal(kling.send("POST", path, json={}))[:2] == (400, 1201)
    if name not in WITHOUT_WATERMARK:
        wrong = BODIES[name](kling) | {"watermark_info": 7}
        assert kling.refusal(kling.send("POST", path, json=wrong))[:2] == (400, 1201)


FRAME = {"type": "first_frame", "url": IMAGE}
CONTENTS = {
    "text-to-video": lambda _: {"prompt": "a cat"},
    "image-to-video": lambda _: {"contents": [FRAME]},
    "omni-video": lambda _: {"contents": [FRAME]},
    "motion-control": lambda kling: {
        "contents": [{"type": "image", "url": IMAGE}, {"type": "video", "url": video(kling)["url"]}],
        "settings": {"character_orientation": "video"},
    },
}


@pytest.mark.parametrize("name", CREATES)
def test_the_journal_keeps_no_image(kling, name):
    post(kling, name, BODIES[name](kling))
    assert IMAGE not in kling.get("/_simulator/requests").text


@pytest.mark.parametrize("name", V2)
def test_a_function_of_the_second_generation_creates_and_is_read_and_listed(kling, name):
    function = OPERATIONS[name]["path"].split("/")[1]
    body = CONTENTS[function](kling) | {"options": {"external_task_id": "a"}}
    created = post(kling, name, body)
    assert created.keys() == {"id", "status", "message", "create_time", "update_time", "external_id"}
    kling.simulator.finish("a")
    (seen,) = kling.get("/tasks", task_ids=created["id"]).json()["data"]
    assert seen["status"] == "succeeded"
    check_file(seen["outputs"][0]["url"])
    assert seen in kling.send("POST", "/tasks", json={}).json()["data"]["result"]


def test_faces_are_found_at_once(kling):
    data = post(kling, "identify-face", {"video_url": video(kling)["url"]})
    assert data.keys() == {"session_id", "final_unit_deduction", "final_balance_deduction", "face_data"}
    (found,) = data["face_data"]
    assert found.keys() == {"face_id", "face_image", "start_time", "end_time"}
    assert (data["final_unit_deduction"], found["start_time"]) == ("0.05", 0)
    assert found["end_time"] == pytest.approx(5033, abs=50)
    check_file(found["face_image"])


def test_faces_are_found_below_the_older_spelling_too(kling):
    data = kling.send("POST", "/v1/videos/Identify-face", json={"video_id": video(kling)["id"]}).json()["data"]
    assert data["session_id"]


def test_an_input_that_a_synchronous_call_cannot_use_is_a_refusal_and_costs_nothing(kling):
    response = kling.send("POST", OPERATIONS["identify-face"]["path"], json={"video_url": "http://127.0.0.1:9/x.mp4"})
    text = "Something went wrong when we tried to get the contents of the file."
    assert kling.refusal(response) == (400, 1201, text)
    assert kling.simulator.ledger()["units_used"] == "0"


def test_an_image_is_segmented_at_once(kling):
    data = post(kling, "image-recognize", {"image": IMAGE})
    assert data.keys() == {"task_result", "final_unit_deduction", "final_balance_deduction"}
    segments = data["task_result"]["images"]
    assert [segment["type"] for segment in segments] == ["object_seg", "head_seg", "face_seg", "cloth_seg"]
    assert [segment["is_contain"] for segment in segments] == [True, True, True, False]
    check_file(segments[0]["url"])


def test_areas_of_a_video_are_marked_in_a_session(kling):
    opened = post(kling, INIT, {"video_id": video(kling)["id"]})
    assert opened.keys() == {
        "status", "session_id", "final_unit_deduction", "final_balance_deduction", "fps", "original_duration", "width",
        "height", "total_frame", "normalized_video",
    }  # fmt: skip
    assert (opened["fps"], opened["width"], opened["height"], opened["total_frame"]) == (30.0, 320, 180, 151)
    check_file(opened["normalized_video"])
    mine = {"session_id": opened["session_id"]}
    free = {"final_unit_deduction": "0", "final_balance_deduction": {"quota": "0", "list_price": "0"}}
    said = mine | {"status": 0} | free
    marks = mine | {"frame_index": 3, "points": POINTS}
    added = post(kling, "multi-elements.add-selection", marks)
    (area,) = added["res"]["rle_mask_list"]
    assert added == said | {"res": {"frame_index": 3, "rle_mask_list": [area]}}
    assert (area["object_id"], area["png_mask"]["size"], area["rle_mask"]["size"]) == (0, [180, 320], [180, 320])
    assert Image.open(io.BytesIO(base64.b64decode(area["png_mask"]["base64"]))).size == (320, 180)
    removed = post(kling, "multi-elements.delete-selection", marks)
    assert removed == said | {"res": {"frame_index": 3, "rle_mask_list": []}}
    assert post(kling, "multi-elements.clear-selection", mine) == said
    shown = post(kling, "multi-elements.preview-selection", mine)["res"]
    assert shown.keys() == {"video", "video_cover", "tracking_output"}
    for url in shown.values():
        check_file(url)
    eleven = mine | {"frame_index": 3, "points": POINTS * 11}
    assert kling.refusal(kling.send("POST", OPERATIONS["multi-elements.add-selection"]["path"], json=eleven)) == (
        400, 1201, "points size must be less than or equal to 10",
    )  # fmt: skip
    wrong = kling.send("POST", OPERATIONS["multi-elements.clear-selection"]["path"], json={"session_id": "7"})
    assert kling.refusal(wrong)[:2] == (400, 1201)


def test_calls_that_make_no_task_are_in_no_list_and_take_no_slot(kling):
    session(kling, "identify-face")
    assert [task["slots"] for task in kling.simulator.tasks()] == [1, 0]
    everything = kling.send("POST", "/tasks", json={}).json()["data"]
    assert everything["count"] == 1, "the video alone"


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


def test_what_costs_nothing_needs_no_pack(start):
    kling = start(units=0.1)
    voice = made(kling, "custom-voices", BODIES["custom-voices"](kling))["task_result"]["voices"][0]["voice_id"]
    assert kling.simulator.ledger()["units_left"] == "0"
    assert kling.send("POST", OPERATIONS["images-generations"]["path"], json={"prompt": "a cat"}).status_code == 429
    assert post(kling, "delete-voices", {"voice_id": voice})["task_status"] == "submitted"


def test_results_over_earlier_results_survive_a_restart(start, tmp_path):
    settings = {"retired": "accept", "state": tmp_path / "state.json"}
    kling = start(**settings)
    film = made(kling, "video-to-audio", {"video_id": video(kling)["id"]})
    element = made(kling, "advanced-custom-elements", BODIES["advanced-custom-elements"](kling))
    number = element["task_result"]["elements"][0]["element_id"]
    kling.simulator.stop()
    again = start(**settings)
    seen = again.task(film["task_id"], OPERATIONS["video-to-audio"]["path"])
    for url in links(seen["task_result"]):
        check_file(url)
    assert seen["task_info"]["parent_video"]["id"] == film["task_info"]["parent_video"]["id"]
    post(again, "delete-elements", {"element_id": number})


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


def test_a_lip_sync_names_the_video_of_its_session(kling):
    parent = video(kling)
    for asked, known in (({"video_id": parent["id"]}, parent), ({"video_url": parent["url"]}, {"url": parent["url"]})):
        found = post(kling, "identify-face", asked)["session_id"]
        seen = made(kling, "advanced-lip-sync", {"session_id": found, "face_choose": [face(kling)]})
        assert seen["task_info"]["parent_video"].items() >= known.items()


@pytest.mark.parametrize("name", ["video-extend", "video-to-audio"])
def test_the_video_that_a_task_works_on_is_in_its_task_info(kling, name):
    parent = video(kling)
    seen = made(kling, name, {"video_id": parent["id"]})
    assert seen["task_info"]["parent_video"] == parent
    assert seen["task_result"]["videos"][0]["duration"] == {"video-extend": "10.041", "video-to-audio": "5.041"}[name]


def test_only_videos_of_the_first_models_can_be_extended(kling):
    newer = made(kling, "text2video", {"prompt": "a cat", "model_name": "kling-v3"})["task_result"]["videos"][0]
    response = kling.send("POST", OPERATIONS["video-extend"]["path"], json={"video_id": newer["id"]})
    assert kling.refusal(response) == (400, 1201, f"video_id value '{newer['id']}' is invalid")


def test_the_account_reports_are_served(kling):
    made(kling, "images-generations", {"prompt": "a cat"})
    video(kling)
    costs = kling.get("/account/costs", start_time=1, end_time=2).json()["data"]
    assert costs["resource_pack_subscribe_infos"][0]["remaining_quantity"] == 9991.0
    window = {"start_time": 1, "end_time": 10**14}
    data = post(kling, "account-billing-package", window)
    image, film = data["result"]["detail"]
    assert (data["result"]["count"], data["next_cursor"], data["has_more"]) == (2, "", False)
    assert film.keys() == {
        "package_id", "product_type", "task_id", "api_key_name", "product_function", "model_name", "resolution",
        "duration", "refer_video_input", "video_sound", "voice_control", "deduction_time", "unit_before_deduction",
        "deduction_amount", "unit_after_deduction",
    }  # fmt: skip
    assert (image["unit_before_deduction"], image["deduction_amount"], image["unit_after_deduction"]) == (
        "10000", "8", "9992",
    )  # fmt: skip
    assert (film["product_function"], film["resolution"], film["duration"]) == ("text_to_video", "720p", "5")
    assert (film["unit_before_deduction"], film["unit_after_deduction"]) == ("9992", "9991")
    first = post(kling, "account-billing-package", window | {"limit": 1})
    assert (first["result"]["detail"], first["has_more"]) == ([image], True)
    second = post(kling, "account-billing-package", {"cursor": first["next_cursor"], "limit": 500, "start_time": 0})
    assert (second["result"]["detail"], second["has_more"]) == ([film], False)
    only = window | {"filters": [{"key": "product_type", "values": ["image"]}]}
    assert post(kling, "account-billing-package", only)["result"]["detail"] == [image]
    assert post(kling, "account-billing-balance", window)["result"] == {"detail": [], "count": 0}
    for body in ({}, window | {"limit": 501}, {"cursor": "x"}, window | {"filters": [{"key": "x", "values": []}]}):
        response = kling.send("POST", OPERATIONS["account-billing-package"]["path"], json=body)
        assert kling.refusal(response)[:2] == (400, 1201)


def test_filters_without_a_value_filter_nothing(kling):
    """The example of Kling's page names all four so."""
    made(kling, "images-generations", {"prompt": "x"})
    names = ("product_type", "api_key_name", "package_name", "package_id")
    asked = {"start_time": 1, "end_time": 10**14, "cursor": "", "limit": 50}
    asked["filters"] = [{"key": name, "values": []} for name in names]
    assert post(kling, "account-billing-package", asked)["result"]["count"] == 1


@pytest.mark.parametrize("charge", ["unit", "cash"])
def test_the_amounts_of_a_report_are_numbers_if_that_is_chosen(start, charge):
    window, name = {"start_time": 1, "end_time": 10**14}, "package" if charge == "unit" else "balance"
    kling = start(charge=charge, report_amounts="number")
    made(kling, "images-generations", {"prompt": "x"})
    (row,) = post(kling, f"account-billing-{name}", window)["result"]["detail"]
    amounts = {key: value for key, value in row.items() if isinstance(value, float)}
    assert len(amounts) == (3 if charge == "unit" else 4)
    assert amounts["deduction_amount"] == (8.0 if charge == "unit" else 0.028)
    assert row["deduction_time"].isdecimal()


def test_a_packaged_scenario_is_a_task_in_a_list_of_its_own(kling):
    options = {"external_task_id": "a", "callback_url": "https://h.example/x", "watermark": True}
    path = "/solutions/talking-agent"
    created = kling.send("POST", path, json={"anything": [1], "prompt": "A shop", "options": options}).json()["data"]
    assert created["external_id"] == "a"
    kling.simulator.finish("a")
    (seen,) = kling.get("/solutions", task_ids=created["id"]).json()["data"]
    assert seen["status"] == "succeeded"
    check_file(seen["outputs"][0]["watermark_url"])
    assert kling.send("POST", "/solutions", json={}).json()["data"]["result"] == [seen]
    assert kling.get("/tasks", task_ids=created["id"]).json()["data"] == []
    assert kling.send("POST", "/tasks", json={}).json()["data"]["count"] == 0
    again = kling.send("POST", path, json={"options": options})
    assert kling.refusal(again)[:2] == (400, 1201)
    long = {"callback_url": "https://h.example/" + "x" * 1024}
    assert kling.refusal(kling.send("POST", path, json={"options": long}))[:2] == (400, 1201)
    many = kling.get("/solutions", task_ids=",".join(map(str, range(21))))
    assert kling.refusal(many)[:2] == (400, 1201)


@pytest.mark.parametrize(
    ("solution", "outputs"),
    [
        ("virtual_try_on", ["image"]),
        ("talking_agent", ["video"]),
        ("drama_subtitle", ["subbed_video", "srt", "ass"]),
        ("e-commerce/goods_studio", ["video"]),
        ("e-commerce/clothing_dupe", ["product_image", "model_images", "product_video"]),
    ],
)
def test_a_packaged_scenario_returns_the_documented_results(kling, solution, outputs):
    word = "watermark_info" if solution.endswith("clothing_dupe") else "watermark"
    body = {"contents": [], "options": {word: {"enabled": True}}}
    created = kling.send("POST", f"/solutions/{solution}", json=body).json()["data"]
    kling.simulator.finish(created["id"])
    (seen,) = kling.get("/solutions", task_ids=created["id"]).json()["data"]
    assert [output["type"] for output in seen["outputs"]] == outputs
    assert all(("watermark_url" in output) == (solution != "drama_subtitle") for output in seen["outputs"])
    for output in seen["outputs"]:
        check_file(output["url"])
    assert seen["billing"][0]["package_type"] == ("image" if outputs == ["image"] else "video")
    refused = kling.send("POST", f"/solutions/{solution}", json={"options": {word: "yes"}})
    assert kling.refusal(refused)[:2] == (400, 1201)


def test_the_list_of_packaged_scenarios_accepts_the_documented_filters(kling):
    for _ in range(2):
        created = kling.send("POST", "/solutions/virtual_try_on", json={}).json()["data"]
    kling.simulator.finish(created["id"])
    for asked, count in [({"limit": -1}, 1), ({"limit": 0}, 1), ({}, 2)]:
        assert kling.send("POST", "/solutions", json=asked).json()["data"]["count"] == count
    for word in ("succeed", "succeeded"):
        asked = {"filters": [{"key": "status", "values": [word]}]}
        (seen,) = kling.send("POST", "/solutions", json=asked).json()["data"]["result"]
        assert (seen["id"], seen["status"]) == (created["id"], "succeeded")
    assert kling.refusal(kling.send("POST", "/tasks", json={"limit": 0}))[:2] == (400, 1201)
    assert kling.send("POST", "/solutions/a/b/c", json={}).status_code == 404


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_operation_but_those_that_are_known_to_be_missing_responds_not_simulated(kling, name):
    operation = OPERATIONS[name]
    path = operation["path"].replace("{id}", "1").replace("{solution}", "x")
    response = kling.send(operation["method"], path, json={} if operation["method"] == "POST" else None)
    assert (response.status_code == 501) == (name in MISSING)
    if name not in MISSING:
        assert {"code", "request_id"} <= response.json().keys()
