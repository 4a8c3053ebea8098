"""Packaged scenarios: ``POST /solutions/{solution}``.

Kling documentation, page of solutions, read 2026-11: a task like those of the new generation, with options and lists
of its own. What a scenario is called, takes, makes and costs, no source says. So every name and every field is taken,
and a video of five seconds comes out that costs nothing: that is this simulator's rule.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from airflow_provider_kling.simulator.outputs import video_result
from airflow_provider_kling.simulator.products.product import USUAL_LENGTH, Product
from airflow_provider_kling.simulator.tasks import Order
from airflow_provider_kling.simulator.validation import bad, typed

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.validation import Body
    from airflow_provider_kling.simulator.world import World

NAME: Final = "solutions"
PATH: Final = "/solutions"

#: Kling documentation: the longest address of a callback, which is given for scenarios only.
LONGEST_CALLBACK: Final = 1024


def order(body: Body, _world: World) -> Order:
    """Validate ``body``.

    :raises KlingError: 1201.
    """
    options = typed(body, "options", dict, {})
    callback = typed(options, "callback_url", str, label="options.callback_url") or None
    if callback and len(callback) > LONGEST_CALLBACK:
        raise bad(f"options.callback_url length must be less than or equal to {LONGEST_CALLBACK}")
    return Order(
        product=NAME,
        model=NAME,
        pack="video",
        price=Decimal(0),
        seconds=float(USUAL_LENGTH),
        external_task_id=typed(options, "external_task_id", str, label="options.external_task_id") or None,
        callback_url=callback,
        watermark=typed(options, "watermark", bool, False, label="options.watermark"),
        recipe={
            "prompt": prompt if isinstance(prompt := body.get("prompt"), str) else "",
            "ratio": "16:9",
            "short_side": 720,
            "fps": 24,
            "duration": USUAL_LENGTH,
            "sound": False,
            "multi_shot": False,
            "first": "",
            "last": "",
        },
    )


#: Usual seconds: those of a video of an image; what a scenario takes is not known.
SOLUTIONS: Final = Product(
    path=f"{PATH}/{{solution}}", validate=order, result=video_result, usual_seconds=164, reads=False, is_new=True
)
