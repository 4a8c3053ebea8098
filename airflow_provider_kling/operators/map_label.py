"""The label of a mapped task in the grid: the name of its file, instead of a number. Pure."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_kling.products.formatting import holds_content
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The ``map_index_template`` of an operator whose Dag names none. It reads no result, so that the wait may end in the
#: triggerer. A task that is not mapped has no label: setting it would be a request that says nothing.
TEMPLATE = "{{ task.map_label if ti.map_index >= 0 else '' }}"

#: Characters of a label; Airflow's column has 250.
MAX_CHARACTERS = 80


def label_of(values: Sequence[Any], fallback: str) -> str:
    """
    Return the name of the first file among the values, else the first text.

    :param values: of the operator's label fields, those that hold files first.
    :param fallback: when none of them can be shown.
    :return: text that is no Python literal: Jinja's native environment would make a number of it, and Airflow ends a
        task whose label is none.
    """
    for value in values:
        if label := _name(value[0] if isinstance(value, (list, tuple)) and value else value):
            return label if not _is_literal(label) else f"“{label}”"
    return fallback


def _name(value: Any) -> str:
    """Return the last part of a path or link without its query, a text as it is, or nothing for file content."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or holds_content(value):
        return ""
    text = clean_text(value)
    if "/" in text and " " not in text.rpartition("/")[0]:
        text = unquote(text.partition("?")[0].rstrip("/").rpartition("/")[2])
    return clean_text(text, MAX_CHARACTERS)


def _is_literal(label: str) -> bool:
    try:
        ast.literal_eval(label)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
