"""What a request costs by the price list, before anything is paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_kling.products import prices
from airflow_provider_kling.products.image import IMAGE_GENERATION
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO
from airflow_provider_kling.simulator.catalogue import load_catalogue
from airflow_provider_kling.simulator.prices import video_units


def units(product=IMAGE2VIDEO, **body) -> Decimal | None:
    return prices.estimate(product, body).units


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # Deductions that users measured: 3 s Turbo in 720p, 5 s Turbo in 1080p.
        ({"model_name": "kling-3.0-turbo", "mode": "std", "duration": "3"}, "2.4"),
        ({"model_name": "kling-3.0-turbo", "mode": "pro", "duration": "5", "sound": "on"}, "5"),
        ({"model_name": "kling-v3", "mode": "4k", "duration": "15"}, "45"),
        ({"model_name": "kling-v2-6", "mode": "pro", "sound": "on", "voice_list": [{"voice_id": "1"}]}, "6"),
        ({"model_name": "kling-v2-1", "mode": "pro", "duration": "10"}, "7"),
        # What is left out is what Kling takes then: 5 seconds, std.
        ({"model_name": "kling-v3"}, "3"),
    ],
)
def test_the_price_follows_what_is_asked(body, expected):
    assert units(**body) == Decimal(expected)


@pytest.mark.parametrize(
    "body",
    [
        {"model_name": "kling-9"},
        {"model_name": ["kling-v3"]},
        {},
        {"model_name": "kling-v2-6", "mode": "std", "sound": "on"},
        {"model_name": "kling-v2-1", "duration": "7"},
        {"model_name": "kling-v3", "mode": "8k"},
        {"model_name": "kling-v3", "duration": "long"},
        {"model_name": "kling-v3", "duration": "²"},
        {"model_name": "kling-v3", "duration": None},
    ],
)
def test_what_the_list_does_not_say_is_unknown_and_not_free(body):
    found = prices.estimate(IMAGE2VIDEO, body)
    assert (found.units, found.usd) == (None, None)
    assert "unknown" in str(found)


def test_an_estimate_says_units_dollars_and_how_old_the_list_is():
    found = prices.estimate(TEXT2VIDEO, {"model_name": "kling-v3", "duration": "10"})
    assert (found.units, found.usd) == (Decimal(6), Decimal("0.84"))
    assert str(found) == f"about 6 units, $0.84 (price list of {found.as_of})"


def test_the_simulated_kling_charges_what_is_estimated():
    catalogue = load_catalogue()
    for (model, product, mode, duration), allows in catalogue.capabilities.items():
        for sound in {False, "sound" in allows}:
            charged = video_units(catalogue, model=model, mode=mode, duration=int(duration), sound=sound, voices=False)
            row = {"image2video": IMAGE2VIDEO, "text2video": TEXT2VIDEO}[product]
            body = {"model_name": model, "mode": mode, "duration": duration, "sound": "on" if sound else "off"}
            assert prices.estimate(row, body).units == charged, body


def test_many_requests_cost_their_sum_and_what_is_unknown_is_counted():
    known, dear = {"model_name": "kling-v3"}, {"model_name": "kling-v3", "mode": "4k"}
    found = prices.total([(IMAGE2VIDEO, known), (IMAGE2VIDEO, dear), (TEXT2VIDEO, known)])
    assert (found.units, found.usd, found.unknown, found.most) == (21, Decimal("2.94"), 0, 15)
    assert str(found) == f"about 21 units, $2.94 (price list of {found.as_of})"
    found = prices.total([(IMAGE2VIDEO, known), (IMAGE2VIDEO, {"model_name": "kling-9"})])
    assert (found.units, found.unknown, found.most) == (3, 1, None)
    assert "1 of unknown cost" in str(found)
    assert prices.total([]).units is None


def test_units_of_different_packs_are_not_added_up():
    image = (IMAGE_GENERATION, {"model_name": "kling-v3", "n": 1})
    found = prices.total([(IMAGE2VIDEO, {"model_name": "kling-v3"}), image])
    assert (found.units, found.most) == (None, None)
    assert found.usd == Decimal("0.42") + prices.estimate(*image).usd


def test_a_limit_refuses_what_costs_more_and_what_has_no_known_price():
    known = prices.estimate(IMAGE2VIDEO, {"model_name": "kling-v3"})
    unknown = prices.estimate(IMAGE2VIDEO, {"model_name": "kling-9"})
    assert prices.above(None, unknown) is None
    assert prices.above(3, known) is None
    for found, limit in ((known, 2.9), (unknown, 1000.0)):
        sentence = prices.above(limit, found)
        assert sentence is not None
        assert "max_units" in sentence[:75]
        assert f"{limit:g}" in sentence
