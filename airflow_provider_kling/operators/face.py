"""Faces in videos: they are found, and they speak."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingNoFaceError
from airflow_provider_kling.models import Face
from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.operators.session import KlingSessionOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products import prices
from airflow_provider_kling.products.convert import FieldEncodingError, faces
from airflow_provider_kling.products.face import IDENTIFY_FACE, LIP_SYNC, ONE_CALL_LIP_SYNC
from airflow_provider_kling.products.fields import is_omitted
from airflow_provider_kling.products.formatting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.preparation.prepare import Prepared

#: Stands for the face that is seen for the longest time, until the faces are known.
LONGEST = "longest"


class KlingIdentifyFaceOperator(KlingAtOnceOperator):
    """
    Find the faces in a video: ``POST /v1/videos/identify-face``, which returns them.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingIdentifyFaceOperator`

    The manifest's ``task_id`` is the ``session_id`` of a lip sync, and lives a day; ``faces`` has ``face_id``,
    ``start_time`` and ``end_time`` in milliseconds.

    :param video_id: Kling's id of a video that it made in the last 30 days (templated).
    :param video_url: instead of it an https URL, or a URI in object storage; mp4 or mov, at most 100 MB, 2 to 60
        seconds, 720p or 1080p (templated).
    :param on_doubt: what a lost response leads to: ``fail`` (default) with a sentence that says where to look, without
        retries; or ``resend``, which may pay twice.
    """

    product = IDENTIFY_FACE
    operator_extra_links = (KlingResultLink("Kling face"),)

    def __init__(self, *, video_id: str | None = None, video_url: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.video_url = video_url


class KlingLipSyncOperator(KlingSessionOperator):
    """
    Move the lips of a face to a sound: ``POST /v1/videos/advanced-lip-sync``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingLipSyncOperator`

    Give ``session_id`` and the ``face_id`` of a face that
    :class:`~airflow_provider_kling.operators.KlingIdentifyFaceOperator` has found; or a video, in which this operator
    finds the faces itself: that is a paid call of its own, and counts with it.

    A ``sound_file`` is an https URL or a URI in object storage; mp3, wav, m4a or aac, at most 5 MB, 2 to 60
    seconds.

    :param session_id: of the faces that Kling found in a video; it lives a day (templated).
    :param video_id: instead of it Kling's id of a video that it made in the last 30 days (templated).
    :param video_url: or an https URL, or a URI in object storage; mp4 or mov, at most 100 MB, 2 to 60 seconds, 720p or
        1080p (templated).
    :param face_choose: one ``{"face_id", "sound_file" or "audio_id", "sound_start_time", "sound_end_time",
        "sound_insert_time"}``, times in milliseconds; also ``sound_volume`` and ``original_audio_volume``, 0 to 2.
        With a video ``face_id`` may be left out: the face that is seen for the longest time is taken (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = LIP_SYNC
    session_product = IDENTIFY_FACE

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

    def _prepare(self) -> Prepared:
        if not all(map(is_omitted, (self.video_id, self.video_url))):
            with contextlib.suppress(FieldEncodingError):  # what is no list is refused below
                chosen = faces(self.face_choose)
                if isinstance(chosen, list) and all(isinstance(face, dict) for face in chosen):
                    self.face_choose = [{"face_id": LONGEST, **face} for face in chosen]
        return super()._prepare()

    def cost_of(self, body: Mapping[str, Any]) -> prices.Estimate:
        """Return what the lip sync costs at most, and the search for the faces where there is one."""
        cost = super().cost_of(body)
        return cost if self._video is None else prices.add_estimates(cost, self._cost_of_search())

    def _cost_of_search(self) -> prices.Estimate:
        return prices.estimate(self.session_product, {} if self._video is None else self._video.body)

    @property
    def paid_besides(self) -> Decimal | None:
        """US dollars at list price of the search, once it may be paid; Kling charges it in any case."""
        if all(map(is_omitted, (self.video_id, self.video_url))):
            return Decimal(0)
        # Where the video was not read, the task was resumed after its submission.
        is_searched = self.may_be_open or self._video is None
        return self._cost_of_search().usd if is_searched else Decimal(0)

    def _open(self, video: Prepared, options: SendOptions, *, may_be_sent: bool) -> dict[str, Any]:
        task = self.hook.submit(
            self.session_product.endpoint,
            video.body,
            external_task_id=options.name,
            look_up_first=may_be_sent,
            on_doubt=self.on_doubt,
            permit=options.permit,
        ).task
        found = task.of_kind(Face)
        self.log.info("Found %s in the video; Kling charged %s units", counted(len(found), "face"), task.units or "?")
        spans = [{"face_id": face.face_id, "milliseconds": face.end_time - face.start_time} for face in found]
        return {"session": task.task_id, "faces": spans}

    def _is_session(self, stored: dict[str, Any]) -> bool:
        found = stored.get("faces")
        return super()._is_session(stored) and isinstance(found, list) and all(map(_is_span, found))

    def _in_session(self, body: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
        if not session["faces"]:
            raise KlingNoFaceError("Give a video that shows a face: Kling found none in this one.")
        longest = max(session["faces"], key=lambda face: face["milliseconds"])["face_id"]
        chosen = [{**face, "face_id": longest} if face["face_id"] == LONGEST else face for face in body["face_choose"]]
        return {**super()._in_session(body, session), "face_choose": chosen}


def _is_span(face: Any) -> bool:
    """Whether it names a face and how long that is seen."""
    if not isinstance(face, dict):
        return False
    return isinstance(face.get("face_id"), str) and isinstance(face.get("milliseconds"), int)


class KlingOneCallLipSyncOperator(KlingTaskOperator):
    """
    Let the person in a video say a text, or move the lips to a sound: ``POST /v1/videos/lip-sync``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingOneCallLipSyncOperator`

    The older of Kling's two lip syncs: it finds the face itself, and is the one that reads a text.

    :param input: ``video_id`` or ``video_url``; and ``text`` (at most 120 characters) with ``voice_id``, and perhaps
        ``voice_language`` and ``voice_speed``; or ``audio_url`` (an https URL, or a URI in object storage); or
        ``audio_file`` (a path, a URI in object storage, bytes or base64 of a sound of at most 5 MB, which is sent as
        its content). ``mode`` and ``audio_type`` follow from that (templated).
    """

    product = ONE_CALL_LIP_SYNC

    def __init__(self, *, input: dict[str, Any] | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.input = input
