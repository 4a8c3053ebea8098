"""Prices of videos in units, and of units in dollars.

Kling documentation, price pages 2026-05 to 2026-09: live models cost a rate per second of the requested duration, the
retired ones a fixed price per 5 s or 10 s clip.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.catalogue import Catalogue


def video_units(catalogue: Catalogue, *, model: str, mode: str, duration: int, sound: bool, voices: bool) -> Decimal:
    """Units of one video of ``duration`` seconds."""
    rule = catalogue.prices[model]
    if "per_clip" in rule:
        five, ten = rule["per_clip"][mode]
        return Decimal(five if duration == 5 else ten)
    rates = rule["per_second"]
    kind = "voices" if voices and "voices" in rates else "sound" if sound else "silent"
    return Decimal(rates[kind][mode]) * duration


#: Kling documentation, price pages 2026-05 to 2026-09: US dollars per unit, by type of pack; sounds use video units.
DOLLARS: Final = {
    "video": Decimal("0.14"),
    "audio": Decimal("0.14"),
    "image": Decimal("0.0035"),
    "try_on": Decimal("0.07"),
}


def dollars(units: Decimal, pack: str) -> Decimal:
    """The price of ``units`` for an account that pays with money."""
    return units * DOLLARS[pack]


def as_text(units: Decimal) -> str:
    """Units as Kling writes them: ``3``, ``2.4``; never ``3.0`` or ``3E+1``."""
    return format(units.normalize(), "f")
