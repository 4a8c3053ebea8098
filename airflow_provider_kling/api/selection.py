"""
Sessions in which areas of a video are marked, to be added to, swapped or removed by a multi-elements task; all free.

Source: multi-elements page of https://kling.ai/document-api, classic API, read 2026-11. Kling retired the only model on
2026-09-15; whether these paths still exist is not known, a relay may serve them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import values
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import KlingResponseError, KlingValidationError, error_details
from airflow_provider_kling.models.account import Selection
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.utils.untrusted import web_link

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.transport import Transport

PATH = "/v1/videos/multi-elements"

#: The most points in one frame.
MAX_POINTS = 10

Point = Sequence[float] | Mapping[str, float]


class Selections:
    """
    The sessions of one account; each lives a day. A call is repeated only where repeating it is known to do no harm.

    :param transport: the connection to the account.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(self, *, video_id: str = "", video_url: str = "") -> Selection:
        """
        Open a session on a video: of 2 to 5 or of 7 to 10 seconds, mp4 or mov.

        :param video_id: Kling's id of a video that it made.
        :param video_url: instead of it an https URL that Kling can open.
        :raises KlingValidationError: when not exactly one of them is given.
        """
        if bool(video_id) is bool(video_url):
            raise KlingValidationError(["Give video_id or video_url: a session is on one video."])
        body = {"video_id": video_id} if video_id else {"video_url": video_url}
        return read_selection(self._transport.send_once(Request("POST", f"{PATH}/init-selection", json=body)))

    def add(self, session_id: str, frame_index: int, points: Sequence[Point]) -> dict[str, Any]:
        """
        Mark an area by points in it.

        :param session_id: of :meth:`open`.
        :param frame_index: the frame, from 0.
        :param points: 1 to 10 of ``(x, y)`` or ``{"x", "y"}``, from 0 to 1 from the frame's top left corner.
        :return: what Kling says of the frame; its keys are not verified.
        :raises KlingValidationError: when they are no such points.
        """
        return self._send("add-selection", {"session_id": session_id, **build_mark(frame_index, points)})

    def remove(self, session_id: str, frame_index: int, points: Sequence[Point]) -> dict[str, Any]:
        """
        Unmark an area; arguments and result are those of :meth:`add`.

        :param session_id: of :meth:`open`.
        :param frame_index: the frame, from 0.
        :param points: in the area.
        """
        return self._send("delete-selection", {"session_id": session_id, **build_mark(frame_index, points)})

    def clear(self, session_id: str) -> None:
        """
        Unmark everything.

        :param session_id: of :meth:`open`.
        """
        _res(self._transport.read(Request("POST", f"{PATH}/clear-selection", json={"session_id": session_id})))

    def preview(self, session_id: str) -> dict[str, Any]:
        """
        Ask for a video of what is marked.

        :param session_id: of :meth:`open`.
        :return: what Kling says of it, links among it; its keys are not verified.
        """
        return _res(self._transport.read(Request("POST", f"{PATH}/preview-selection", json={"session_id": session_id})))

    def _send(self, call: str, body: dict[str, Any]) -> dict[str, Any]:
        return _res(self._transport.send_once(Request("POST", f"{PATH}/{call}", json=body)))


def build_mark(frame_index: int, points: Sequence[Point]) -> dict[str, Any]:
    """
    Return the part of a request that marks an area.

    :param frame_index: the frame, from 0.
    :param points: see :meth:`Selections.add`.
    :raises KlingValidationError: when it is none.
    """
    if isinstance(frame_index, bool) or not isinstance(frame_index, int) or frame_index < 0:
        raise KlingValidationError([f"Give frame_index as a whole number from 0: {named('frame_index', frame_index)}."])
    if not isinstance(points, (list, tuple)) or not 1 <= len(points) <= MAX_POINTS:
        raise KlingValidationError([f"Give points as a list of 1 to {MAX_POINTS}: {named('points', points)}."])
    return {"frame_index": frame_index, "points": [_point(index, point) for index, point in enumerate(points)]}


def _point(index: int, point: Any) -> dict[str, float]:
    pair = (point.get("x"), point.get("y")) if isinstance(point, dict) else point
    numbers = [values.number(part) for part in pair] if isinstance(pair, (list, tuple)) else []
    if len(numbers) != 2 or not all(number is not None and 0 <= number <= 1 for number in numbers):
        raise KlingValidationError(
            [f"Give points[{index}] as (x, y) from 0 to 1, from the top left: {named(f'points[{index}]', point)}."]
        )
    x, y = (float(number) for number in numbers if number is not None)
    return {"x": x, "y": y}


@raises_response_error
def read_selection(response: Response) -> Selection:
    """
    Read the session that was opened.

    :param response: to the call that opens one.
    :raises KlingResponseError: when there is none.
    """
    data = _checked(response)
    session_id = values.identifier(data.get("session_id"))
    if not session_id:
        raise _no_session(response)
    numbers = {name: values.number(data.get(name)) or 0 for name in ("fps", "original_duration", "total_frame")}
    return Selection(
        session_id=session_id,
        frames=int(numbers["total_frame"]),
        fps=float(numbers["fps"]),
        milliseconds=int(numbers["original_duration"]),
        width=int(values.number(data.get("width")) or 0),
        height=int(values.number(data.get("height")) or 0),
        video_url=web_link(data.get("normalized_video")),
    )


@raises_response_error
def _res(response: Response) -> dict[str, Any]:
    return values.json_object(_checked(response).get("res"))


def _checked(response: Response) -> dict[str, Any]:
    """Return the data of a response. It has a status of its own beside the code of the envelope, 0 for success."""
    data = values.json_object(response.data)
    if not data or values.number(data.get("status", 0)) != 0:
        raise _no_session(response)
    return data


def _no_session(response: Response) -> KlingResponseError:
    status = values.text(values.json_object(response.data).get("status"), 20) or "none"
    return KlingResponseError(
        f"Open another session: Kling does not go on with this one. Its status is {status}, 0 means success."
        f"{error_details(request_id=response.request_id)}",
        http_status=200,
        transient=False,
    )
