"""
Estimates what a request costs by Kling's price list, the dated table in ``prices.yaml``. Pure.

An estimate is no promise: the manifest holds what Kling charged. A price that the list does not have is unknown, not 0.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.products.capabilities import DEFAULTS
from airflow_provider_kling.products.data_file import read_data
from airflow_provider_kling.products.translation import to_classic_words
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_kling.products.product import Product


#: What a number of seconds or images looks like; more digits are no request.
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
_MOST = 999_999

#: Of images. A word that is none of these has no known price.
_RESOLUTIONS = (None, "1k", "2k", "4k")


class Estimate(NamedTuple):
    """
    What one task costs by the price list.

    :param units: of the resource pack; ``None`` when the list does not say.
    :param usd: US dollars at the list price of a unit; ``None`` with ``units``.
    :param as_of: year and month in which the list was read.
    :param is_most: whether the task can cost less, because its price depends on an input that is not read.
    """

    units: Decimal | None
    usd: Decimal | None
    as_of: str
    is_most: bool = False

    def __str__(self) -> str:
        if self.units is None:
            return f"cost unknown (not in the price list of {self.as_of})"
        about = "at most" if self.is_most else "about"
        return f"{about} {_format_units(self.units)} units, ${self.usd:.2f} (price list of {self.as_of})"


def estimate(product: Product, body: Mapping[str, Any]) -> Estimate:
    """
    Return what a request costs by the price list.

    :param product: what is asked for.
    :param body: the checked request, in Kling's classic words.
    :return: with ``units`` ``None`` where the list has no price for it.
    """
    prices, body = price_list(), to_classic_words(product, body)
    for find in (_per_task, _per_second, _per_clip, _per_image):
        if (units := find(prices, product, body)) is not None:
            return Estimate(units, usd_of(product, units), prices["as_of"])
    for find in (_per_input_second, _per_task_most):
        if (units := find(prices, product, body)) is not None:
            return Estimate(units, usd_of(product, units), prices["as_of"], is_most=True)
    return Estimate(None, None, prices["as_of"])


def usd_of(product: Product, units: Decimal) -> Decimal:
    """
    Return what units of the pack that pays for a product cost at list price.

    :param product: what is asked for.
    :param units: of its pack.
    """
    prices = price_list()
    pack = "image" if product.endpoint in prices["image_products"] else "video"
    return units * Decimal(prices["usd"][pack])


class Total(NamedTuple):
    """
    What many tasks cost by the price list.

    :param units: of all whose price is known; ``None`` when none is, or when they are of several kinds of pack.
    :param usd: US dollars of all whose price is known.
    :param unknown: how many have no known price.
    :param most: units of the dearest; ``None`` when not all prices are known, or with ``units``.
    :param as_of: year and month in which the list was read.
    """

    units: Decimal | None
    usd: Decimal
    unknown: int
    most: Decimal | None
    as_of: str

    def __str__(self) -> str:
        units = "" if self.units is None else f"{_format_units(self.units)} units, "
        more = f", and {self.unknown} of unknown cost" if self.unknown else ""
        return f"about {units}${self.usd:.2f} (price list of {self.as_of}){more}"


def total(requests: Iterable[tuple[Product, Mapping[str, Any]]]) -> Total:
    """
    Return what many requests cost by the price list.

    :param requests: each with its product.
    """
    units, usd, unknown, most, rates = Decimal(0), Decimal(0), 0, Decimal(0), set()
    for product, body in requests:
        found = estimate(product, body)
        if found.units is None or found.usd is None:
            unknown += 1
            continue
        units, usd, most = units + found.units, usd + found.usd, max(most, found.units)
        rates.add(found.usd / found.units if found.units else None)
    # Units of different packs are different money.
    alike = len(rates) == 1
    return Total(units if alike else None, usd, unknown, most if alike and not unknown else None, price_list()["as_of"])


def add_estimates(first: Estimate, second: Estimate) -> Estimate:
    """Return what two requests cost that take units of the same pack; unknown when one of them is."""
    if first.units is None or second.units is None or first.usd is None or second.usd is None:
        return Estimate(None, None, first.as_of)
    is_most = first.is_most or second.is_most
    return Estimate(first.units + second.units, first.usd + second.usd, first.as_of, is_most)


def max_units_problem(limit: float | None, found: Estimate) -> str | None:
    """
    Return why a request may not be paid, as a sentence; ``None`` when it may.

    :param limit: the most units that it may cost; ``None`` for no limit.
    :param found: what it costs by the price list.
    """
    if limit is None:
        return None
    if found.units is None:
        return (
            "Leave max_units out, or ask for something that has a known price: "
            f"what this request costs is unknown (price list of {found.as_of}), and max_units is {limit:g}."
        )
    if found.units <= Decimal(str(limit)):
        return None
    return (
        f"Raise max_units, or ask for less: this request costs {found}, and max_units is {limit:g}. Nothing was sent."
    )


def _per_task(prices: Mapping[str, Any], product: Product, _body: Mapping[str, Any]) -> Decimal | None:
    units = prices["per_task"].get(product.endpoint)
    return None if units is None else Decimal(units)


def _per_task_most(prices: Mapping[str, Any], product: Product, _body: Mapping[str, Any]) -> Decimal | None:
    units = prices["per_task_most"].get(product.endpoint)
    return None if units is None else Decimal(units)


def _per_second(prices: Mapping[str, Any], product: Product, body: Mapping[str, Any]) -> Decimal | None:
    rates = _row(prices["per_second"], product, body)
    seconds = _count(body.get("duration", DEFAULTS["duration"]))
    if rates is None or seconds is None or _changes_a_video(body):
        return None
    mode = body.get("mode", rates.get("default_mode", DEFAULTS["mode"]))
    rate = rates.get(_kind(body), {}).get(str(mode))
    return None if rate is None else Decimal(rate) * seconds


def _count(value: Any) -> int | None:
    """Return a number of seconds or images; ``None`` when it is no whole number above 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 < value <= _MOST else None
    return int(value) if isinstance(value, str) and _COUNT.fullmatch(value) else None


