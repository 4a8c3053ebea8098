"""The texts that stand where a template, a variable or a program had no value. Pure."""

from __future__ import annotations

from typing import Any

#: As Python, JSON, pandas and JavaScript write "no value", in small letters.
NO_VALUE_WORDS = frozenset({"none", "null", "nan", "undefined"})


def is_rendered_none(value: Any) -> bool:
    """
    Whether this is the text to which a template without a value renders.

    :param value: anything; capitals and blanks around it do not matter.
    """
    return isinstance(value, str) and value.strip().lower() in NO_VALUE_WORDS
