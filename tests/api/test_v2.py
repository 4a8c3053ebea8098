"""The second generation's requests and answers; the answers are Kling's published examples."""

from __future__ import annotations

import pytest

from airflow_provider_kling.api import v2
from airflow_provider_kling.api.envelope import Response
from airflow_provider_kling.exceptions import KlingResponseError, KlingTaskNotFoundError
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.video import IMAGE_TO_VIDEO, TEXT_TO_VIDEO

CREATED = {
    "id": "926484082518392851",
    "status": "submitted",
    "external_id": "mine",
    "message": "",
    "create_time": 1788919537338,
    "update_time": 1788919537338,
}
VIDEO = {"type": "video", "id": "9264842", "url": "https://example.com/output.mp4", "duration": "5.041"}
DONE = {
    **CREATED,
    "status": "succeeded",
    "update_time": 1788919575120,
    "outputs": [VIDEO],
    "billing": [{"charge_type": "unit", "amount": "5", "package_type": "video"}],
}
FAILED = {
    **CREATED,
    "status": "failed",
    "message": "Image pixel is invalid",
    "outputs": [],
    "billing": [{"amount": "0"}],
}


def test_the_model_is_in_the_path_and_the_id_in_the_options():
    request = v2.create(TEXT_TO_VIDEO, {"model_name": "kling-3.0-turbo", "prompt": "x", "external_task_id": "mine"})
    assert (request.method, request.path) == ("POST", "/text-to-video/kling-3.0-turbo")
    assert request.json == {"prompt": "x", "options": {"external_task_id": "mine"}}
    assert (
        v2.create(TEXT_TO_VIDEO, {"model_name": "kling-../x?", "prompt": "x"}).path == "/text-to-video/kling-..%2Fx%3F"
    )


def test_a_request_never_shows_its_body():
    assert "secret-image" not in repr(v2.create(IMAGE_TO_VIDEO, {"model_name": "kling-3.0", "image": "secret-image"}))


def test_a_number_is_kling_s_id_and_anything_else_ours():
    assert v2.query(IMAGE_TO_VIDEO, "926484082518392851").params == {"task_ids": "926484082518392851"}
    assert v2.query(IMAGE_TO_VIDEO, "af-1").params == {"external_task_ids": "af-1"}


def test_a_created_task_is_read_under_the_endpoint_that_reads_it():
    task = v2.read_created(Response(CREATED, "r-1"), IMAGE_TO_VIDEO)
    assert (task.task_id, task.status, task.external_task_id) == ("926484082518392851", TaskStatus.SUBMITTED, "mine")
    assert (task.endpoint, task.created_at, task.request_id) == ("image-to-video", 1788919537338, "r-1")


def test_a_finished_task_has_its_video_and_its_bill():
    task = v2.read_task(Response([DONE], "r-1"), IMAGE_TO_VIDEO)
    assert (task.status, task.units, task.updated_at) == (TaskStatus.SUCCEED, "5", 1788919575120)
    assert (task.videos[0].url, task.videos[0].duration) == (VIDEO["url"], "5.041")


def test_a_failed_task_has_the_reason():
    task = v2.read_task(Response([FAILED], "r-1"), IMAGE_TO_VIDEO)
    assert (task.status, task.message, task.results) == (TaskStatus.FAILED, "Image pixel is invalid", ())


def test_only_an_empty_list_means_that_there_is_no_task():
    with pytest.raises(KlingTaskNotFoundError):
        v2.read_task(Response([], "r-1"), IMAGE_TO_VIDEO)
    for data in (None, {}, "none", 0, [None], [{}]):
        with pytest.raises(KlingResponseError):
            v2.read_task(Response(data, "r-1"), IMAGE_TO_VIDEO)


def test_a_cursor_stands_alone_because_it_overrides_a_window():
    first, second = v2.page(IMAGE_TO_VIDEO, 1, 500), v2.page(IMAGE_TO_VIDEO, 2, 500, "abc")
    assert (first.method, first.path) == ("POST", "/tasks")
    assert "cursor" not in first.json
    assert second.json == {**first.json, "cursor": "abc"}
    assert not {"start_time", "end_time"} & second.json.keys()


def test_the_last_page_leads_nowhere():
    page = {"result": [DONE], "count": 1, "next_cursor": "abc", "has_more": True}
    assert v2.next_cursor(Response(page, "")) == "abc"
    for data in ({**page, "has_more": False}, {"count": 0, "has_more": False}, None, []):
        assert v2.next_cursor(Response(data, "")) == ""
    for unsaid in (7, "", None):
        assert v2.next_cursor(Response({**page, "next_cursor": unsaid}, "")) is None


def test_a_page_is_read_and_an_empty_one_has_no_list():
    tasks = v2.read_page(Response({"result": [DONE, {"id": "x"}], "count": 2, "has_more": False}, ""), IMAGE_TO_VIDEO)
    assert [(task.task_id, task.endpoint) for task in tasks] == [(DONE["id"], "image-to-video")]
    assert v2.read_page(Response({"count": 0, "has_more": False}, ""), IMAGE_TO_VIDEO) == []
    with pytest.raises(KlingResponseError):
        v2.read_page(Response({"has_more": False}, ""), IMAGE_TO_VIDEO)
