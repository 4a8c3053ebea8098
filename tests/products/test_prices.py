"""What a request costs by the price list, before anything is paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_kling.products import prices
from airflow_provider_kling.products.catalogue import PRODUCTS
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
def test_a_price_missing_in_the_list_is_unknown_and_not_free(body):
    found = prices.estimate(IMAGE2VIDEO, body)
    assert (found.units, found.usd) == (None, None)
    assert "unknown" in str(found)


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        # Deductions that users measured: 5 s Omni 720p, 3 s Omni with a reference video, an image of V3, an element.
        ("omni-video", {"model_name": "kling-3.0-omni"}, "3"),
        (
            "omni-video",
            {"model_name": "kling-3.0-omni", "duration": "3", "video_list": [{"refer_type": "feature"}]},
            "2.7",
        ),
        ("images/generations", {"model_name": "kling-v3"}, "8"),
        ("advanced-custom-elements", {}, "0"),
        # Kling's classic default is pro.
        ("omni-video", {"model_name": "kling-v3-omni"}, "4"),
        ("omni-video", {"model_name": "kling-v3-omni", "mode": "std", "sound": "on"}, "4"),
        ("omni-video", {"model_name": "kling-video-o1", "mode": "std", "duration": "10"}, "6"),
        ("multi-image2video", {"model_name": "kling-v1-6", "mode": "pro", "duration": "10"}, "7"),
        ("multi-elements", {"model_name": "kling-v1-6"}, "3"),
        ("omni-image", {"model_name": "kling-v3-omni", "resolution": "4k", "n": 2}, "32"),
        ("omni-image", {"model_name": "kling-v3-omni", "result_type": "series", "series_amount": "4"}, "32"),
        ("editing/expand", {"n": 3, "image": "x"}, "24"),
        ("ai-multi-shot", {}, "20"),
        ("identify-face", {}, "0.05"),
        ("image-recognize", {}, "0.1"),
        ("custom-voices", {}, "0.05"),
    ],
)
def test_every_product_of_the_list_has_its_price(endpoint, body, expected):
    found = prices.estimate(PRODUCTS[endpoint], body)
    assert (found.units, found.is_most) == (Decimal(expected), False)


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        ("motion-control", {"model_name": "kling-v3", "mode": "pro", "character_orientation": "image"}, "12"),
        ("motion-control", {"model_name": "kling-v2-6", "mode": "std", "character_orientation": "video"}, "15"),
        ("avatar/image2video", {}, "120"),
        ("advanced-lip-sync", {}, "6"),
        ("lip-sync", {}, "6"),
        ("video-extend", {}, "3.5"),
    ],
)
def test_a_price_that_depends_on_an_input_gives_the_maximum(endpoint, body, expected):
    found = prices.estimate(PRODUCTS[endpoint], body)
    assert (found.units, found.is_most) == (Decimal(expected), True)
    assert str(found).startswith(f"at most {expected} units")


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("effects", {"effect_scene": "hug"}),
        ("kolors-virtual-try-on", {"model_name": "kolors-virtual-try-on-v1-5"}),
        # A video that is changed is as long as it was; and no page has a price for sound beside a reference video.
        ("omni-video", {"model_name": "kling-v3-omni", "video_list": [{"video_url": "x"}]}),
        ("omni-video", {"model_name": "kling-v3-omni", "sound": "on", "video_list": [{"refer_type": "feature"}]}),
        ("omni-image", {"model_name": "kling-v3-omni", "result_type": "series", "series_amount": "auto"}),
        ("motion-control", {"model_name": "kling-v3", "mode": "std", "character_orientation": "back"}),
        ("image2video", {"model_name": "kling-v3", "sound": "on", "voice_list": [{"voice_id": "1"}]}),
    ],
)
def test_an_undocumented_price_is_unknown(endpoint, body):
    assert prices.estimate(PRODUCTS[endpoint], body).units is None


def test_units_of_image_packs_are_cheap():
    assert prices.estimate(PRODUCTS["ai-multi-shot"], {}).usd == Decimal("0.07")
    assert prices.estimate(PRODUCTS["tts"], {}).usd == Decimal("0.007")


def test_an_estimate_has_units_dollars_and_the_date_of_the_list():
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
    assert prices.max_units_problem(None, unknown) is None
    assert prices.max_units_problem(3, known) is None
    for found, limit in ((known, 2.9), (unknown, 1000.0)):
        sentence = prices.max_units_problem(limit, found)
        assert sentence is not None
        assert "max_units" in sentence[:75]
        assert f"{limit:g}" in sentence


@pytest.mark.parametrize(
    ("endpoint", "model", "extra", "expected"),
    [
        ("text2video", "kling-3.0", {"settings": {"duration": 15, "resolution": "4k"}}, "45"),
        ("text2video", "kling-3.0", {"settings": {"audio": "native"}}, "4.5"),
        ("text2video", "kling-3.0", {"sound": "native"}, "4.5"),
        ("text2video", "kling-3.0", {"resolution": "1080p"}, "4"),
        ("text2video", "kling-3.0", {"settings": {"resolution": "8k"}}, None),
        ("text2video", "kling-3.0", {"settings": {"audio": ["native"]}}, None),
        ("image2video", "kling-2.6", {"mode": "pro", "sound": "on", "contents": [{"type": "voice"}]}, "6"),
        ("omni-video", "kling-3.0-omni", {"contents": [{"type": "feature_video"}, "?"]}, "4.5"),
        ("omni-video", "kling-3.0-omni", {"contents": [{"type": "base_video"}]}, None),
        ("omni-video", "kling-3.0-omni", {"settings": {"audio": "original"}, "contents": "none"}, "3"),
        ("motion-control", "kling-3.0", {"settings": {"character_orientation": "image", "resolution": "1080p"}}, "12"),
        # For a classic model these are not the words.
        ("text2video", "kling-v3", {"settings": {"duration": 15}}, "3"),
    ],
)
def test_extra_body_with_field_names_of_the_second_generation_is_checked(endpoint, model, extra, expected):
    found = prices.estimate(PRODUCTS[endpoint], {"model_name": model, **extra}).units
    assert found == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("image2video", {"model_name": "kling-v3", "sound": True}),
        ("image2video", {"model_name": "kling-v3", "sound": "ON"}),
        ("image2video", {"model_name": "kling-v3", "duration": "0"}),
        ("image2video", {"model_name": "kling-v3", "duration": True}),
        ("image2video", {"model_name": "kling-v3", "duration": "9" * 5000}),
        ("image2video", {"model_name": "kling-v3", "duration": 10**5000}),
        ("images/generations", {"model_name": "kling-v3", "n": "9" * 5000}),
        ("images/generations", {"model_name": "kling-v3", "n": 0}),
        ("omni-image", {"model_name": "kling-v3-omni", "resolution": "4K"}),
        ("omni-image", {"model_name": "kling-v3-omni", "resolution": ["4k"]}),
    ],
)
def test_values_missing_in_the_price_list_have_no_cheap_price(endpoint, body):
    assert prices.estimate(PRODUCTS[endpoint], body).units is None
