"""A video is edited: the operator opens the session and marks what is meant, or takes a session that is open."""

from __future__ import annotations

import dataclasses

import pytest
from support import PHOTOGRAPH, FakeTaskInstance

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingMultiElementsOperator, KlingTextToVideoOperator

PATH = "/v1/videos/multi-elements"
WHERE = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
MARKS = [{"frame_index": 3, "points": [(0.5, 0.5), {"x": "0.25", "y": 1}]}]
FIELDS = {"edit_mode": "swap", "image_list": [str(PHOTOGRAPH)], "prompt": "A rocket instead of the boat"}

pytestmark = pytest.mark.kling_simulator(retired="accept")


def edit(**fields):
    return KlingMultiElementsOperator(**{"task_id": "edit", **FIELDS, **WHERE, **fields})


@pytest.fixture
def video(kling):
    made = KlingTextToVideoOperator(task_id="film", prompt="A boat", **WHERE)
    return made.execute({"ti": FakeTaskInstance(task_id="film")})["videos"][0]["id"]


def paths(kling):
    return [entry["path"].removeprefix(PATH) for entry in kling.requests(method="POST") if PATH in entry["path"]]


def test_a_video_is_marked_and_edited(kling, ti, tmp_path, video):
    manifest = edit(video_id=video, marks=MARKS, output_uri=f"{tmp_path}/").execute({"ti": ti})
    assert manifest["files"][0]["content_type"] == "video/mp4"
    assert paths(kling) == ["/init-selection", "/add-selection", ""]
    marked = kling.requests(path=f"{PATH}/add-selection")[0]["body"]
    assert (marked["frame_index"], marked["points"]) == (3, [{"x": 0.5, "y": 0.5}, {"x": 0.25, "y": 1.0}])
    assert kling.requests(path=PATH)[0]["body"]["session_id"] == marked["session_id"]


def test_a_retry_adopts_it_and_opens_no_session(kling, ti, video):
    first = edit(video_id=video, marks=MARKS).execute({"ti": ti})["task_id"]
    later = dataclasses.replace(ti, try_number=2, xcoms={})
    assert edit(video_id=video, marks=MARKS).execute({"ti": later})["task_id"] == first
    assert paths(kling) == ["/init-selection", "/add-selection", ""]


def test_other_marks_are_another_task(kling, ti, video):
    other = [{"frame_index": 4, "points": [(0.5, 0.5)]}]
    made = [edit(video_id=video, marks=marks).execute({"ti": ti})["task_id"] for marks in (MARKS, other)]
    assert len(set(made)) == 2


def test_a_session_that_is_open_already_is_taken_as_it_is(kling, ti, video):
    session = KlingHook().selections.open(video_id=video).session_id
    assert edit(session_id=session, edit_mode="removal", image_list=None).execute({"ti": ti})["videos"]
    assert paths(kling) == ["/init-selection", ""]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"session_id": "1", "marks": MARKS}, "Give marks together with a video"),
        ({"video_id": "1", "marks": "x"}, "Give marks as a list or dict"),
        ({"video_id": "1", "marks": {"frame_index": 1}}, "Give marks as a list of frames with points"),
        ({"video_id": "1", "marks": [{"frame_index": 1}]}, "Give each mark frame_index and points"),
        ({"video_id": "1", "marks": [{"frame_index": 1, "points": [(2, 0)]}]}, r"Give points\[0\] as \(x, y\)"),
        ({"video_id": "1", "video_url": "https://h.example/a.mp4"}, "Keep one of video_id or video_url"),
    ],
)
def test_what_cannot_be_done_is_reported_before_anything_is_sent(kling, ti, fields, advice):
    with pytest.raises(KlingValidationError, match=advice):
        edit(**fields).execute({"ti": ti})
    assert kling.requests() == []
