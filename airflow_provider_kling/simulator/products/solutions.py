"""Packaged scenarios: ``POST /solutions/{solution}``.

Kling documentation, pages of five scenarios, read 2026-11: a task like those of the second generation, with its own
options and list paths; some names have two parts. The results of those five are documented, their prices are not. That
every name and field is accepted, and that a task costs nothing, is a choice of this simulator.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.outputs import image_result, measured_duration, video_result
from airflow_provider_kling.simulator.products.product import USUAL_LENGTH, Product
from airflow_provider_kling.simulator.results import FileName
from airflow_provider_kling.simulator.tasks import TaskRequest
from airflow_provider_kling.simulator.validation import invalid, typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Task
    from airflow_provider_kling.simulator.validation import Body

NAME: Final = "solutions"
PATH: Final = "/solutions"

#: Kling documentation: maximum length of ``callback_url``, documented for scenarios only.
MAX_CALLBACK_URL: Final = 1024


def task_request(body: Body, _context: Context, *, name: str, pack: str) -> TaskRequest:
    """Validate ``body``.

    :raises KlingError: 1201.
    """
    options = typed(body, "options", dict, {})
    callback = typed(options, "callback_url", str, label="options.callback_url") or None
    if callback and len(callback) > MAX_CALLBACK_URL:
        raise invalid(f"options.callback_url length must be less than or equal to {MAX_CALLBACK_URL}")
    return TaskRequest(
        product=name,
        model=name,
        pack=pack,
        price=Decimal(0),
        seconds=float(USUAL_LENGTH),
        external_task_id=typed(options, "external_task_id", str, label="options.external_task_id") or None,
        callback_url=callback,
        watermark=any(_watermark(options, name) for name in ("watermark", "watermark_info")),
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
            "count": 1,
        },
    )


def _watermark(options: dict[str, Any], name: str) -> bool:
    """Whether ``options`` request a watermark: an object, under one of two names, or a boolean."""
    value = options.get(name)
    if isinstance(value, bool):
        return value
    enabled: bool = typed(
        typed(options, name, dict, {}, label=f"options.{name}"), "enabled", bool, False, label=f"options.{name}.enabled"
    )
    return enabled


def _clothing_result(task: Task, links: Links) -> dict[str, Any]:
    """Images of the product and of the model, and a video without ``duration``."""
    kinds = {"product_image": ("png", 0), "model_images": ("png", 1), "product_video": ("mp4", None)}
    return {
        "outputs": [
            _output(task, links, kind, form, index, watermark=task.watermark) for kind, (form, index) in kinds.items()
        ]
    }


def _subtitle_result(task: Task, links: Links) -> dict[str, Any]:
    """A video with ``duration``, and its subtitles in two formats; there is no watermark."""
    video, *others = (
        _output(task, links, kind, form, watermark=False)
        for kind, form in {"subbed_video": "mp4", "srt": "srt", "ass": "ass"}.items()
    )
    return {"outputs": [video | {"duration": measured_duration(task)}, *others]}


def _output(
    task: Task, links: Links, kind: str, form: str, index: int | None = None, *, watermark: bool
) -> dict[str, str]:
    names = {"url": FileName(task.result_id, form, index)}
    if watermark:
        names["watermark_url"] = FileName(task.result_id, form, index, watermark=True)
    return {"type": kind} | {key: links.url(str(name), ended_at=task.updated_at) for key, name in names.items()}


def _product(
    solution: str, result: Callable[[Task, Links], dict[str, Any]], pack: str = "video"
) -> tuple[str, Product]:
    name = f"{NAME}.{solution}" if solution else NAME
    row = Product(
        path=f"{PATH}/{solution or '{solution}'}",
        validate=partial(task_request, name=name, pack=pack),
        result=result,
        # The time of image2video; that of a scenario is not documented.
        usual_seconds=164,
        reads=False,
        is_v2=True,
    )
    return name, row


#: Scenarios whose result is not one video; the first product serves all other names.
PRODUCTS: Final[dict[str, Product]] = dict(
    (
        _product("", video_result),
        _product("virtual_try_on", image_result, "image"),
        _product("drama_subtitle", _subtitle_result),
        _product("e-commerce/clothing_dupe", _clothing_result),
    )
)
