"""Kling's audio products."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.links import KlingResultLink
from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.products.audio import TEXT_TO_SPEECH


class KlingTextToSpeechOperator(KlingAtOnceOperator):
    """
    Read a text aloud: ``POST /v1/audio/tts``, which answers with the sound.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingTextToSpeechOperator`

    :param text: what is said, at most 1000 characters (templated).
    :param voice_id: of the product's own catalogue, such as ``oversea_male1``; the voices of ``voice_list`` are others
        (templated).
    :param voice_language: ``zh`` or ``en`` (templated).
    :param voice_speed: 0.8 to 2; Kling's default is 1 (templated).
    :param on_doubt: what a lost answer leads to: ``fail`` (default) with a sentence that says where to look, without
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
