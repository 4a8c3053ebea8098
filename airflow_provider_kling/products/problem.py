"""The input and the output of a check: a request, and the problems in it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_kling.products.media import LoadedFile
    from airflow_provider_kling.products.product import Product


Severity = Literal["error", "warning"]


class Problem(NamedTuple):
    """
    One thing that is wrong with a request, in words.

    :param field: the field it is about, by Kling's name.
    :param sentence: what to do, complete within 73 characters, because a log shows little more of a line; then the
        field, its value, and what is allowed.
    :param severity: ``error`` when Kling is known to refuse it, or to bill for something else than was meant;
        ``warning`` when that is not certain.
    """

    field: str
    sentence: str
    severity: Severity = "error"


class Request(NamedTuple):
    """
    A canonical request body, with what is known about its images.

    :param product: what is asked for.
    :param body: the JSON body, by Kling's classic names.
    :param images: the loaded images by place: ``image``, ``static_mask``, ``dynamic_masks[0].mask``.
    """

    product: Product
    body: Mapping[str, Any]
    images: Mapping[str, LoadedFile] = MappingProxyType({})

    def duration(self) -> Any:
        """Seconds as Kling's string; ``"5"`` when it is left out (image2video and text2video pages)."""
        return self.body.get("duration", "5")

    def custom_shots(self) -> bool:
        """Whether the shots come from ``multi_prompt`` instead of ``prompt``."""
        return self.body.get("multi_shot") is True and self.body.get("shot_type") == "customize"


if TYPE_CHECKING:
    Rule = Callable[[Request], Iterator[Problem]]
