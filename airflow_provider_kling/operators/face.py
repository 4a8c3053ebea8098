"""Faces in videos: they are found, and they speak."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products.face import IDENTIFY_FACE, LIP_SYNC, ONE_CALL_LIP_SYNC


class KlingIdentifyFaceOperator(KlingAtOnceOperator):
    """
    Find the faces in a video: ``POST /v1/videos/identify-face``, which answers with them.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingIdentifyFaceOperator`

    The manifest's ``task_id`` is the ``session_id`` of a lip sync, and lives a day; ``faces`` has ``face_id``,
    ``start_time`` and ``end_time`` in milliseconds.

    :param video_id: Kling's id of a video that it made in the last 30 days (templated).
    :param video_url: instead of it an https URL, or a URI in object storage; mp4 or mov, at most 100 MB, 2 to 60
        seconds, 720p or 1080p (templated).
    :param on_doubt: what a lost answer leads to: ``fail`` (default) with a sentence that says where to look, without
        retries; or ``resend``, which may pay twice.
    """

    product = IDENTIFY_FACE
    operator_extra_links = (KlingResultLink("Kling face"),)

    def __init__(self, *, video_id: str | None = None, video_url: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.video_url = video_url


class KlingLipSyncOperator(KlingTaskOperator):
    """
    Move the lips of a face to a sound: ``POST /v1/videos/advanced-lip-sync``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingLipSyncOperator`

    A ``sound_file`` is an https URL or a URI in object storage; mp3, wav, m4a or aac, at most 5 MB, 2 to 60
    seconds.

    :param session_id: of the faces that Kling found in a video; it lives a day (templated).
    :param face_choose: one ``{"face_id", "sound_file" or "audio_id", "sound_start_time", "sound_end_time",
        "sound_insert_time"}``, times in milliseconds; also ``sound_volume`` and ``original_audio_volume``, 0 to 2
        (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = LIP_SYNC

    def __init__(
        self,
        *,
        session_id: str | None = None,
        face_choose: list[dict[str, Any]] | str | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.session_id = session_id
        self.face_choose = face_choose
        self.watermark_info = watermark_info


class KlingOneCallLipSyncOperator(KlingTaskOperator):
    """
    Let the person in a video say a text, or move the lips to a sound: ``POST /v1/videos/lip-sync``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingOneCallLipSyncOperator`

    The older of Kling's two lip syncs: it finds the face itself, and is the one that reads a text.

    :param input: ``video_id`` or ``video_url``; and ``text`` (at most 120 characters) with ``voice_id``, and perhaps
        ``voice_language`` and ``voice_speed``; or ``audio_url`` (an https URL, or a URI in object storage); or
        ``audio_file`` (base64, at most 5 MB). ``mode`` and ``audio_type`` follow from that (templated).
    """

    product = ONE_CALL_LIP_SYNC

    def __init__(self, *, input: dict[str, Any] | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.input = input
