"""Every row of the price list, sent to a simulated Kling that has prices of its own: it charges what is estimated."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from test_every_operation import IMAGE, REQUESTS, Account, account, simulator  # noqa: F401 - two are fixtures

from airflow_provider_kling import operators
from airflow_provider_kling.products.capability_map import table
from airflow_provider_kling.products.data_file import read_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products import prices

LIST = read_data("prices.yaml")

#: The operator of each product.
MAKERS = {kind.endpoint: name for name in operators.__all__ if hasattr(kind := getattr(operators, name), "product")}

#: What a kind of price asks for, and the feature that the capability map calls it.
KINDS = {
    "silent": ("", {"sound": "off"}),
    "sound": ("audio", {"sound": "on"}),
    "voices": ("voice_control", {"sound": "on", "voice_list": ["1"]}),
    "video": ("", {}),
}


def features(model: str, product: str, mode: str, duration: str) -> dict[str, Any] | None:
    """What the capability map says of a combination; ``None`` when Kling does not offer it."""
    rows = [row for row in table().rows if (row.model, row.product) == (model, product) and duration in row.durations]
    return next((dict(row.features) for row in rows if not row.modes or mode in row.modes), None)


def by_second() -> Iterator[Any]:
    for product, models in LIST["per_second"].items():
        for model, kinds in models.items():
            for kind, modes in kinds.items():
                for mode in modes if kind != "default_mode" else ():
                    needs, asks = KINDS[kind]
                    has = features(model, product, mode, "5")
                    always = has is not None and has.get("audio") == "always on"
                    if has is not None and (not needs or has.get(needs)) and not (always and kind == "silent"):
                        fields = {"model_name": model, "mode": mode, "duration": "5", **asks}
                        yield pytest.param(product, fields, kind, id=f"{product}-{model}-{kind}-{mode}")


def by_clip() -> Iterator[Any]:
    for product, models in LIST["per_clip"].items():
        for model, modes in models.items():
            for mode, clips in modes.items():
                for seconds in clips:
                    if features(model, product, mode, str(seconds)) is not None:
                        fields = {"model_name": model, "mode": mode, "duration": str(seconds)}
                        yield pytest.param(product, fields, "", id=f"{product}-{model}-{mode}-{seconds}s")


def by_image() -> Iterator[Any]:
    for product, models in LIST["per_image"].items():
        for model, rates in models.items():
            for kind in rates:
                fields: dict[str, Any] = {"model_name": model} if model else {}
                if kind == "4k":
                    fields["resolution"] = "4k"
                if kind == "image" and product == "images/generations":
                    fields |= {"image": IMAGE} | ({"image_reference": "subject"} if model == "kling-v2-1" else {})
                yield pytest.param(product, {**fields, "n": 2}, "", id=f"{product}-{model}-{kind}")


def by_input() -> Iterator[Any]:
    for product, models in LIST["per_input_second"].items():
        for model, modes in models.items():
            for mode in modes:
                fields = {"model_name": model, "mode": mode} if model else {"mode": mode} if len(modes) > 1 else {}
                yield pytest.param(product, fields, "", id=f"{product}-{model}-{mode}")


ROWS = [*by_second(), *by_clip(), *by_image()]
TASKS = [pytest.param(product, {}, "", id=product) for product in LIST["per_task"]]
MOST = [*by_input(), *(pytest.param(product, {}, "", id=product) for product in LIST["per_task_most"])]


def paid(mine: Account, product: str, fields: dict[str, Any], kind: str) -> tuple[prices.Estimate, Decimal]:
    """What is estimated, and what the simulated account was charged for it."""
    name = MAKERS[product]
    asked = {**REQUESTS[name](mine), **fields}
    if kind == "video":
        asked["video_list"] = [{"video_url": mine.video["url"], "refer_type": "feature"}]
    maker = getattr(operators, name)(task_id="make", **asked)
    return maker.estimate(), Decimal(mine.make(name, **asked)["units"])


@pytest.mark.parametrize(("product", "fields", "kind"), [*ROWS, *TASKS])
def test_what_is_estimated_is_charged(account, product, fields, kind):  # noqa: F811 - the fixture
    found, charged = paid(account, product, fields, kind)
    assert (found.units, found.is_most) == (charged, False)


@pytest.mark.parametrize(("product", "fields", "kind"), MOST)
def test_no_more_is_charged_than_the_most(account, product, fields, kind):  # noqa: F811 - the fixture
    found, charged = paid(account, product, fields, kind)
    assert found.is_most
    assert 0 < charged <= found.units


def test_no_row_is_left_out():
    # Of the rows that two products share, those that Kling offers for both.
    assert (len(ROWS), len(TASKS), len(MOST)) == (137, 8, 13)
