"""From a row and a body to an order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.media import magic_failure
from airflow_provider_kling.simulator.products.fields import read
from airflow_provider_kling.simulator.products.product import USUAL_LENGTH
from airflow_provider_kling.simulator.products.recipes import RECIPES
from airflow_provider_kling.simulator.tasks import Order
from airflow_provider_kling.simulator.validation import bad, typed

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.products.row import Row
    from airflow_provider_kling.simulator.validation import Body


#: Seconds that have one price.
BLOCKS: Final = {"seconds": 1, "five_seconds": 5}


def order(row: Row, body: Body, context: Context) -> Order:
    """Validate ``body`` for the product of ``row``.

    :raises KlingError: 1201, or 1203 for a model of another product.
    """
    model = _model(row, body, context) if row.models else row.name
    reading = read(row.fields, body, context)
    row.check(reading)
    values = reading.values | ({"model_name": model} if row.models else {})
    rate = row.price.rate(values)
    recipe = RECIPES[row.result](row.film, values, reading.media)
    if "follows" in recipe and row.price.per:
        recipe |= {"rate": str(rate), "block": BLOCKS[row.price.per]}
    return Order(
        product=row.name,
        model=model,
        pack=row.pack,
        price=rate * _pieces(row.price.per, recipe),
        seconds=float(USUAL_LENGTH),
        slots=recipe.get("count", 1) if row.is_task else 0,
        external_task_id=values.get("external_task_id") or None,
        callback_url=values.get("callback_url") or None,
        watermark=bool((values.get("watermark_info") or {}).get("enabled")),
        media=reading.media,
        kinds=reading.kinds,
        failure=magic_failure(_words(values)),
        recipe=recipe,
    )


def _pieces(per: str, recipe: dict[str, Any]) -> int:
    """How many of what has a price were ordered."""
    if per == "n":
        return int(recipe["count"])
    return math.ceil(recipe["duration"] / BLOCKS[per]) if per else 1


def _model(row: Row, body: Body, context: Context) -> str:
    model: str = typed(body, "model_name", str, row.models["default"])
    retired = row.models.get("retired", [])
    if model not in [*row.models["live"], *retired]:
        known = model in context.catalogue.models or model in context.catalogue.other_models
        raise KlingError(1203, "not supported for this API") if known else bad("model is not supported")
    if model in retired and context.refuse_retired:
        raise context.discontinued(model)
    return model


def _words(values: dict[str, Any]) -> str:
    names = ("prompt", "text", "element_description", "sound_effect_prompt", "bgm_prompt")
    return " ".join(str({**values, **(values.get("input") or {})}.get(name) or "") for name in names)
