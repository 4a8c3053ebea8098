"""
What an image is made from besides its prompt: a reference image and elements.

Rules: Image Generation page of https://kling.ai/document-api, classic API, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.elements import element_entries
from airflow_provider_kling.products.wording import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

#: Images and elements of one request together.
MAX_REFERENCES = 10


def reference(request: Request) -> Iterator[Problem]:
    """A reference image, and the fields that say how closely to follow it."""
    body = request.body
    if "image" in body and "negative_prompt" in body:
        yield Problem(
            "negative_prompt",
            "Leave negative_prompt out, or image: Kling does not take negative_prompt together with image.",
        )
    if "image" not in body:
        for name in ("image_reference", "image_fidelity", "human_fidelity"):
            if name in body:
                yield Problem(
                    name,
                    f"Give image too, or leave {name} out: {named(name, body[name])} says how to use image.",
                    severity="warning",
                )
    elif "human_fidelity" in body and body.get("image_reference") != "subject":
        yield Problem(
            "human_fidelity",
            "Set image_reference='subject', or leave human_fidelity out: it counts for a subject only.",
            severity="warning",
        )


def elements(request: Request) -> Iterator[Problem]:
    """Images and elements together, at most ten."""
    if "element_list" in request.body:
        images = len([place for place in request.images if not place.startswith("element_list")])
        yield from element_entries(request, MAX_REFERENCES - images)
