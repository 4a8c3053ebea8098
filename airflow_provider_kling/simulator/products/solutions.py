"""Packaged scenarios: ``POST /solutions/{solution}``.

Kling documentation, pages of five scenarios, read 2026-11: a task like those of the new generation, with options and
lists of its own; the name of some has two parts. What those five make is known, what any of them costs is not. Every
name and every field is taken, and what comes out costs nothing: that is this simulator's rule.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.outputs import image_result, measured_duration, video_result
from airflow_provider_kling.simulator.products.product import USUAL_LENGTH, Product
from airflow_provider_kling.simulator.results import FileName
from airflow_provider_kling.simulator.tasks import Order
from airflow_provider_kling.simulator.validation import bad, typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Task
    from airflow_provider_kling.simulator.validation import Body

NAME: Final = "solutions"
PATH: Final = "/solutions"

#: Kling documentation: the longest address of a callback, which is given for scenarios only.
LONGEST_CALLBACK: Final = 1024


def order(body: Body, _context: Context, *, name: str, pack: str) -> Order:
    """Validate ``body``.

    :raises KlingError: 1201.
    """
    options = typed(body, "options", dict, {})
    callback = typed(options, "callback_url", str, label="options.callback_url") or None
    if callback and len(callback) > LONGEST_CALLBACK:
        raise bad(f"options.callback_url length must be less than or equal to {LONGEST_CALLBACK}")
    return Order(
        product=name,
        model=name,
        pack=pack,
        price=Decimal(0),
        seconds=float(USUAL_LENGTH),
        external_task_id=typed(options, "external_task_id", str, label="options.external_task_id") or None,
        callback_url=callback,
        watermark=any(_watermark(options, word) for word in ("watermark", "watermark_info")),
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


def _watermark(options: dict[str, Any], word: str) -> bool:
    """Whether ``options`` order a watermark: pages have an object and call it by two words; a plain flag does too."""
    value = options.get(word)
    if isinstance(value, bool):
        return value
    enabled: bool = typed(
        typed(options, word, dict, {}, label=f"options.{word}"), "enabled", bool, False, label=f"options.{word}.enabled"
    )
    return enabled


def _dressed(task: Task, links: Links) -> dict[str, Any]:
    """Pictures of the goods and of the model, and a video without its length."""
    kinds = {"product_image": ("png", 0), "model_images": ("png", 1), "product_video": ("mp4", None)}
    return {
        "outputs": [
            _output(task, links, kind, form, index, marked=task.watermark) for kind, (form, index) in kinds.items()
        ]
    }


def _subtitled(task: Task, links: Links) -> dict[str, Any]:
    """A video with its length, and its subtitles in two forms; no watermark is offered."""
    video, *others = (
        _output(task, links, kind, form, marked=False)
        for kind, form in {"subbed_video": "mp4", "srt": "srt", "ass": "ass"}.items()
    )
    return {"outputs": [video | {"duration": measured_duration(task)}, *others]}


def _output(
    task: Task, links: Links, kind: str, form: str, index: int | None = None, *, marked: bool
) -> dict[str, str]:
    names = {"url": FileName(task.result_id, form, index)}
    if marked:
        names["watermark_url"] = FileName(task.result_id, form, index, watermark=True)
    return {"type": kind} | {key: links.url(str(name), ended_at=task.updated_at) for key, name in names.items()}


def _product(
    solution: str, result: Callable[[Task, Links], dict[str, Any]], pack: str = "video"
) -> tuple[str, Product]:
    name = f"{NAME}.{solution}" if solution else NAME
    row = Product(
        path=f"{PATH}/{solution or '{solution}'}",
        validate=partial(order, name=name, pack=pack),
        result=result,
        # That of a video of an image; what a scenario takes is not known.
        usual_seconds=164,
        reads=False,
        is_new=True,
    )
    return name, row


#: What makes something else than one video has a row of its own; the first is for every other name.
PRODUCTS: Final[dict[str, Product]] = dict(
    (
        _product("", video_result),
        _product("virtual_try_on", image_result, "image"),
        _product("drama_subtitle", _subtitled),
        _product("e-commerce/clothing_dupe", _dressed),
    )
)
