from decimal import Decimal

import pytest

from airflow_provider_kling.simulator.catalogue import load_catalogue
from airflow_provider_kling.simulator.prices import as_text, video_units


@pytest.mark.parametrize(
    ("model", "mode", "duration", "sound", "voices", "units"),
    [
        ("kling-v3", "std", 5, False, False, "3"),
        ("kling-v3", "std", 3, False, False, "1.8"),
        ("kling-v3", "pro", 10, True, False, "12"),
        ("kling-v3", "4k", 5, True, False, "15"),
        ("kling-v2-6", "std", 5, False, False, "1.5"),
        ("kling-v2-6", "pro", 5, True, False, "5"),
        ("kling-v2-6", "pro", 5, True, True, "6"),
        ("kling-v2-5-turbo", "pro", 10, False, False, "5"),
        ("kling-v1", "std", 5, False, False, "1"),
        ("kling-v1", "pro", 10, False, False, "7"),
        ("kling-v1-6", "std", 10, False, False, "4"),
        ("kling-v2-1-master", "std", 10, False, False, "20"),
    ],
)
def test_the_price_follows_model_mode_duration_and_sound(model, mode, duration, sound, voices, units):
    price = video_units(load_catalogue(), model=model, mode=mode, duration=duration, sound=sound, voices=voices)
    assert as_text(price) == units


def test_units_are_written_without_exponent_or_trailing_zeros():
    assert [as_text(Decimal(units)) for units in ("0", "3.0", "2.40", "30")] == ["0", "3", "2.4", "30"]


def test_every_allowed_combination_has_a_price_a_size_and_a_frame_rate():
    catalogue = load_catalogue()
    for (model, product, mode, duration), allows in catalogue.capabilities.items():
        for sound in {False, "sound" in allows}:
            wanted = {"model": model, "mode": mode, "duration": int(duration), "sound": sound}
            assert video_units(catalogue, voices="voices" in allows and sound, **wanted) > 0
        assert catalogue.models[model].short_side[mode] in {720, 1080, 2160}
        assert catalogue.models[model].fps[product] in {24, 30}


def test_an_account_can_pay_with_money(start):
    kling = start(charge="cash", balance=0.8)
    seen = kling.finished(kling.create())
    assert seen["final_unit_deduction"] == "0"
    assert seen["final_balance_deduction"] == {"quota": "0.21", "list_price": "0.21"}
    response = kling.send(
        "POST", "/text-to-video/kling-3.0-turbo", json={"prompt": "a cat", "settings": {"duration": 3}}
    )
    task_id = response.json()["data"]["id"]
    kling.simulator.finish(task_id)
    (task,) = kling.get("/tasks", task_ids=task_id).json()["data"]
    assert task["billing"] == [
        {"charge_type": "cash", "cash_type": "balance", "amount": "0.336", "currency": "USD", "package_type": "video",
         "list_price": "0.336"},
    ]  # fmt: skip
    assert kling.get("/account/costs", start_time=1, end_time=2).json()["data"] == {"code": 0, "msg": "success"}
    window = {"start_time": 1, "end_time": 10**14}
    first, second = kling.send("POST", "/account/billing/balance", json=window).json()["data"]["result"]["detail"]
    assert second.keys() == {
        "cash_type", "product_type", "task_id", "api_key_name", "product_function", "model_name", "resolution",
        "duration", "deduction_time", "balance_before_deduction", "deduction_amount", "balance_after_deduction",
        "list_price", "currency",
    }  # fmt: skip
    assert (first["balance_after_deduction"], second["balance_before_deduction"]) == ("0.59", "0.59")
    assert (second["deduction_amount"], second["balance_after_deduction"]) == ("0.336", "0.254")
    assert kling.send("POST", "/account/billing/package", json=window).json()["data"]["result"]["count"] == 0
    assert [charge["dollars"] for charge in kling.simulator.ledger()["charges"]] == ["0.21", "0.336"]
    assert kling.refusal(kling.image2video(duration="10")) == (429, 1101, "Account in arrears")


def test_money_survives_a_restart(start, tmp_path):
    kling = start(charge="cash", state=tmp_path / "state.json")
    seen = kling.finished(kling.create())
    kling.simulator.stop()
    again = start(charge="cash", state=tmp_path / "state.json")
    assert again.task(seen["task_id"])["final_balance_deduction"] == seen["final_balance_deduction"]
    assert again.simulator.ledger()["units_used"] == "0.21"


def test_images_can_have_a_pack_of_their_own(start):
    kling = start(units=1.5, image_units=16)
    images = "/v1/images/generations"
    for _ in range(2):
        created = kling.send("POST", images, json={"prompt": "a cat"}).json()["data"]["task_id"]
        kling.simulator.finish(created)
    refused = kling.send("POST", images, json={"prompt": "a cat"})
    assert kling.refusal(refused) == (429, 1102, "Account balance not enough")
    kling.finished(kling.create())
    ledger = kling.simulator.ledger()
    assert (ledger["units_bought"], ledger["units_used"], ledger["units_left"]) == ("1.5", "1.5", "0")
    assert [ledger[f"image_units_{what}"] for what in ("bought", "used", "left")] == ["16", "16", "0"]
    packs = kling.get("/account/costs", start_time=1, end_time=2).json()["data"]["resource_pack_subscribe_infos"]
    assert [pack["resource_pack_name"] for pack in packs] == [
        "Trial-Video-1.5Units-5Con-12Months", "Trial-Image-16Units-9Con-12Months",
    ]  # fmt: skip
    assert [pack["status"] for pack in packs] == ["runOut", "runOut"]
    body = {"start_time": 1, "end_time": 10**14}
    body["filters"] = [{"key": "package_name", "values": [packs[1]["resource_pack_name"]]}]
    rows = kling.send("POST", "/account/billing/package", json=body).json()["data"]["result"]["detail"]
    assert [(row["unit_before_deduction"], row["unit_after_deduction"]) for row in rows] == [("16", "8"), ("8", "0")]
    assert {row["package_id"] for row in rows} == {packs[1]["resource_pack_id"]}