def _kind(body: Mapping[str, Any]) -> str:
    """Return the kind of request by which the list has prices; a combination, or an unknown word, has no price."""
    asked = (("video", body.get("video_list")), ("voices", body.get("voice_list")))
    kinds = [kind for kind, value in asked if value]
    sound = body.get("sound", "off")
    if sound not in ("on", "off", None):
        kinds.append("an unknown sound")
    if sound == "on" and "voices" not in kinds:
        kinds.append("sound")
    return " and ".join(kinds) or "silent"


def _changes_a_video(body: Mapping[str, Any]) -> bool:
    """Whether the request changes a video, which keeps its length; that is Kling's default for a video."""
    videos = body.get("video_list")
    given = videos if isinstance(videos, list) else ()
    return any(not isinstance(video, dict) or video.get("refer_type", "base") != "feature" for video in given)


def _per_input_second(prices: Mapping[str, Any], product: Product, body: Mapping[str, Any]) -> Decimal | None:
    rate = (_row(prices["per_input_second"], product, body) or {}).get(_mode(body))
    longest = prices["longest_input"].get(product.endpoint, {})
    seconds = longest.get(clean_text(body.get("character_orientation") or "", 20))
    return None if rate is None or seconds is None else Decimal(rate) * seconds


def _per_clip(prices: Mapping[str, Any], product: Product, body: Mapping[str, Any]) -> Decimal | None:
    clips = _row(prices["per_clip"], product, body)
    if clips is None:
        return None
    by_seconds = {str(seconds): units for seconds, units in clips.get(_mode(body), {}).items()}
    units = by_seconds.get(str(body.get("duration", DEFAULTS["duration"])))
    return None if units is None else Decimal(units)


def _per_image(prices: Mapping[str, Any], product: Product, body: Mapping[str, Any]) -> Decimal | None:
    rates = _row(prices["per_image"], product, body)
    count = _count(body.get("series_amount") if body.get("result_type") == "series" else body.get("n", 1))
    if rates is None or count is None or body.get("resolution") not in _RESOLUTIONS:
        return None
    rate = rates["image" if "image" in body else "text"]
    return Decimal(rates.get("4k", rate) if body.get("resolution") == "4k" else rate) * count


def _row(table: Mapping[str, Any], product: Product, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    row: Mapping[str, Any] | None = table.get(product.endpoint, {}).get(clean_text(body.get("model_name") or "", 80))
    return row


def _mode(body: Mapping[str, Any]) -> str:
    return str(body.get("mode", DEFAULTS["mode"]))


def _format_units(units: Decimal) -> str:
    """Units as Kling writes them: ``3``, ``2.4``; never ``3.0`` or ``3E+1``."""
    return format(units.normalize(), "f")


@cache
def price_list() -> dict[str, Any]:
    """The price list of this version of the package, read once."""
    return read_data("prices.yaml")
