"""Tasks over HTTP: states, bodies, ids, slots, charges, lists and batches."""

import re
import time

import pytest
import requests

from .support import I2V, IMAGE, MODEL, NOT_FOUND, T2V, eventually, token

TIMES = {"created_at", "updated_at"}


def test_a_create_response_has_exactly_the_published_shape(kling):
    before = int(time.time() * 1000)
    body = kling.image2video(external_task_id="a").json()
    assert body.keys() == {"code", "message", "request_id", "data"}
    assert (body["code"], body["message"]) == (0, "SUCCEED")
    data = body["data"]
    assert data.keys() == {"task_id", "task_status", "task_info"} | TIMES
    assert (data["task_status"], data["task_info"]) == ("submitted", {"external_task_id": "a"})
    assert data["created_at"] == data["updated_at"]
    assert before <= data["created_at"] <= int(time.time() * 1000)


def test_without_an_external_id_task_info_is_absent_unless_set_to_null(start):
    assert "task_info" not in start().image2video().json()["data"]
    with_null = start(missing_task_info="null").image2video().json()["data"]
    assert with_null["task_info"] == {"external_task_id": None}
    assert start(missing_task_info="empty").image2video().json()["data"]["task_info"] == {}


def test_a_task_passes_through_every_state_with_the_published_bodies(kling):
    task_id = kling.create(external_task_id="a", watermark_info={"enabled": True})
    seen = kling.task(task_id)
    assert seen["task_status"] == "submitted"
    kling.simulator.advance(3600 * 0.06)
    seen = kling.task("a")
    assert seen["task_status"] == "processing"
    assert seen.keys() == {"task_id", "task_status", "task_status_msg", "task_info", "task_result"} | TIMES
    assert (seen["task_status_msg"], seen["task_result"]) == ("", {})
    kling.simulator.advance(3600)
    seen = eventually(lambda: (got := kling.task(task_id))["task_status"] == "succeed" and got)
    assert seen.keys() == {
        "task_id", "task_status", "task_status_msg", "task_info", "task_result", "watermark_info",
        "final_unit_deduction", "final_balance_deduction",
    } | TIMES  # fmt: skip
    video = seen["task_result"]["videos"][0]
    assert video.keys() == {"id", "url", "watermark_url", "duration"}
    assert (video["duration"], len(video["id"])) == ("5.041", 18)
    assert (seen["watermark_info"], seen["final_unit_deduction"]) == ({"enabled": True}, "1.5")
    assert seen["final_balance_deduction"] == {"quota": "0", "list_price": "0"}
    assert seen["updated_at"] > seen["created_at"]


def test_without_a_watermark_there_is_no_watermark_url(kling):
    seen = kling.finished(kling.create())
    assert seen["task_result"]["videos"][0].keys() == {"id", "url", "duration"}
    assert (seen["watermark_info"], seen["task_info"]) == ({"enabled": False}, {})


@pytest.mark.parametrize(("setting", "expected"), [("empty", {}), ("null", None), ("absent", "nothing")])
def test_task_result_before_success_is_a_setting(start, setting, expected):
    kling = start(early_result=setting)
    assert kling.task(kling.create()).get("task_result", "nothing") == expected


def test_a_failed_task_is_an_accepted_query_and_costs_nothing(kling):
    task_id = kling.create(prompt="please simulate-risk-control now")
    kling.simulator.finish(task_id)
    response = kling.get(f"{I2V}/{task_id}")
    assert (response.status_code, response.json()["code"]) == (200, 0)
    seen = response.json()["data"]
    assert seen["task_status"] == "failed"
    assert seen["task_status_msg"] == "Failure to pass the risk control system"
    assert (seen["task_result"], seen["final_unit_deduction"]) == ({}, "0")
    assert kling.simulator.ledger()["units_used"] == "0"


def test_finish_can_fail_a_task_with_any_message_over_http(kling):
    task_id = kling.create()
    done = kling.send("POST", f"/_simulator/tasks/{task_id}/finish", json={"failure": "no luck"})
    assert done.json()["status"] == "failed"
    assert kling.task(task_id)["task_status_msg"] == "no luck"
    assert kling.send("POST", "/_simulator/tasks/7/finish").status_code == 404


def test_tasks_end_by_themselves_after_the_chosen_seconds(start):
    kling = start(seconds=0.2)
    task_id = kling.create()
    assert kling.task(task_id)["task_status"] in {"submitted", "processing"}
    seen = eventually(lambda: (got := kling.task(task_id))["task_status"] == "succeed" and got)
    assert seen["updated_at"] - seen["created_at"] == pytest.approx(200, abs=60)


