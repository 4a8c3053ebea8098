"""Checks of a request besides the shape of each field; a product's row names its rules."""

from __future__ import annotations

import operator
import sys
from typing import TYPE_CHECKING

from airflow_provider_kling.products.rules import camera, elements, faces, frames, omni, references, scalars, shots

if TYPE_CHECKING:
    from airflow_provider_kling.products.problem import Problem, Request

__all__ = ["camera", "check", "elements", "faces", "frames", "omni", "references", "scalars", "shots"]


def check(request: Request) -> list[Problem]:
    """
    Return every problem of a request, errors and warnings.

    :param request: the canonical body, with its loaded images.
    """
    rules = [operator.attrgetter(name)(sys.modules[__name__]) for name in request.product.rules]
    return [problem for rule in rules for problem in rule(request)]
