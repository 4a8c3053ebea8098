"""Kling's products that make a video of other videos, sounds or several images."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products.clip import (
    AVATAR,
    DEFAULT_MOTION_MODEL,
    DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
    DEFAULT_OMNI_VIDEO_MODEL,
    EFFECTS,
    MOTION_CONTROL,
    MULTI_IMAGE2VIDEO,
    OMNI_VIDEO,
    VIDEO_EXTENSION,
)


class KlingOmniVideoOperator(KlingTaskOperator):
    """
    Make a video of words, images, elements and a video, or change one: ``POST /v1/videos/omni-video``, with a model of
    the second generation ``POST /omni-video/{model}``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingOmniVideoOperator`

    :param prompt: what happens, at most 2500 characters, with kling-3.0-omni 3072; ``<<<image_1>>>``,
        ``<<<video_1>>>`` and ``<<<element_1>>>`` name what is given (templated).
    :param model_name: default ``kling-v3-omni``; also ``kling-video-o1``, and of the second generation
        ``kling-3.0-omni`` and ``kling-o1`` (templated).
    :param image_list: ``{"image_url": ..., "type": ...}``, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`; the type is ``first_frame``,
        ``end_frame`` (or ``last_frame``), or left out (or ``refer_image``) (templated).
    :param video_list: one ``{"video_url": ..., "refer_type": ..., "keep_original_sound": ...}``; an https URL or a
        URI in object storage, 3 to 10 seconds; ``feature`` is a reference, ``base`` (Kling's default) is changed
        (templated). Beside a reference the second generation makes several shots.
    :param element_list: ``{"element_id": ...}``; with the images at most 7, beside a video 4 (templated).
    :param aspect_ratio: ``16:9``, ``9:16`` or ``1:1``; needed unless a first frame or a base video says it
        (templated).
    :param duration: seconds; 3 to 15, with an O1 model 3 to 10 (templated).
    :param mode: ``std``, ``pro`` or, with a V3 model, ``4k``; Kling's default is ``pro`` for classic models and ``std``
        in the second generation (templated).
    :param resolution: ``720p``, ``1080p`` or ``4k``, the same in other words (templated).
    :param sound: ``on`` (or ``native``) or ``off``; V3 models, not beside a video. ``original`` keeps the sound of the
        video (templated).
    :param multi_shot: whether the video has several shots; V3 models (templated).
    :param shot_type: ``customize`` or ``intelligence``, with ``multi_shot`` (templated).
    :param multi_prompt: 1 to 6 ``{"index", "prompt", "duration"}`` that add up to ``duration`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = OMNI_VIDEO

    def __init__(
        self,
        *,
        prompt: str | None = None,
        model_name: str = DEFAULT_OMNI_VIDEO_MODEL,
        image_list: list[Any] | str | None = None,
        video_list: list[Any] | str | None = None,
        element_list: list[Any] | str | None = None,
        aspect_ratio: str | None = None,
        duration: str | int | None = None,
        mode: str | None = None,
        resolution: str | None = None,
        sound: str | bool | None = None,
        multi_shot: bool | str | None = None,
        shot_type: str | None = None,
        multi_prompt: list[dict[str, Any]] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.prompt = prompt
        self.model_name = model_name
        self.image_list = image_list
        self.video_list = video_list
        self.element_list = element_list
        self.aspect_ratio = aspect_ratio
        self.duration = duration
        self.mode = mode
        self.resolution = resolution
        self.sound = sound
        self.multi_shot = multi_shot
        self.shot_type = shot_type
        self.multi_prompt = multi_prompt
        self.watermark_info = watermark_info


class KlingVideoExtensionOperator(KlingTaskOperator):
    """
    Add four to five seconds to a video of a V1 model: ``POST /v1/videos/video-extend``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingVideoExtensionOperator`

    Kling retired the models whose videos it takes on 2026-09-15: a warning says so.

    :param video_id: Kling's id of the video (not of its task): ``videos[0].id`` of a manifest; at most 30 days old
        (templated).
    :param prompt: what happens, at most 2500 characters (templated).
    :param negative_prompt: what to avoid, at most 2500 characters (templated).
    :param cfg_scale: 0 to 1, how closely to follow the prompt (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = VIDEO_EXTENSION

    def __init__(
        self,
        *,
        video_id: str | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        cfg_scale: float | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.cfg_scale = cfg_scale
        self.watermark_info = watermark_info


class KlingAvatarOperator(KlingTaskOperator):
    """
    Let a person in an image speak: ``POST /v1/videos/avatar/image2video``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingAvatarOperator`

    :param image: given as to :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param sound_file: an https URL, or a URI in object storage; mp3, wav, m4a or aac, at most 5 MB, 2 to 300
        seconds (templated).
    :param audio_id: Kling's id of a sound that it made, instead of ``sound_file`` (templated).
    :param prompt: how the person moves, at most 2500 characters (templated).
    :param mode: ``std`` (Kling's default) or ``pro`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = AVATAR

    def __init__(
        self,
        *,
        image: Any = None,
        sound_file: Any = None,
        audio_id: str | None = None,
        prompt: str | None = None,
        mode: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image = image
        self.sound_file = sound_file
        self.audio_id = audio_id
        self.prompt = prompt
        self.mode = mode
        self.watermark_info = watermark_info


class KlingMotionControlOperator(KlingTaskOperator):
    """
    Let a person in an image move as one in a video: ``POST /v1/videos/motion-control``, with a model of the second
    generation ``POST /motion-control/{model}``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingMotionControlOperator`

    :param image_url: the person, given as ``image`` to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param video_url: the motion: an https URL, or a URI in object storage; mp4 or mov, at most 100 MB, 3 to 30
        seconds (templated).
    :param character_orientation: ``image`` (the video has at most 10 seconds) or ``video``: whom the person's pose
        follows (templated).
    :param mode: ``std`` or ``pro``; in the second generation Kling's default is ``std`` (templated).
    :param resolution: ``720p`` or ``1080p``, the same in other words (templated).
    :param prompt: what is around, at most 2500 characters (templated).
    :param model_name: default ``kling-v3``; also ``kling-v2-6``, and of the second generation ``kling-3.0`` and
        ``kling-2.6`` (templated).
    :param keep_original_sound: whether the video's sound is kept; Kling's default is yes (templated).
    :param element_list: one ``{"element_id": ...}``; V3 models (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = MOTION_CONTROL

    def __init__(
        self,
        *,
        image_url: Any = None,
        video_url: Any = None,
        character_orientation: str | None = None,
        mode: str | None = None,
        resolution: str | None = None,
        prompt: str | None = None,
        model_name: str = DEFAULT_MOTION_MODEL,
        keep_original_sound: bool | str | None = None,
        element_list: list[Any] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_url = image_url
        self.video_url = video_url
        self.character_orientation = character_orientation
        self.mode = mode
        self.resolution = resolution
        self.prompt = prompt
        self.model_name = model_name
        self.keep_original_sound = keep_original_sound
        self.element_list = element_list
        self.watermark_info = watermark_info


class KlingMultiImageToVideoOperator(KlingTaskOperator):
    """
    Make a video of several images: ``POST /v1/videos/multi-image2video``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingMultiImageToVideoOperator`

    Kling has retired it: a warning says so. A relay may still serve it.

    :param image_list: 1 to 4 ``{"image": ...}``, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator` (templated).
    :param prompt: what happens, at most 2500 characters (templated).
    :param negative_prompt: what to avoid, at most 2500 characters (templated).
    :param model_name: default ``kling-v1-6`` (templated).
    :param mode: ``std`` (Kling's default) or ``pro`` (templated).
    :param duration: seconds, 5 or 10 (templated).
    :param aspect_ratio: ``16:9`` (Kling's default), ``9:16`` or ``1:1`` (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = MULTI_IMAGE2VIDEO

    def __init__(
        self,
        *,
        image_list: list[Any] | str | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        model_name: str = DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
        mode: str | None = None,
        duration: str | int | None = None,
        aspect_ratio: str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_list = image_list
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.model_name = model_name
        self.mode = mode
        self.duration = duration
        self.aspect_ratio = aspect_ratio
        self.watermark_info = watermark_info


class KlingEffectsOperator(KlingTaskOperator):
    """
    Put an image into one of Kling's effects: ``POST /v1/videos/effects``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingEffectsOperator`

    :param effect_scene: the effect, by its name in Kling's effect centre, such as ``squish``; the list changes
        (templated).
    :param input: ``{"image": ...}``, given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`; or ``{"images": [left, right]}`` for
        two persons, as https URLs or base64; some scenes also take ``duration``, ``mode`` and ``model_name``
        (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = EFFECTS

    def __init__(
        self,
        *,
        effect_scene: str | None = None,
        input: dict[str, Any] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.effect_scene = effect_scene
        self.input = input
        self.watermark_info = watermark_info
