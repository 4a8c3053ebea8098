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