@pytest.mark.parametrize(
    ("method", "body", "seconds"),
    [("image2video", {}, 1.64), ("image2video", {"duration": "10"}, 3.28), ("text2video", {}, 3.19)],
)
def test_the_usual_time_depends_on_product_and_length_and_is_scaled(start, method, body, seconds):
    kling = start(seconds=None, time_scale=0.01)
    getattr(kling, method)(**body)
    task = kling.simulator.tasks()[0]
    assert task["ends_at"] - task["created_at"] == pytest.approx(seconds * 1000, abs=60)


def test_an_unknown_id_or_one_of_another_product_is_400_1201_and_echoed(kling):
    task_id = kling.create()
    for path, any_id in ((I2V, "nonexistent"), (T2V, task_id)):
        assert kling.refusal(kling.get(f"{path}/{any_id}")) == (400, 1201, NOT_FOUND + any_id)


def test_external_ids_are_unique_across_products_even_after_a_failure(kling):
    kling.simulator.finish(kling.create(external_task_id="a"), failure="no")
    for response in (kling.image2video(external_task_id="a"), kling.text2video(external_task_id="a")):
        assert kling.refusal(response) == (400, 1201, "External_task_id a already exists")
    assert len(kling.simulator.tasks()) == 1


def test_a_failed_task_frees_its_external_id_if_the_settings_allow(start):
    kling = start(reuse_after_failure="accept")
    first = kling.create(external_task_id="a")
    kling.simulator.finish(first, failure="no")
    second = kling.create(external_task_id="a")
    assert kling.task("a")["task_id"] == second != first


def test_slots_are_held_until_tasks_end_and_a_refusal_creates_nothing(start):
    kling = start(concurrency=2)
    first, _second = kling.create(), kling.create()
    response = kling.image2video(external_task_id="third")
    assert kling.refusal(response) == (429, 1303, "parallel task over resource pack limit")
    kling.simulator.finish(first)
    assert kling.create(external_task_id="third")


def test_the_pack_runs_out_by_success_and_then_refuses(start):
    kling = start(units=1.5)
    failed, good = kling.create(), kling.create()
    kling.simulator.finish(failed, failure="no")
    kling.simulator.finish(good)
    ledger = kling.simulator.ledger()
    assert (ledger["units_used"], ledger["units_left"]) == ("1.5", "0")
    assert [charge["task_id"] for charge in ledger["charges"]] == [good]
    assert kling.refusal(kling.image2video()) == (429, 1102, "Account balance not enough")


def test_creates_per_second_give_1302(start):
    kling = start(creates_per_second=1)
    kling.create()
    assert kling.refusal(kling.image2video())[:2] == (429, 1302)


def test_account_costs_has_a_double_envelope_and_shows_what_is_left(start):
    kling = start(units=100)
    kling.finished(kling.create())
    data = kling.get("/account/costs", start_time=1, end_time=2).json()["data"]
    assert (data["code"], data["msg"]) == (0, "success")
    (pack,) = data["resource_pack_subscribe_infos"]
    assert pack["resource_pack_name"] == "Trial-Video-100Units-5Con-12Months"
    assert (pack["total_quantity"], pack["remaining_quantity"], pack["status"]) == (100.0, 98.5, "online")
    assert pack["resource_pack_type"] == "decreasing_total"
    other = kling.get("/account/costs", start_time=1, end_time=2, resource_pack_name="x").json()["data"]
    assert other == {"code": 0, "msg": "success"}


@pytest.mark.parametrize("parameters", [{"start_time": 1}, {"end_time": 1}, {"start_time": "x", "end_time": 1}])
def test_account_costs_needs_both_times(kling, parameters):
    assert kling.refusal(kling.get("/account/costs", **parameters))[:2] == (400, 1201)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_the_list_is_a_bare_array_of_one_product_in_pages(start, order):
    kling = start(list_order=order, concurrency=10)
    ids = [kling.create() for _ in range(5)]
    kling.text2video()
    expected = ids[::-1] if order == "newest" else ids
    pages = [kling.get(I2V, pageNum=page, pageSize=2).json()["data"] for page in (1, 2, 3, 4)]
    assert [[task["task_id"] for task in page] for page in pages] == [expected[:2], expected[2:4], expected[4:], []]
    assert [task["task_id"] for task in kling.get(I2V).json()["data"]] == expected


@pytest.mark.parametrize(
    "parameters", [{"pageNum": 0}, {"pageNum": 1001}, {"pageSize": 501}, {"pageSize": "x"}, {"pageNum": "9" * 5000}]
)
def test_a_page_out_of_range_is_refused(kling, parameters):
    ((name, value),) = parameters.items()
    assert kling.refusal(kling.get(I2V, **parameters)) == (400, 1201, f"{name} value '{value}' is invalid")


