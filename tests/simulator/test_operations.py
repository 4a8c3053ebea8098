"""Every operation of Kling's API: create, read, list, and the files of the results."""

import pytest

from .support import IMAGE
from .support_operations import BODIES, CREATED, OPERATIONS, check_file, face, links, made, post, video

PRODUCTS = {name.removesuffix(".list") for name in OPERATIONS if name.endswith(".list")}
CREATES = [name for name, row in OPERATIONS.items() if row["method"] == "POST" and name in PRODUCTS]
V2 = [name for name, row in OPERATIONS.items() if row["path"].count("/") == 2 and name.startswith("v2-")]


#: Kling has it, the simulator has not.
MISSING: set[str] = set()
SEEN = CREATED | {
    "task_status_msg", "task_info", "task_result", "watermark_info", "final_unit_deduction", "final_balance_deduction",
}  # fmt: skip


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


#: These ignore the field, because they have none.
WITHOUT_WATERMARK = {
    "lip-sync", "text-to-audio", "custom-voices", "advanced-custom-elements", "ai-multi-shot", "virtual-try-on",
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


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_operation_but_those_that_are_known_to_be_missing_responds_not_simulated(kling, name):
    operation = OPERATIONS[name]
    path = operation["path"].replace("{id}", "1").replace("{solution}", "x")
    response = kling.send(operation["method"], path, json={} if operation["method"] == "POST" else None)
    assert (response.status_code == 501) == (name in MISSING)
    if name not in MISSING:
        assert {"code", "request_id"} <= response.json().keys()
