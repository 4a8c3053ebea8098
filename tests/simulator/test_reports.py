"""The reports of the account."""

import pytest

from .support_operations import OPERATIONS, made, post, video


@pytest.fixture
def kling(start):
    return start(retired="accept", concurrency=100, image_concurrency=100)


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