def test_the_batch_shows_classic_tasks_in_the_new_shape_and_leaves_unknown_ids_out(kling):
    running = kling.create(external_task_id="a")
    failed = kling.text2video(prompt="simulate-internal-error").json()["data"]["task_id"]
    good = kling.create()
    kling.simulator.finish(failed)
    kling.simulator.finish(good)
    response = kling.get("/tasks", task_ids=f"{running},{failed},{good},0").json()
    by_id = {task["id"]: task for task in response["data"]}
    assert by_id.keys() == {running, failed, good}
    assert by_id[running].keys() == {"id", "status", "message", "create_time", "update_time", "external_id", "outputs"}
    assert (by_id[running]["external_id"], by_id[running]["outputs"]) == ("a", [])
    assert (by_id[failed]["status"], by_id[failed]["billing"]) == ("failed", [{"amount": "0"}])
    assert by_id[failed]["message"] == "Internal error, please contact Kling customer service."
    assert by_id[good]["status"] == "succeeded"
    (output,) = by_id[good]["outputs"]
    assert output == {"type": "video"} | kling.task(good)["task_result"]["videos"][0]
    assert by_id[good]["billing"] == [{"charge_type": "unit", "amount": "1.5", "package_type": "video"}]
    assert kling.get("/tasks", external_task_ids="a").json()["data"] == [by_id[running]]


def test_a_batch_of_unknown_ids_is_empty_and_not_an_error(kling):
    response = kling.get("/tasks", task_ids="0")
    assert (response.status_code, response.json()["code"], response.json()["data"]) == (200, 0, [])


def test_a_batch_takes_twenty_ids_and_refuses_twenty_one(kling):
    ids = [str(number) for number in range(21)]
    assert kling.get("/tasks", task_ids=",".join(ids[:20])).json()["data"] == []
    message = "task_ids and external_task_ids cannot exceed 20 in total"
    assert kling.refusal(kling.get("/tasks", task_ids=",".join(ids))) == (400, 1201, message)
    mixed = kling.get("/tasks", task_ids=",".join(ids[:11]), external_task_ids=",".join(ids[:10]))
    assert kling.refusal(mixed) == (400, 1201, message)


@pytest.mark.parametrize("parameters", [{}, {"task_ids": ""}, {"external_task_ids": ","}])
def test_a_batch_without_ids_is_refused(kling, parameters):
    message = "task_ids or external_task_ids is required"
    assert kling.refusal(kling.get("/tasks", **parameters)) == (400, 1201, message)


def listing(kling, **body):
    return kling.send("POST", "/tasks", json=body).json()["data"]


def test_the_account_list_walks_by_cursor_over_all_products_and_new_tasks_do_not_shift_it(start):
    kling = start(concurrency=10)
    assert listing(kling) == {"count": 0, "has_more": False}
    ids = [kling.create(), kling.text2video().json()["data"]["task_id"], kling.create()]
    first = listing(kling, limit=2)
    assert (first["count"], first["has_more"]) == (2, True)
    time.sleep(0.002)
    kling.create()
    second = listing(kling, cursor=first["next_cursor"], limit=2)
    assert second.keys() == {"count", "has_more", "result"}
    assert [task["id"] for task in first["result"] + second["result"]] == ids[::-1]


def test_the_account_list_filters_by_status_time_and_product_type(kling):
    good, running = kling.create(), kling.create()
    kling.simulator.finish(good)
    only = listing(kling, filters=[{"key": "status", "values": ["succeeded"]}])
    assert [task["id"] for task in only["result"]] == [good]
    assert listing(kling, filters=[{"key": "product_type", "values": ["image"]}])["count"] == 0
    assert listing(kling, end_time="1")["count"] == 0
    assert {task["id"] for task in listing(kling, start_time="1")["result"]} == {good, running}


@pytest.mark.parametrize(
    "body", [{"limit": 501}, {"cursor": "x"}, {"start_time": "x"}, {"filters": [7]}, {"filters": [{"key": "x"}]}]
)
def test_the_account_list_refuses_nonsense(kling, body):
    assert kling.refusal(kling.send("POST", "/tasks", json=body))[:2] == (400, 1201)


def test_an_unknown_method_is_404_in_the_envelope(kling):
    assert kling.refusal(kling.send("DELETE", f"{I2V}/1"))[:2] == (404, 1202)


