"""Which rules a product has, and all that they find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.products.rules import camera, elements, frames, scalars, shots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.products.problem import Problem, Request, Rule

_SHARED: tuple[Rule, ...] = (
    scalars.shapes,
    scalars.callback_url,
    scalars.cfg_scale,
    scalars.lengths,
    shots.prompt_required,
    shots.shots,
    shots.references,
    elements.voices,
    camera.camera,
)

#: The rules of each product.
RULES: Mapping[str, tuple[Rule, ...]] = {
    "image2video": (
        frames.image_given,
        frames.exclusions,
        frames.contents,
        frames.masks,
        elements.elements,
        *_SHARED,
    ),
    "text2video": _SHARED,
}


def check(request: Request) -> list[Problem]:
    """
    Every problem of a request, certain or not.

    :param request: the canonical body, with its loaded images.
    """
    return [problem for rule in RULES[request.product] for problem in rule(request)]
