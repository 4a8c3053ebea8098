"""
Which generation of Kling's API serves a model, and what a request may say there. Pure.

Classic models are named in the body, under ``/v1/``; models of the second generation in the path, and their bodies have
other words: :mod:`.translation`. Nothing else asks a model for its generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.capability_map import generation_of, is_certain, table
from airflow_provider_kling.products.catalogue import NEW_GENERATION, PRODUCTS
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.wording import named, one_of, shown
from airflow_provider_kling.utils.foreign import foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.product import Product

#: Classic fields without a word in the second generation (its pages, read 2026-10).
_UNSAYABLE = ("negative_prompt", "cfg_scale", "camera_control", "static_mask", "dynamic_masks")
#: A text has no items beside it that could be referred to.
_UNSAYABLE_IN_TEXT = ("voice_list",)

#: What ``extra_body`` may hold there: Kling ignores every other key without a word (measured, 2026-08 and 2026-09).
PLACES = ("contents", "settings", "options")


def spoken(product: Product, body: Mapping[str, Any]) -> Product:
    """
    Return the row of the generation that serves a request.

    :param product: its row in either generation.
    :param body: the canonical body; its model decides.
    """
    if not product.counterpart or product.generation == generation_of(body.get("model_name")):
        return product
    return PRODUCTS.get(product.counterpart) or NEW_GENERATION[product.counterpart]


def classic_row(product: Product) -> Product:
    """
    Return the row in whose words a product is asked for.

    :param product: its row in either generation.
    """
    return PRODUCTS[product.counterpart] if product.generation == "new" and product.counterpart else product


def listed_under(product: Product) -> str:
    """
    Return the product in whose list Kling shows the tasks of a product: the second generation has one for all of its.

    :param product: its row in the generation that serves it.
    """
    return next(iter(NEW_GENERATION)) if product.generation == "new" else product.endpoint


def is_translated(product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether a request is asked for in classic words and sent in those of the second generation.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    return bool(product.counterpart) and spoken(product, body).generation == "new"


def features_of(product: Product, body: Mapping[str, Any]) -> list[Mapping[str, bool | str]]:
    """
    Return what the model of a request does for a product, by mode; nothing when the table does not know it.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    asked = (body.get("model_name"), classic_row(product).endpoint)
    return [row.features for row in table().rows if (row.model, row.product) == asked]


def has_shots(product: Product, body: Mapping[str, Any]) -> bool:
    """
    Whether the model of a request may have several shots; of one that the table does not know it is not known.

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


def keeps_external_id(body: Mapping[str, Any]) -> bool:
    """
    Whether Kling is known to refuse an ``external_task_id`` of this model twice, which makes a submission repeatable.

    :param body: the canonical body. Measured for both generations (2026-09); a new model may be another matter.
    """
    return is_certain(body.get("model_name"))


def unsayable(product: Product, body: Mapping[str, Any]) -> Iterator[Problem]:
    """
    What a body says that its generation has no words for: it would be ignored without a word, and paid.

    :param product: what is asked for.
    :param body: the canonical body.
    """
    name = body.get("model_name")
    if not is_translated(product, body):
        return
    fields = _UNSAYABLE if product.media_fields else (*_UNSAYABLE, *_UNSAYABLE_IN_TEXT)
    for field in fields:
        if field in body:
            models = _taking(classic_row(product), field)
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
    """Items that an omni video takes and does not look at: it would be made, and paid, of the words alone."""
    items = body.get("contents") if classic_row(product).endpoint == "omni-video" else None
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


def _taking(product: Product, field: str) -> list[str]:
    """The live classic models of a product that take a field."""
    if field not in product.by_name:
        return []
    feature = _FEATURES.get(field)
    rows = [row for row in table().rows if row.product == product.endpoint and table().live(row, "classic")]
    able = [row.model for row in rows if feature is None or row.features.get(feature)]
    return [name for name in dict.fromkeys(able) if field not in table().models[name].ignores]


def remarks(product: Product, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[str]:
    """
    What to know of a request before it is sent that concerns its generation; sentences for the log.

    :param product: what is asked for.
    :param body: the canonical body.
    :param extra: what was put over it.
    """
    if is_translated(product, body):
        yield from _ignored_keys(product, body, extra)
    if product.has_external_id and not keeps_external_id(body):
        yield (
            "Check Kling's console if this task fails before it has an id: it is not known whether Kling refuses to "
            f"make an external_task_id of {foreign_text(body.get('model_name'), 60)} twice, so a lost answer is looked "
            "for by its id and its time, and nothing is sent again by itself."
        )


def _ignored_keys(product: Product, body: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[str]:
    known = classic_row(product).by_name
    for key in extra:
        if key not in known and key not in PLACES:
            yield (
                f"Put {key!r} into settings or options inside extra_body: Kling ignores keys that it does not know, "
                f"and models such as {body.get('model_name')} have nothing beside {one_of(PLACES, 'and')}."
            )
    for place, words in _KNOWN_KEYS.items():
        inside = extra.get(place)
        for key in inside if isinstance(inside, dict) else ():
            if key not in words:
                yield (
                    f"Check {shown(key)} in {place} of extra_body: Kling ignores keys there that it does not know, and "
                    f"{one_of(words, 'and')} are those that this version knows."
                )


#: What goes to Kling for whom it calls back and by which name, not for what it makes.
OPTIONS = ("callback_url", "external_task_id", "watermark_info")

#: What Kling reads there; a seed is not documented and taken (measured by a public client, 2026-09).
_KNOWN_KEYS = {
    "settings": ("resolution", "aspect_ratio", "duration", "audio", "multi_shot", "character_orientation", "seed"),
    "options": OPTIONS,
}
