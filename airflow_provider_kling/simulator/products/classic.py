"""Validates a classic request against its product's row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.media import magic_failure
from airflow_provider_kling.simulator.products.fields import parse_body
from airflow_provider_kling.simulator.products.product import USUAL_LENGTH
from airflow_provider_kling.simulator.products.recipes import RECIPES
from airflow_provider_kling.simulator.tasks import TaskRequest
from airflow_provider_kling.simulator.validation import invalid, typed

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.products.row import Row
    from airflow_provider_kling.simulator.validation import Body


#: Length in seconds of what is billed as one.
BILLED_SECONDS: Final = {"seconds": 1, "five_seconds": 5}


def task_request(row: Row, body: Body, context: Context) -> TaskRequest:
    """Validate ``body`` for the product of ``row``.

    :raises KlingError: 1201, or 1203 for a model of another product.
    """
    model = _model(row, body, context) if row.models else row.name
    parsed = parse_body(row.fields, body, context)
    row.check(parsed)
    values = parsed.values | ({"model_name": model} if row.models else {})
    rate = row.price.rate(values)
    recipe = RECIPES[row.result](row.video, values, parsed.media)
    if "follows" in recipe and row.price.per:
        recipe |= {"rate": str(rate), "block": BILLED_SECONDS[row.price.per]}
    return TaskRequest(
        product=row.name,
        model=model,
        pack=row.pack,
        price=rate * _priced_quantity(row.price.per, recipe),
        seconds=float(USUAL_LENGTH),
        slots=recipe.get("count", 1) if row.is_task else 0,
        external_task_id=values.get("external_task_id") or None,
        callback_url=values.get("callback_url") or None,
        watermark=bool((values.get("watermark_info") or {}).get("enabled")),
        media=parsed.media,
        kinds=parsed.kinds,
        failure=magic_failure(_prompt_text(values)),
        recipe=recipe,
    )


def _priced_quantity(per: str, recipe: dict[str, Any]) -> int:
    """How many times the rate is charged."""
    if per == "n":
        return int(recipe["count"])
    return math.ceil(recipe["duration"] / BILLED_SECONDS[per]) if per else 1


def _model(row: Row, body: Body, context: Context) -> str:
    model: str = typed(body, "model_name", str, row.models["default"])
    retired = row.models.get("retired", [])
    if model not in [*row.models["live"], *retired]:
        known = model in context.catalogue.models or model in context.catalogue.other_models
        raise KlingError(1203, "not supported for this API") if known else invalid("model is not supported")
    if model in retired and context.refuse_retired:
        raise context.discontinued(model)
    return model


def _prompt_text(values: dict[str, Any]) -> str:
    """Every text that can hold a magic word."""
    names = ("prompt", "text", "element_description", "sound_effect_prompt", "bgm_prompt")
    return " ".join(str({**values, **(values.get("input") or {})}.get(name) or "") for name in names)
