"""Videos that are edited: what is marked in them is added to, swapped or removed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api.selection import build_mark
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.operators.session import KlingSessionOperator
from airflow_provider_kling.products import convert
from airflow_provider_kling.products.clip import (
    DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
    MULTI_ELEMENTS,
    MULTI_ELEMENTS_SESSION,
)
from airflow_provider_kling.products.convert import FieldEncodingError
from airflow_provider_kling.products.fields import is_omitted
from airflow_provider_kling.products.formatting import named

if TYPE_CHECKING:
    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.preparation.prepare import Prepared


class KlingMultiElementsOperator(KlingSessionOperator):
    """
    Add, swap or remove what is marked in a video: ``POST /v1/videos/multi-elements``.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingMultiElementsOperator`

    Kling retired its only model on 2026-09-15; a relay may serve it.

    Give the session of a video in which areas are marked
    (:class:`~airflow_provider_kling.api.selection.Selections`); or the video and the marks: opening a session and
    marking is free.

    :param session_id: of the video in which areas are marked; it lives a day (templated).
    :param video_id: instead of it Kling's id of a video that it made (templated).
    :param video_url: or an https URL, or a URI in object storage; mp4 or mov of 2 to 5 or 7 to 10 seconds (templated).
    :param marks: with a video a list of ``{"frame_index", "points"}``: the number of a frame, from 0, and 1 to 10
        points ``(x, y)`` in what is meant, from 0 to 1 from the frame's top left corner (templated).
    :param edit_mode: ``addition``, ``swap`` or ``removal`` (templated).
    :param image_list: what comes in, as images that are given as to
        :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`: one or two for ``addition``, one for
        ``swap``, none for ``removal`` (templated).
    :param prompt: what happens, at most 2500 characters (templated).
    :param negative_prompt: what to avoid, likewise (templated).
    :param model_name: default ``kling-v1-6`` (templated).
    :param mode: ``std`` (Kling's default) or ``pro`` (templated).
    :param duration: seconds: 5 for a video of 2 to 5 seconds, 10 for one of 7 to 10 (templated).
    :param watermark_info: ``{"enabled": True}`` for a second, watermarked result (templated).
    """

    product = MULTI_ELEMENTS
    session_product = MULTI_ELEMENTS_SESSION
    session_arguments = (*KlingSessionOperator.session_arguments, "marks")

    def __init__(
        self,
        *,
        session_id: str | None = None,
        edit_mode: str | None = None,
        image_list: list[Any] | str | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        model_name: str = DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
        mode: str | None = None,
        duration: str | int | None = None,
        watermark_info: dict[str, Any] | bool | None = None,
        marks: list[dict[str, Any]] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.session_id = session_id
        self.edit_mode = edit_mode
        self.image_list = image_list
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.model_name = model_name
        self.mode = mode
        self.duration = duration
        self.watermark_info = watermark_info
        self.marks = marks

    def _prepare(self) -> Prepared:
        self.marks = list(map(_mark, _listed(self.marks)))
        prepared = super()._prepare()
        if self._video is None:
            if self.marks:
                raise KlingValidationError(["Give marks together with a video: a session has its marks already."])
            return prepared
        return dataclasses.replace(prepared, content={**prepared.content, "marks": self.marks})

    def _open(self, video: Prepared, options: SendOptions, *, may_be_sent: bool) -> dict[str, Any]:
        selection = self.hook.selections.open(**video.body)
        for mark in self.marks or ():
            self.hook.selections.add(selection.session_id, **mark)  # type: ignore[arg-type]
        self.log.info(
            "Opened a session on a video of %d frames, with %d marks", selection.frames, len(self.marks or ())
        )
        return {"session": selection.session_id}


def _listed(marks: Any) -> list[Any]:
    if is_omitted(marks):
        return []
    try:
        read = convert.parse_json(marks)
    except FieldEncodingError as error:
        raise KlingValidationError([f"{error.advice.format(field='marks')}: marks {error.problem}."]) from None
    if not isinstance(read, (list, tuple)):
        raise KlingValidationError(
            [f"Give marks as a list of frames with points: {named('marks', marks)} is not a list."]
        )
    return list(read)


def _mark(mark: Any) -> dict[str, Any]:
    if not isinstance(mark, dict) or set(mark) != {"frame_index", "points"}:
        raise KlingValidationError([f"Give each mark frame_index and points, nothing else: {named('marks', mark)}."])
    return build_mark(**mark)
