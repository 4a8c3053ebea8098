"""Kling's audio products."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products.audio import TEXT_TO_AUDIO, TEXT_TO_SPEECH, VIDEO_TO_AUDIO


class KlingTextToSpeechOperator(KlingAtOnceOperator):
    """
    Read a text aloud: ``POST /v1/audio/tts``, which returns the sound.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingTextToSpeechOperator`

    :param text: what is said, at most 1000 characters (templated).
    :param voice_id: of the product's own catalogue, such as ``oversea_male1``; the voices of ``voice_list`` are others
        (templated).
    :param voice_language: ``zh`` or ``en`` (templated).
    :param voice_speed: 0.8 to 2; Kling's default is 1 (templated).
    :param on_doubt: what a lost response leads to: ``fail`` (default) with a sentence that says where to look, without
        retries; or ``resend``, which may pay twice.
    """

    product = TEXT_TO_SPEECH
    operator_extra_links = (KlingResultLink("Kling sound"),)

    def __init__(
        self,
        *,
        text: str | None = None,
        voice_id: str | None = None,
        voice_language: str | None = None,
        voice_speed: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.text = text
        self.voice_id = voice_id
        self.voice_language = voice_language
        self.voice_speed = voice_speed


class KlingTextToAudioOperator(KlingTaskOperator):
    """
    Make a sound effect of a prompt: ``POST /v1/audio/text-to-audio``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingTextToAudioOperator`

    The result is an MP3 and a WAV file.

    :param prompt: what is heard, at most 200 characters (templated).
    :param duration: seconds, 3 to 10, with one digit after the point (templated).
    """

    product = TEXT_TO_AUDIO
    operator_extra_links = (KlingResultLink("Kling sound"),)

    def __init__(
        self,
        *,
        prompt: str | None = None,
        duration: float | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.prompt = prompt
        self.duration = duration


class KlingVideoToAudioOperator(KlingTaskOperator):
    """
    Make a sound track for a video: ``POST /v1/audio/video-to-audio``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingVideoToAudioOperator`

    The video has 3 to 20 seconds.

    :param video_url: an https URL, or a URI in object storage; mp4 or mov, at most 100 MB (templated).
    :param video_id: Kling's id of a video that it made, instead of ``video_url`` (templated).
    :param sound_effect_prompt: which sounds are heard, at most 200 characters (templated).
    :param bgm_prompt: which music, at most 200 characters (templated).
    :param asmr_mode: whether small sounds come to the front (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = VIDEO_TO_AUDIO
    operator_extra_links = (KlingResultLink("Kling sound"),)

    def __init__(
        self,
        *,
        video_url: Any = None,
        video_id: str | None = None,
        sound_effect_prompt: str | None = None,
        bgm_prompt: str | None = None,
        asmr_mode: bool | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.video_url = video_url
        self.video_id = video_id
        self.sound_effect_prompt = sound_effect_prompt
        self.bgm_prompt = bgm_prompt
        self.asmr_mode = asmr_mode
        self.watermark_info = watermark_info
