"""Kling's image products."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products.image import (
    DEFAULT_IMAGE_MODEL,
    DEFAULT_MULTI_IMAGE_MODEL,
    DEFAULT_OMNI_MODEL,
    DEFAULT_TRY_ON_MODEL,
    IMAGE_EXPANSION,
    IMAGE_GENERATION,
    IMAGE_RECOGNITION,
    MULTI_IMAGE2IMAGE,
    OMNI_IMAGE,
    VIRTUAL_TRY_ON,
)


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


class KlingOmniImageOperator(KlingTaskOperator):
    """
    Make or edit images by words that name others: ``POST /v1/images/omni-image``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingOmniImageOperator`

    :param prompt: what the images show, at most 2500 characters; ``<<<image_1>>>`` names the first of
        ``image_list`` (templated).
    :param model_name: default ``kling-v3-omni``; also ``kling-image-o1`` (templated).
    :param image_list: ``{"image": ...}``, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`; with elements at most 10 together
        (templated).
    :param element_list: ``{"element_id": ...}``, with the images at most 10 together (templated).
    :param resolution: ``1k`` (Kling's default), ``2k``, or with kling-v3-omni ``4k`` (templated).
    :param result_type: ``single`` (Kling's default) or, with kling-v3-omni, ``series`` (templated).
    :param series_amount: how many images a series has, 2 to 9 or ``auto`` (templated).
    :param n: how many images, 1 to 9; each takes a slot of the resource pack (templated).
    :param aspect_ratio: ``auto`` (Kling's default), or as for :class:`KlingImageGenerationOperator` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = OMNI_IMAGE
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(
        self,
        *,
        prompt: str | None = None,
        model_name: str = DEFAULT_OMNI_MODEL,
        image_list: list[Any] | str | None = None,
        element_list: list[Any] | str | None = None,
        resolution: str | None = None,
        result_type: str | None = None,
        series_amount: int | str | None = None,
        n: int | None = None,
        aspect_ratio: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.prompt = prompt
        self.model_name = model_name
        self.image_list = image_list
        self.element_list = element_list
        self.resolution = resolution
        self.result_type = result_type
        self.series_amount = series_amount
        self.n = n
        self.aspect_ratio = aspect_ratio
        self.watermark_info = watermark_info


class KlingMultiImageToImageOperator(KlingTaskOperator):
    """
    Make images of several subjects: ``POST /v1/images/multi-image2image``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingMultiImageToImageOperator`

    :param subject_image_list: 1 to 4 ``{"subject_image": ...}``, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param prompt: what is shown, at most 2500 characters (templated).
    :param model_name: default ``kling-v2-1`` (templated).
    :param scene_image: where they are (templated).
    :param style_image: how it looks (templated).
    :param n: how many images, 1 to 9; each takes a slot of the resource pack (templated).
    :param aspect_ratio: ``16:9`` (Kling's default), ``9:16``, ``1:1``, ``4:3``, ``3:4``, ``3:2``, ``2:3`` or
        ``21:9`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = MULTI_IMAGE2IMAGE
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(
        self,
        *,
        subject_image_list: list[Any] | str | None = None,
        prompt: str | None = None,
        model_name: str = DEFAULT_MULTI_IMAGE_MODEL,
        scene_image: Any = None,
        style_image: Any = None,
        n: int | None = None,
        aspect_ratio: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.subject_image_list = subject_image_list
        self.prompt = prompt
        self.model_name = model_name
        self.scene_image = scene_image
        self.style_image = style_image
        self.n = n
        self.aspect_ratio = aspect_ratio
        self.watermark_info = watermark_info


class KlingImageExpansionOperator(KlingTaskOperator):
    """
    Paint beyond the edges of an image: ``POST /v1/images/editing/expand``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageExpansionOperator`

    At most three times the area: (1 + up + down) * (1 + left + right) <= 3.

    :param image: given as to :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param up_expansion_ratio: 0 to 2, how far it grows upwards, in its own heights (templated).
    :param down_expansion_ratio: 0 to 2, how far it grows downwards, in its own heights (templated).
    :param left_expansion_ratio: 0 to 2, how far it grows to the left, in its own widths (templated).
    :param right_expansion_ratio: 0 to 2, how far it grows to the right, in its own widths (templated).
    :param prompt: what is to be seen there, at most 2500 characters (templated).
    :param n: how many images, 1 to 9; each takes a slot of the resource pack (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = IMAGE_EXPANSION
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(
        self,
        *,
        image: Any = None,
        up_expansion_ratio: float | str = 0.0,
        down_expansion_ratio: float | str = 0.0,
        left_expansion_ratio: float | str = 0.0,
        right_expansion_ratio: float | str = 0.0,
        prompt: str | None = None,
        n: int | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image = image
        self.up_expansion_ratio = up_expansion_ratio
        self.down_expansion_ratio = down_expansion_ratio
        self.left_expansion_ratio = left_expansion_ratio
        self.right_expansion_ratio = right_expansion_ratio
        self.prompt = prompt
        self.n = n
        self.watermark_info = watermark_info


class KlingVirtualTryOnOperator(KlingTaskOperator):
    """
    Dress a person: ``POST /v1/images/kolors-virtual-try-on``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingVirtualTryOnOperator`

    Kling announced its end for 2026-09-15, and sources disagree whether it came: a warning says so.

    :param human_image: the person, given as to :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`
        (templated).
    :param cloth_image: the clothes, likewise (templated).
    :param model_name: default ``kolors-virtual-try-on-v1-5`` (templated).
    """

    product = VIRTUAL_TRY_ON
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(
        self,
        *,
        human_image: Any = None,
        cloth_image: Any = None,
        model_name: str = DEFAULT_TRY_ON_MODEL,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.human_image = human_image
        self.cloth_image = cloth_image
        self.model_name = model_name


class KlingImageRecognitionOperator(KlingAtOnceOperator):
    """
    Cut things, heads, faces and clothes out of an image: ``POST /v1/videos/image-recognize``, which returns them.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageRecognitionOperator`

    The manifest has ``segments``, each with its ``type`` and its ``url``, which is empty when the image has none of
    that type. Its ``task_id`` is Kling's id of the request: there is no task.

    :param image: given as to :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param on_doubt: what a lost response leads to: ``fail`` (default) with a sentence that says where to look, without
        retries; or ``resend``, which may pay twice.
    """

    product = IMAGE_RECOGNITION
    operator_extra_links = (KlingResultLink("Kling image"),)

    def __init__(self, *, image: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.image = image
