"""Kling's video products."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products.video import DEFAULT_MODEL, IMAGE2VIDEO, TEXT2VIDEO


class KlingImageToVideoOperator(KlingTaskOperator):
    """
    Animate an image: ``POST /v1/videos/image2video``, or ``POST /image-to-video/{model}``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageToVideoOperator`

    An image is an https URL, a local path, an ``ObjectStoragePath`` URI (``s3://``, ``gs://``, ``file://``),
    ``bytes``, raw base64 or a ``data:`` URI; jpg or png, at most 10 MB (50 MB with models of the second
    generation), sides of 300 px and more, proportions 1:2.5 to 2.5:1. ``image_tail``, the masks and ``camera_control``
    exclude each other.

    :param image: first frame (templated). One of ``image`` and ``image_tail`` is needed.
    :param image_tail: last frame (templated).
    :param prompt: what happens, at most 2500 characters, with some models of the second generation 3072
        (templated).
    :param negative_prompt: what to avoid, at most 2500 characters (templated).
    :param model_name: default ``kling-v3``; models of both generations, see :ref:`howto/generations` (templated).
    :param mode: ``std`` (720p), ``pro`` (1080p) or ``4k`` (templated).
    :param resolution: ``720p``, ``1080p`` or ``4k``, another word for ``mode`` (templated).
    :param duration: seconds; 5 or 10, with kling-v3 3 to 15 (templated).
    :param cfg_scale: 0 to 1, how closely to follow the prompt; not for kling-v2.x (templated).
    :param sound: ``on`` or ``off``; kling-v3, and kling-v2-6 in mode pro (templated).
    :param voice_list: at most 2 ``{"voice_id": ...}``; needs sound (templated).
    :param element_list: at most 3 ``{"element_id": ...}`` (templated).
    :param multi_shot: whether the video has several shots; kling-v3 (templated).
    :param shot_type: ``customize`` or ``intelligence``, with ``multi_shot`` (templated).
    :param multi_prompt: 1 to 6 ``{"index", "prompt", "duration"}`` that add up to ``duration`` (templated).
    :param static_mask: image; what is white in it stands still (templated).
    :param dynamic_masks: at most 6 ``{"mask", "trajectories": [{"x", "y"}, ...]}``; pixels from the bottom left corner
        (templated).
    :param camera_control: ``{"type", "config"}`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    :param aspect_ratio: accepted for requests written for other clients; the video follows the image, so it is not
        sent, and a warning says so (templated).
    """

    product = IMAGE2VIDEO

    def __init__(
        self,
        *,
        image: Any = None,
        image_tail: Any = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        model_name: str = DEFAULT_MODEL,
        mode: str | None = None,
        resolution: str | None = None,
        duration: str | int | None = None,
        cfg_scale: float | str | None = None,
        sound: str | bool | None = None,
        voice_list: list[Any] | str | None = None,
        element_list: list[Any] | str | None = None,
        multi_shot: bool | str | None = None,
        shot_type: str | None = None,
        multi_prompt: list[dict[str, Any]] | str | None = None,
        static_mask: Any = None,
        dynamic_masks: list[dict[str, Any]] | str | None = None,
        camera_control: dict[str, Any] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        aspect_ratio: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image = image
        self.image_tail = image_tail
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.model_name = model_name
        self.mode = mode
        self.resolution = resolution
        self.duration = duration
        self.cfg_scale = cfg_scale
        self.sound = sound
        self.voice_list = voice_list
        self.element_list = element_list
        self.multi_shot, self.shot_type, self.multi_prompt = multi_shot, shot_type, multi_prompt
        self.static_mask, self.dynamic_masks = static_mask, dynamic_masks
        self.camera_control = camera_control
        self.watermark_info = watermark_info
        self.aspect_ratio = aspect_ratio


class KlingTextToVideoOperator(KlingTaskOperator):
    """
    Turn a prompt into a video: ``POST /v1/videos/text2video``, or ``POST /text-to-video/{model}``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingTextToVideoOperator`

    :param prompt: what happens, at most 2500 characters, with some models of the second generation 3072
        (templated).
    :param negative_prompt: what to avoid, at most 2500 characters (templated).
    :param model_name: default ``kling-v3``; models of both generations, see :ref:`howto/generations` (templated).
    :param mode: ``std`` (720p), ``pro`` (1080p) or ``4k`` (templated).
    :param resolution: ``720p``, ``1080p`` or ``4k``, another word for ``mode`` (templated).
    :param duration: seconds; 5 or 10, with kling-v3 3 to 15 (templated).
    :param aspect_ratio: ``16:9`` (Kling's default), ``9:16`` or ``1:1`` (templated).
    :param cfg_scale: 0 to 1, how closely to follow the prompt; not for kling-v2.x (templated).
    :param sound: ``on`` or ``off``; kling-v3, and kling-v2-6 in mode pro (templated).
    :param voice_list: at most 2 ``{"voice_id": ...}``; needs sound (templated).
    :param multi_shot: whether the video has several shots; kling-v3 (templated).
    :param shot_type: ``customize`` or ``intelligence``, with ``multi_shot`` (templated).
    :param multi_prompt: 1 to 6 ``{"index", "prompt", "duration"}`` that add up to ``duration`` (templated).
    :param camera_control: ``{"type", "config"}`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = TEXT2VIDEO

    def __init__(
        self,
        *,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        model_name: str = DEFAULT_MODEL,
        mode: str | None = None,
        resolution: str | None = None,
        duration: str | int | None = None,
        aspect_ratio: str | None = None,
        cfg_scale: float | str | None = None,
        sound: str | bool | None = None,
        voice_list: list[Any] | str | None = None,
        multi_shot: bool | str | None = None,
        shot_type: str | None = None,
        multi_prompt: list[dict[str, Any]] | str | None = None,
        camera_control: dict[str, Any] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.model_name = model_name
        self.mode = mode
        self.resolution = resolution
        self.duration = duration
        self.aspect_ratio = aspect_ratio
        self.cfg_scale = cfg_scale
        self.sound = sound
        self.voice_list = voice_list
        self.multi_shot, self.shot_type, self.multi_prompt = multi_shot, shot_type, multi_prompt
        self.camera_control = camera_control
        self.watermark_info = watermark_info
