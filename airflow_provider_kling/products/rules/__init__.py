"""Checks of a request besides the shape of each field; a product's row names its rules."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kling.products.problem import Problem, Request


def check(request: Request) -> list[Problem]:
    """
    Return every problem of a request, errors and warnings.

    :param request: the canonical body, with its loaded images.
    """
    return [problem for name in request.product.rules for problem in _rule(name)(request)]


@functools.cache
def _rule(name: str) -> Any:
    """Return a rule by module and function; a process imports the rules of the products that it checks, not all."""
    module, _, function = name.partition(".")
    return getattr(import_module(f"{__name__}.{module}"), function)
