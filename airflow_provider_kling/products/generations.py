"""
Which generation of Kling's API serves a model, and what a request may say there. Pure.

Classic models are named in the body, under ``/v1/``; models of the second generation in the path, and their bodies have
other words: :mod:`.translation`. Other modules ask this one for the generation of a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.capability_map import generation_of, is_certain, table
from airflow_provider_kling.products.catalogue import PRODUCTS, V2_PRODUCTS
from airflow_provider_kling.products.formatting import named, one_of, shown
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.product import Product

#: Classic fields that the second generation does not have (its pages, read 2026-10).
_NO_COUNTERPART = ("negative_prompt", "cfg_scale", "camera_control", "static_mask", "dynamic_masks")
#: More of them for products without files.
_NO_COUNTERPART_IN_TEXT = ("voice_list",)

#: Keys of a body of the second generation; Kling silently ignores all others (measured, 2026-08 and 2026-09).
BODY_KEYS = ("contents", "settings", "options")


def serving_product(product: Product, body: Mapping[str, Any]) -> Product:
    """
    Return the product's row in the generation that serves a request.

    :param product: its row in either generation.
    :param body: the canonical body; its model decides.
    """
    if not product.counterpart or product.generation == generation_of(body.get("model_name")):
        return product
    return PRODUCTS.get(product.counterpart) or V2_PRODUCTS[product.counterpart]


def classic_product(product: Product) -> Product:
    """
    Return the classic row of a product, whose words Dag authors use.

    :param product: its row in either generation.
    """
    return PRODUCTS[product.counterpart] if product.generation == "v2" and product.counterpart else product


def list_endpoint(product: Product) -> str:
    """
    Return the endpoint whose list shows the tasks of a product; the second generation has one list for all products.

    :param product: its row in the generation that serves it.
    """
    return next(iter(V2_PRODUCTS)) if product.generation == "v2" else product.endpoint


def is_translated(product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether a request is asked for in classic words and sent in those of the second generation.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    return bool(product.counterpart) and serving_product(product, body).generation == "v2"


def features_of(product: Product, body: Mapping[str, Any]) -> list[Mapping[str, bool | str]]:
    """
    Return what the model of a request does for a product, by mode; nothing when the table does not know it.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    asked = (body.get("model_name"), classic_product(product).endpoint)
    return [row.features for row in table().rows if (row.model, row.product) == asked]


