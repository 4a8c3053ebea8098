"""Calls that return their result at once: faces, segmentation, marked areas."""

import base64
import io

import pytest
from PIL import Image

from .support import IMAGE
from .support_operations import INIT, OPERATIONS, check_file, post, session, video


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


POINTS = [{"x": 0.5, "y": 0.5}]


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