def test_several_slashes_mean_one(kling):
    task_id = kling.create()
    assert kling.get(f"{I2V}//{task_id}").json()["data"]["task_id"] == task_id
    assert kling.get("//tasks", task_ids=task_id).json()["data"][0]["id"] == task_id


def test_a_slash_at_the_end_means_nothing(kling):
    task_id = kling.send("POST", f"{I2V}/", json={"model_name": MODEL, "image": IMAGE}).json()["data"]["task_id"]
    assert kling.get(f"{I2V}/{task_id}/").json()["data"]["task_id"] == task_id
    assert [task["task_id"] for task in kling.get(f"{I2V}/").json()["data"]] == [task_id]


@pytest.mark.parametrize("path", ["/v1/tasks/1", "/v1/videos/image2video2", "/v1/videos", "/tasks2"])
def test_an_unknown_route_is_the_frameworks_404(kling, path):
    response = kling.send("POST", path, json={})
    body = response.json()
    assert response.status_code == 404
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", body.pop("timestamp"))
    assert body == {"status": 404, "error": "Not Found", "message": "No message available", "path": path}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/text-to-video/kling-9"),
        ("PUT", "/omni-video/kling-9"),
    ],
)
def test_a_product_that_is_not_simulated_cannot_be_taken_for_a_response_of_kling(kling, method, path):
    response = kling.send(method, path, json={})
    assert response.status_code == 501
    assert response.json()["error"] == "not simulated"
    assert f"{method} {path}" in response.json()["message"]
    assert not {"code", "request_id"} & set(response.json())
    assert kling.simulator.tasks() == []


@pytest.mark.parametrize("path", ["/v1/videos/multi-image2video", "/v1/videos/multi-image2video/1"])
def test_a_product_that_kling_has_retired_returns_its_error(kling, path):
    assert kling.refusal(kling.send("POST", path, json={})) == (400, 1201, "This API is no longer available")


def test_the_journal_shows_bodies_without_images_and_credentials(kling):
    bearer = token(kling.simulator)
    headers = {"Authorization": f"Bearer {bearer}"}
    task_id = kling.send("POST", I2V, headers=headers, json={"model_name": MODEL, "image": IMAGE}).json()["data"][
        "task_id"
    ]
    kling.get(f"{I2V}/{task_id}")
    created, queried = kling.simulator.requests()
    assert created["body"]["image"].keys() == {"base64_length", "sha256"}
    assert created["body"]["image"]["base64_length"] == len(IMAGE)
    assert (created["credential"], created["status"], created["task_id"]) == ("jwt", 200, task_id)
    assert queried["credential"] == "api_key"
    assert kling.simulator.requests(method="GET") == [queried]
    everything = kling.get("/_simulator/requests").text
    for secret in (bearer, kling.simulator.api_key, kling.simulator.secret_key, IMAGE):
        assert secret not in everything


def test_the_control_routes_mirror_the_python_methods(kling):
    kling.create()
    simulator = kling.simulator
    for name in ("requests", "tasks", "ledger", "callbacks", "faults"):
        before, answered, after = (
            getattr(simulator, name)(),
            kling.get(f"/_simulator/{name}"),
            getattr(simulator, name)(),
        )
        # The simulator's clock goes on between two looks.
        assert answered.json() in (before, after)
    overview = kling.get("/_simulator/").json()
    assert overview["tasks"] == {"submitted": 1, "processing": 0, "succeed": 0, "failed": 0}
    moved = kling.send("POST", "/_simulator/advance", json={"seconds": 600}).json()
    assert moved["tasks"]["processing"] == 1
    assert kling.send("POST", "/_simulator/advance", json={}).status_code == 400


def test_a_time_that_is_not_a_number_is_refused_and_not_a_crash(kling):
    response = kling.send("POST", "/tasks", data=b'{"start_time": Infinity}')
    assert kling.refusal(response)[:2] == (400, 1201)


def test_half_a_surrogate_pair_comes_back_as_it_was_sent(kling):
    body = b'{"model_name": "kling-v3", "prompt": "\\ud83d", "external_task_id": "\\ud83d"}'
    response = kling.send("POST", T2V, data=body).json()
    assert response["data"]["task_info"]["external_task_id"] == "\ud83d"
    kling.simulator.finish(response["data"]["task_id"])
    url = kling.task(response["data"]["task_id"], T2V)["task_result"]["videos"][0]["url"]
    assert requests.get(url, timeout=10).status_code == 200


def test_content_in_an_unknown_field_is_not_kept_in_the_journal(kling):
    kling.image2video(surprise="A" * 6000)
    assert kling.simulator.requests()[0]["body"]["surprise"]["base64_length"] == 6000