def has_shots(product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether the model of a request may take several shots; true for a model that the table does not know.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    rows = features_of(product, body)
    known = rows and is_certain(body.get("model_name"))
    return not known or any("multi_shot" in features for features in rows)


def has_video(body: Mapping[str, Any], kind: str) -> bool:
    """
    Whether an omni video is given a video of a kind.

    :param body: the canonical body.
    :param kind: ``base`` (changed; Kling's default) or ``feature`` (a reference).
    """
    videos = body.get("video_list")
    given = [video for video in videos if isinstance(video, dict)] if isinstance(videos, list) else []
    return any(video.get("refer_type", "base") == kind for video in given)


def refuses_repeated_id(body: Mapping[str, Any]) -> bool:
    """
    Whether Kling is known to refuse a second task with the same ``external_task_id``, so that a POST can be repeated.

    :param body: the canonical body. Measured for both generations (2026-09); a new model may be another matter.
    """
    return is_certain(body.get("model_name"))


def translation_problems(product: Product, body: Mapping[str, Any]) -> Iterator[Problem]:
    """
    Find what a body asks for that its generation does not have: Kling would ignore it silently, and charge the task.

    :param product: what is asked for.
    :param body: the canonical body.
    """
    name = body.get("model_name")
    if not is_translated(product, body):
        return
    fields = _NO_COUNTERPART if product.media_fields else (*_NO_COUNTERPART, *_NO_COUNTERPART_IN_TEXT)
    for field in fields:
        if field in body:
            models = _live_models_with(classic_product(product), field)
            advice = f"Use {one_of(models)}, or leave {field} out" if models else f"Leave {field} out"
            yield Problem(
                field,
                f"{advice}: {named('model_name', name)} is a model of the second generation of Kling's API, which has "
                f"no {field}{'' if models else ', and no live model of the first takes it'}.",
            )
    yield from _ignored_items(product, body)
    shots = body.get("multi_prompt")
    for index, shot in enumerate(shots if isinstance(shots, list) else ()):
        if isinstance(shot, dict) and ";" in str(shot.get("prompt")):
            place = f"multi_prompt[{index}]"
            yield Problem("multi_prompt", f"Take ';' out of the prompt of {place}: for {name} it ends a shot.")


def _ignored_items(product: Product, body: Mapping[str, Any]) -> Iterator[Problem]:
    """Find items that an omni video accepts and ignores: it would be made, and paid, from the prompt alone."""
    items = body.get("contents") if classic_product(product).endpoint == "omni-video" else None
    for item in items if isinstance(items, list) else ():
        kind = item.get("type") if isinstance(item, dict) else None
        if instead := _IGNORED.get(kind) if isinstance(kind, str) else None:
            yield Problem(
                "contents",
                f"Give {instead} instead of an item of type {kind!r}: Kling accepts that for an omni video and ignores "
                "it (measured by a public client, 2026-09-28).",
            )


_IGNORED = {
    "image": "image_list, or items of type 'refer_image',",
    "video": "video_list, or 'base_video' or 'feature_video',",
}

#: The features of the table that stand for a field.
_FEATURES = {
    "camera_control": "camera_control",
    "static_mask": "motion_brush",
    "dynamic_masks": "motion_brush",
    "voice_list": "voice_control",
}


def _live_models_with(product: Product, field: str) -> list[str]:
    """The live classic models of a product that take a field."""
    if field not in product.by_name:
        return []
    feature = _FEATURES.get(field)
    rows = [row for row in table().rows if row.product == product.endpoint and table().is_live(row, "classic")]
    able = [row.model for row in rows if feature is None or row.features.get(feature)]
    return [name for name in dict.fromkeys(able) if field not in table().models[name].ignores]


def request_warnings(product: Product, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[str]:
    """
    Yield warnings about a request that concern its generation; sentences for the log.

    :param product: what is asked for.
    :param body: the canonical body.
    :param extra: the author's ``extra_body``.
    """
    if is_translated(product, body):
        yield from _ignored_keys(product, body, extra)
    if product.has_external_id and not refuses_repeated_id(body):
        yield (
            "Check Kling's console if this task fails before it has an id: it is not known whether Kling refuses to "
            f"make an external_task_id of {clean_text(body.get('model_name'), 60)} twice, so a lost response is looked "
            "for by its id and its time, and nothing is sent again by itself."
        )


def _ignored_keys(product: Product, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[str]:
    known = classic_product(product).by_name
    for key in extra:
        if key not in known and key not in BODY_KEYS:
            yield (
                f"Put {key!r} into settings or options inside extra_body: Kling ignores keys that it does not know, "
                f"and models such as {body.get('model_name')} have nothing beside {one_of(BODY_KEYS, 'and')}."
            )
    for place, words in _KNOWN_KEYS.items():
        inside = extra.get(place)
        for key in inside if isinstance(inside, dict) else ():
            if key not in words:
                yield (
                    f"Check {shown(key)} in {place} of extra_body: Kling ignores keys there that it does not know, and "
                    f"{one_of(words, 'and')} are those that this version knows."
                )


#: Fields that concern the task and not its content.
OPTIONS = ("callback_url", "external_task_id", "watermark_info")

#: What Kling reads there; a seed is not documented and taken (measured by a public client, 2026-09).
_KNOWN_KEYS = {
    "settings": ("resolution", "aspect_ratio", "duration", "audio", "multi_shot", "character_orientation", "seed"),
    "options": OPTIONS,
}
