"""Kling's image products."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.links import KlingResultLink
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products.image import DEFAULT_IMAGE_MODEL, IMAGE_GENERATION


class KlingImageGenerationOperator(KlingTaskOperator):
    """
    Make one to nine images of a prompt: ``POST /v1/images/generations``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageGenerationOperator`

    :param prompt: what the images show, at most 2500 characters (templated).
    :param negative_prompt: what to avoid, at most 2500 characters; not together with ``image`` (templated).
    :param model_name: default ``kling-v3``; also ``kling-v2-1`` (templated).
    :param image: a reference, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param image_reference: ``subject`` or ``face``, what of ``image`` is kept; kling-v2-1 (templated).
    :param image_fidelity: 0 to 1, how closely to follow ``image``; Kling's default is 0.5 (templated).
    :param human_fidelity: 0 to 1, how closely to follow the face of a ``subject``; Kling's default is 0.45 (templated).
    :param element_list: ``{"element_id": ...}``, with ``image`` at most 10 together; kling-v3 (templated).
    :param resolution: ``1k`` (Kling's default) or ``2k`` (templated).
    :param n: how many images, 1 to 9; each takes a slot of the resource pack (templated).
    :param aspect_ratio: ``16:9`` (Kling's default), ``9:16``, ``1:1``, ``4:3``, ``3:4``, ``3:2``, ``2:3`` or ``21:9``
        (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result of each (templated).
    """

    product = IMAGE_GENERATION
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(
        self,
        *,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        model_name: str = DEFAULT_IMAGE_MODEL,
        image: Any = None,
        image_reference: str | None = None,
        image_fidelity: float | None = None,
        human_fidelity: float | None = None,
        element_list: list[Any] | str | None = None,
        resolution: str | None = None,
        n: int | None = None,
        aspect_ratio: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.model_name = model_name
        self.image = image
        self.image_reference = image_reference
        self.image_fidelity = image_fidelity
        self.human_fidelity = human_fidelity
        self.element_list = element_list
        self.resolution = resolution
        self.n = n
        self.aspect_ratio = aspect_ratio
        self.watermark_info = watermark_info
