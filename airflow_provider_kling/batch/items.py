"""Reads the items of a batch from each form that a Dag author, a template or an XCom gives them in."""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_kling.batch import files
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.arguments import place
from airflow_provider_kling.products.formatting import named, shown
from airflow_provider_kling.results.targets import check_source
from airflow_provider_kling.utils.no_value import is_rendered_none

#: Most items of one batch, ten times as many as were tried: a generator need not end.
MAX_ITEMS = 1_000_000


def read_items(items: Any, defaults: Any, conn_id: str | None) -> list[dict[str, Any]]:
    """
    Return the items as a list of dicts, with the defaults filled in.

    :param items: dicts in a list, a tuple, a generator or the lazy sequence of a mapped task; the same as JSON or
        Python text; or a JSON Lines file, as a URI or as a path object.
    :param defaults: fields of every item that does not have them; a dict, or the same as text.
    :param conn_id: Airflow connection of that file.
    :return: the items; an empty list when there are none.
    :raises KlingValidationError: when it is none of these; it names the item.
    """
    common = _read_defaults(defaults)
    if not isinstance(items, Iterable) or hasattr(items, "__fspath__") or hasattr(items, "protocol"):
        items = place("items", items) or ""
    if isinstance(items, str):
        items = _from_text(items.strip(), conn_id)
    if isinstance(items, (bytes, bytearray, Mapping)) or not isinstance(items, Iterable):
        raise _no_items(items)
    return [{**common, **item} for item in _bounded(items)]


def _bounded(items: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Read the items once, and no further than the first that is none."""
    found: list[Mapping[str, Any]] = []
    for index, item in enumerate(itertools.islice(items, MAX_ITEMS + 1)):
        if not isinstance(item, Mapping):
            raise KlingValidationError(
                [
                    f"Give items as a list of dicts; item {index} is {shown(item)}. "
                    "[{'image': …, 'prompt': …}, …] or a file's URI can be given."
                ]
            )
        found.append(item)
    if len(found) > MAX_ITEMS:
        raise KlingValidationError([f"Split items into several batches: one has at most {MAX_ITEMS} items."])
    return found


def _no_items(items: Any) -> KlingValidationError:
    return KlingValidationError(
        [f"Give items as a list of dicts, or as a file's URI; {named('items', items)} is neither."]
    )


def _read_defaults(defaults: Any) -> dict[str, Any]:
    if is_rendered_none(defaults):
        raise KlingValidationError(
            [f"Give the template of defaults a value: it rendered to {named('defaults', defaults)}."]
        )
    if isinstance(defaults, str):
        defaults = _literal("defaults", defaults.strip(), "a dict") if defaults.strip() else {}
    if defaults is None or isinstance(defaults, Mapping):
        return dict(defaults or {})
    raise KlingValidationError([f"Give defaults as a dict; {named('defaults', defaults)} is not a dict."])


def _from_text(text: str, conn_id: str | None) -> Any:
    if not text or is_rendered_none(text):
        raise KlingValidationError([f"Give the template of items a value: it rendered to {named('items', text)}."])
    if text.startswith(("[", "(", "{")):
        return _literal("items", text, "a list of dicts")
    check_source(text, conn_id, name="items")
    try:
        return files.read_lines(text, conn_id)
    except FileNotFoundError:
        raise KlingValidationError(
            [f"Give items a list, or the URI of a file: there is no such file, {named('items', text)}."]
        ) from None
    except ValueError as error:
        raise KlingValidationError([f"Correct the file of items: {shown(str(error), 300)}."]) from None


def _literal(name: str, text: str, kind: str) -> Any:
    """Read a value as JSON writes it, or as Python does: a template renders a list so."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise KlingValidationError(
                [f"Give {name} as {kind}; {named(name, text)} is text that is neither JSON nor Python."]
            ) from None
