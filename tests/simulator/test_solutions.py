"""Packaged scenarios and their list."""

import pytest

from .support_operations import check_file


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


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
