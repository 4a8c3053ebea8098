"""
Checks a request against what its model can do, as the dated table in ``capabilities.yaml`` says it.

Facts that age are data, not code. A model that the table does not know is sent with a warning, never refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.products.capability_map import Model, Row, Table, generation_of, table
from airflow_provider_kling.products.convert import MODE_ALIASES
from airflow_provider_kling.products.formatting import did_you_mean, is_inline, joined, named, one_of, shown
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kling.products.product import Product

__all__ = ["Model", "Problem", "Row", "Table", "problems", "table"]

#: Kling's defaults for fields that are left out (Image to Video and Text to Video pages, read 2026-10).
DEFAULTS = {"mode": "std", "duration": "5"}


class Feature(NamedTuple):
    """
    Something that a request can ask for.

    :param fields: the fields that ask for it.
    :param phrase: its name in a sentence.
    :param is_asked: whether a body asks for it.
    :param instead: what to do when no model has it.
    """

    name: str
    fields: tuple[str, ...]
    phrase: str
    is_asked: Callable[[Mapping[str, Any]], bool]
    instead: str


class Restriction(NamedTuple):
    """
    What a restriction in the table means.

    :param is_broken: whether a body breaks it.
    :param other_field: the field that conflicts with the feature.
    :param advice: what to change.
    """

    is_broken: Callable[[Mapping[str, Any]], bool]
    other_field: str
    advice: str


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: any(name in body for name in names)


_IN_WORDS = "leave {field} out and describe it in the prompt"
_OMIT = "leave {field} out"

FEATURES = (
    Feature("end_frame", ("image_tail",), "an end frame", lambda body: {"image", "image_tail"} <= body.keys(), _OMIT),
    Feature(
        "end_frame_only",
        ("image_tail",),
        "an end frame without a first frame",
        lambda body: "image_tail" in body and "image" not in body,
        "give image too",
    ),
    Feature(
        "motion_brush",
        ("dynamic_masks", "static_mask"),
        "the motion brush",
        _has("dynamic_masks", "static_mask"),
        _IN_WORDS,
    ),
    Feature("camera_control", ("camera_control",), "camera control", _has("camera_control"), _IN_WORDS),
    Feature("audio", ("sound",), "sound", lambda body: body.get("sound") == "on", "set sound='off'"),
    Feature("voice_control", ("voice_list",), "voices", _has("voice_list"), _OMIT),
    Feature("multi_shot", ("multi_shot",), "several shots", lambda body: body.get("multi_shot") is True, _OMIT),
    Feature("image_reference", ("image_reference",), "a reference to subject or face", _has("image_reference"), _OMIT),
    Feature("series", ("result_type",), "a series", lambda body: body.get("result_type") == "series", _OMIT),
    Feature("four_k", ("resolution",), "4k", lambda body: body.get("resolution") == "4k", "set resolution='2k'"),
    Feature("elements", ("element_list",), "elements", _has("element_list"), _OMIT),
)


def _camera_type(body: Mapping[str, Any]) -> Any:
    control = body.get("camera_control")
    return control.get("type") if isinstance(control, dict) else None


RESTRICTIONS = {
    "silent only": Restriction(
        lambda body: body.get("sound") == "on", "sound", "set sound='off', or leave image_tail out"
    ),
    "without end frame": Restriction(_has("image_tail"), "image_tail", "leave image_tail out, or set sound='off'"),
    "simple only": Restriction(
        lambda body: _camera_type(body) != "simple", "camera_control", "give camera_control the type 'simple'"
    ),
    "always on": Restriction(lambda _: False, "sound", ""),
}


def problems(product: Product, body: Mapping[str, Any]) -> list[Problem]:
    """
    Find what a body asks for that its model does not do.

    :param product: what is asked for.
    :param body: the canonical body; fields of a wrong shape are left to :mod:`.rules`.
    :return: errors for models of the table, warnings for retired and unknown ones.
    """
    name = body.get("model_name")
    if not isinstance(name, str):
        return []
    model = table().models.get(name)
    if model is None:
        return [_unknown_model(name)]
    rows = [row for row in table().rows if (row.model, row.product) == (name, product.endpoint)]
    found = [*_retired_model(name, model, product.endpoint), *_ignored_fields(name, model, body)]
    if not rows:
        elsewhere = list(dict.fromkeys(_products_of(name)))
        found.append(
            _wrong_product(name, model, product.endpoint, elsewhere) if elsewhere else _undescribed_model(name)
        )
    else:
        found += _unsupported_values(rows, body)
    return found if model.certain else [_uncertain_model(), *map(_as_warning, found)]


def _uncertain_model() -> Problem:
    sentence = (
        f"Read Kling's page of the model: the table of {table().as_of} has only what relays say of it, so what goes "
        "beyond that is sent with a warning."
    )
    return Problem("model_name", sentence, severity="warning")


def _as_warning(problem: Problem) -> Problem:
    return problem._replace(severity="warning")


def _unknown_model(name: str) -> Problem:
    sentence = (
        f"Check the spelling of model_name, if the model is not new: {named('model_name', name)} is not in the "
        f"table of {table().as_of}{_suggest_model(name)}, so mode, duration and features are not checked."
    )
    return Problem("model_name", sentence, severity="warning")


def _suggest_model(name: str) -> str:
    """
    Ask for the known model with the nearest name; for a retired one, say when and what replaces it.

    Only models of the same version are compared: ``kling-4.0`` is a new model and no misspelt ``kling-3.0``.
    """
    digits = _digits(name)
    generation = generation_of(name)
    sendable = [known for known, model in table().models.items() if model.generation == generation]
    same = [known for known in sendable if digits and _digits(known).startswith(digits)]
    asked = did_you_mean(name, same)
    for known, model in table().models.items():
        if model.retired and f"{known!r}?" in asked:
            return f" (did you mean {known!r}, retired on {model.retired}? use {model.replacement!r})"
    return asked


def _digits(name: str) -> str:
    return "".join(filter(str.isdecimal, name))


def _live_models(product: str, generation: str) -> list[str]:
    """The live models of a product."""
    return list(
        dict.fromkeys(row.model for row in table().rows if row.product == product and table().is_live(row, generation))
    )


def _retired_model(name: str, model: Model, product: str) -> Iterator[Problem]:
    if date := model.retired_for(product):
        live = _live_models(product, model.generation)
        instead = repr(model.replacement) if model.replacement in live or not live else one_of(live)
        sentence = (
            f"Use {instead}: model_name={name!r} was retired by Kling on {date} and will be "
            "refused, except perhaps by a relay."
        )
        yield Problem("model_name", sentence, severity="warning")


def _ignored_fields(name: str, model: Model, body: Mapping[str, Any]) -> Iterator[Problem]:
    for field in model.ignores:
        if field in body:
            sentence = f"Leave {field} out: {named(field, body[field])} has no effect, {name} does not support it."
            yield Problem(field, sentence, severity="warning")


def _products_of(name: str) -> Iterator[str]:
    return (row.product for row in table().rows if row.model == name)


def _undescribed_model(name: str) -> Problem:
    sentence = (
        f"Read Kling's page of {name}: the table of {table().as_of} has no row for model_name={name!r}, so product, "
        "mode, duration and features are not checked."
    )
    return Problem("model_name", sentence, severity="warning")


def _wrong_product(name: str, model: Model, product: str, others: list[str]) -> Problem:
    sentence = (
        f"Use {one_of(_live_models(product, model.generation))}: model_name={name!r} does not serve {product}, only "
        f"{joined(others)}."
    )
    return Problem("model_name", sentence)


def _unsupported_values(rows: list[Row], body: Mapping[str, Any]) -> Iterator[Problem]:
    """Check mode, then duration, then features: each in the rows of the table that fit the checks before."""
    if "mode" in body and not rows[0].modes:
        sentence = f"Leave mode out: {named('mode', body['mode'])} has no effect, {rows[0].model} has one quality."
        yield Problem("mode", sentence, severity="warning")
    for field, offered in (("mode", _modes), ("duration", _durations)):
        value = body.get(field, DEFAULTS[field])
        if not isinstance(value, str) or not any(map(offered, rows)):
            continue
        fitting = [row for row in rows if value in offered(row)]
        if not fitting:
            yield _unsupported_value(field, value, rows, offered)
        rows = fitting or rows
    yield from _unsupported_features(rows, body)
    if body.get("sound") == "off" and any(row.features.get("audio") == "always on" for row in rows):
        sentence = f"Leave sound out: sound='off' has no effect, {rows[0].model} always makes sound."
        yield Problem("sound", sentence, severity="warning")


def _modes(row: Row) -> tuple[str, ...]:
    return row.modes


def _durations(row: Row) -> tuple[str, ...]:
    return row.durations


def _unsupported_value(field: str, value: str, rows: list[Row], offered: Callable[[Row], tuple[str, ...]]) -> Problem:
    first = rows[0]
    model = table().models[first.model]
    allowed = list(dict.fromkeys(word for row in rows for word in offered(row)))
    others = dict.fromkeys(
        row.model
        for row in table().rows
        if row.product == first.product and value in offered(row) and table().is_live(row, model.generation)
    )
    within = f" in mode {one_of(first.modes)}" if field == "duration" and first.modes else ""
    elsewhere = f"; {one_of(others)} takes {value!r}" if others else ""
    disputed = field == "duration" and value in model.disputed
    problem = "is not listed by Kling, and sources disagree whether it is taken" if disputed else "is not offered"
    asked = did_you_mean(value, allowed, MODE_ALIASES) if field == "mode" else ""
    sentence = (
        f"Give {field} as {_join_allowed(allowed)} for {first.model}: {named(field, value)} {problem} for "
        f"{first.product}{within}{asked}{elsewhere}."
    )
    return Problem(field, sentence, severity="warning" if disputed else "error")


def _join_allowed(words: list[str]) -> str:
    """
    Join the allowed words; write consecutive numbers as a range.

    >>> _join_allowed(["3", "4", "5"])
    '3 to 5'
    """
    if len(words) > 2 and all(word.isdecimal() for word in words):
        first, last = int(words[0]), int(words[-1])
        if [int(word) for word in words] == list(range(first, last + 1)):
            return f"{first} to {last}"
    return joined(words) if all(word.isdecimal() for word in words) else one_of(words)


def _unsupported_features(rows: list[Row], body: Mapping[str, Any]) -> Iterator[Problem]:
    clashes: set[frozenset[str]] = set()
    for feature in FEATURES:
        if not feature.is_asked(body):
            continue
        values = [row.features.get(feature.name, False) for row in rows]
        if not any(values):
            yield _unsupported_feature(feature, rows, body)
            continue
        broken = [
            RESTRICTIONS[value] for value in values if isinstance(value, str) and RESTRICTIONS[value].is_broken(body)
        ]
        if (
            len(broken) == len(values)
            and (clash := frozenset({feature.fields[0], broken[0].other_field})) not in clashes
        ):
            clashes.add(clash)  # "silent only" and "without end frame" are the same conflict: one problem
            yield _restricted_feature(feature, str(values[0]), broken[0], rows[0], body)


def _restricted_feature(
    feature: Feature, words: str, restriction: Restriction, row: Row, body: Mapping[str, Any]
) -> Problem:
    advice = f"{restriction.advice[0].upper()}{restriction.advice[1:]}"
    sentence = f"{advice}: {row.model} takes {feature.phrase} {words} in this mode ({_field_value(feature, body)})."
    return Problem(feature.fields[0], sentence)


def _unsupported_feature(feature: Feature, rows: list[Row], body: Mapping[str, Any]) -> Problem:
    row = rows[0]
    field = next(name for name in feature.fields if name in body)
    mode = f" in mode {shown(body.get('mode', DEFAULTS['mode']))}" if row.modes else ""
    seconds = f" at {clean_text(body.get('duration', DEFAULTS['duration']), 10)} s" if row.durations else ""
    advice, why = _alternatives(feature, row, field)
    sentence = (
        f"{advice}: {row.model} does not take {feature.phrase} for {row.product}{mode}{seconds} "
        f"({_field_value(feature, body)}); {why}."
    )
    return Problem(field, sentence)


def _field_value(feature: Feature, body: Mapping[str, Any]) -> str:
    field = next(name for name in feature.fields if name in body)
    value = body[field]
    return field if isinstance(value, str) and (not value or is_inline(value)) else named(field, value)


def _alternatives(feature: Feature, asked: Row, field: str) -> tuple[str, str]:
    """Return what to do, and which live models have the feature; if none, since when."""
    able = [row for row in table().rows if row.product == asked.product and row.features.get(feature.name)]
    generation = table().models[asked.model].generation
    modes: dict[str, list[str]] = {}
    for row in able:
        if table().is_live(row, generation):
            modes.setdefault(row.model, []).extend(row.modes)
    instead = feature.instead.format(field=field)
    if modes:
        choices = [
            f"{model} (mode {joined(dict.fromkeys(words))})" if words else model for model, words in modes.items()
        ]
        change = "Change model or mode" if any(modes.values()) else "Change model"
        return f"{change}, or {instead}", f"{joined(choices)} {'takes' if len(modes) == 1 else 'take'} it"
    ended = [date for row in able if (date := table().models[row.model].retired_for(row.product))]
    since = f" since {max(ended)}" if ended else ""
    return f"{instead[0].upper()}{instead[1:]}", f"no live model takes it{since}"
