"""The classic codec, on bodies as Kling sends them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_kling.api import account, classic, envelope
from airflow_provider_kling.exceptions import KlingApiError, KlingConfigurationError, KlingResponseError
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> envelope.Response:
    return envelope.read(200, (SAMPLES / f"{name}.json").read_bytes())


def raw(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())["data"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("submit_ok", TaskStatus.SUBMITTED),
        ("submit_ok_no_external_id", TaskStatus.SUBMITTED),
        ("query_submitted", TaskStatus.SUBMITTED),
        ("query_processing", TaskStatus.PROCESSING),
        ("query_succeed", TaskStatus.SUCCEED),
        ("query_succeed_relay_style", TaskStatus.SUCCEED),
        ("query_failed_moderation", TaskStatus.FAILED),
        ("query_failed_image", TaskStatus.FAILED),
    ],
)
def test_each_state_is_read(name, status):
    task = classic.read_task(sample(name), IMAGE2VIDEO)
    assert task.status is status
    assert task.task_id == raw(name)["task_id"]
    assert (task.created_at, task.updated_at) == (raw(name)["created_at"], raw(name)["updated_at"])
    assert task.request_id


def test_a_finished_task_has_its_video_its_cost_and_our_id():
    task = classic.read_task(sample("query_succeed"), IMAGE2VIDEO)
    assert task.videos[0].duration == "5.041"
    assert task.videos[0].url.startswith("https://v15-kling-fdl.klingai.com/")
    assert task.videos[0].watermark_url
    assert task.units == "3"
    assert task.external_task_id == "text2video_kling_v3_final-1774805076"


def test_a_failed_task_has_klings_reason():
    assert classic.read_task(sample("query_failed_image"), IMAGE2VIDEO).message == "Image pixel is invalid"


def test_a_null_external_id_is_none_at_all():
    assert classic.read_task(sample("query_succeed_relay_style"), IMAGE2VIDEO).external_task_id == ""


def test_a_manifest_is_small_json_with_all_that_a_downstream_task_needs():
    manifest = classic.read_task(sample("query_succeed"), IMAGE2VIDEO).manifest(model_name="kling-v3")
    assert json.loads(json.dumps(manifest)) == manifest
    assert list(manifest) == [
        "task_id",
        "external_task_id",
        "status",
        "endpoint",
        "model_name",
        "created_at",
        "updated_at",
        "units",
        "cash",
        "videos",
        "request_id",
    ]


def test_a_page_is_read():
    tasks = classic.read_page(sample("list"), IMAGE2VIDEO)
    assert [task.status for task in tasks] == [TaskStatus.SUCCEED, TaskStatus.PROCESSING]
    assert classic.read_page(sample("list_empty"), IMAGE2VIDEO) == []


def test_an_unknown_status_is_an_error_that_names_the_task():
    data = {"task_id": "7", "task_status": "resting"}
    with pytest.raises(KlingResponseError, match="(?s)unknown status 'resting'.*task 7"):
        classic.read_task(envelope.Response(data, "r"), IMAGE2VIDEO)


@pytest.mark.parametrize("data", [None, {}, [], "", {"task_status": "submitted"}, {"task_id": ""}])
def test_a_response_without_a_task_is_never_taken_for_one(data):
    with pytest.raises(KlingResponseError, match="holds no task"):
        classic.read_task(envelope.Response(data, "r"), IMAGE2VIDEO)


def test_requests_have_klings_paths():
    assert classic.create(IMAGE2VIDEO, {"a": 1}).path == "/v1/videos/image2video"
    assert classic.query(IMAGE2VIDEO, "a/b").path == "/v1/videos/image2video/a%2Fb"
    assert classic.page(TEXT2VIDEO, 2, 500).params == {"pageNum": "2", "pageSize": "500"}


def test_a_request_never_shows_its_body():
    assert "secret-image" not in repr(classic.create(IMAGE2VIDEO, {"image": "secret-image"}))


def test_an_unknown_endpoint_names_the_known_ones():
    with pytest.raises(KlingConfigurationError, match="use one of: .*image2video, .*text2video"):
        product_of("image-2-video")


def test_resource_packs_are_read_out_of_the_double_envelope():
    (pack,) = account.read_costs(sample("account_costs_trial_pack"))
    assert (pack.name, pack.status) == ("Trial-Video-100Units-5Con-1Months", "online")
    assert (pack.total_quantity, pack.remaining_quantity) == (100.0, 91.2)
    assert account.read_costs(sample("account_costs_no_pack")) == []


def test_an_error_in_the_inner_envelope_is_not_overlooked():
    with pytest.raises(KlingApiError, match="no such account"):
        account.read_costs(envelope.Response({"code": 1100, "msg": "no such account"}, "r"))
    with pytest.raises(KlingResponseError):
        account.read_costs(envelope.Response(None, "r"))
