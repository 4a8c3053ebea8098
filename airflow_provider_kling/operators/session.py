"""
Operators of products that work in a session on a video, which they open themselves when they are given a video.

The session is no part of what a task is known by: a retry would open another one, and pay for the same video again.
What counts is the video.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kling.exceptions import KlingError, KlingSubmissionInDoubtError, KlingValidationError
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.doubt import SentNote
from airflow_provider_kling.operators.state_files import store_of
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products.fields import omitted
from airflow_provider_kling.submission.protocol import Done

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.operators.doubt import Sending
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.products.product import Product

#: Key of the task state store, and of an XCom where there is no store: what is known of the session.
SESSION_KEY = "session"

#: Seconds after which a session is not used any more; at Kling it lives a day.
SESSION_SECONDS = 20 * 3600


class KlingSessionOperator(KlingTaskOperator):
    """
    Submit a task that works in a session on a video.

    Not used by itself.

    :param video_id: instead of ``session_id``: Kling's id of a video that it made (templated).
    :param video_url: or an https URL, or a URI in object storage, of mp4 or mov (templated).
    """

    #: The call that opens a session; it has the fields ``video_id`` and ``video_url``.
    opens: ClassVar[Product]
    session_id: str | None
    #: Arguments that are no fields of the product, and that a template may fill in.
    session_arguments: ClassVar[tuple[str, ...]] = ("video_id", "video_url")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.template_fields = (*cls.template_fields, *cls.session_arguments)

    def __init__(self, *, video_id: str | None = None, video_url: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.video_url = video_url
        self._video: Prepared | None = None

    def _prepare(self) -> Prepared:
        if all(map(omitted, (self.video_id, self.video_url))):
            return super()._prepare()
        if self._video is None and not omitted(self.session_id):
            raise KlingValidationError(["Keep session_id or the video: a session is on a video already."])
        from airflow_provider_kling.preparation.prepare import prepare

        fields = {"video_id": self.video_id, "video_url": self.video_url}
        self._video = prepare(self.opens, fields, validate=self.validate, image_conn_id=self.image_conn_id)
        # It stands for the session until there is one, and differs with the video.
        known = json.dumps(self._video.content, sort_keys=True)
        self.session_id = f"of-{hashlib.sha256(known.encode()).hexdigest()}"
        prepared = super()._prepare()
        return dataclasses.replace(prepared, content={**prepared.content, "session_id": self._video.content})

    def _send(self, prepared: Prepared, sending: Sending) -> Done:
        if self._video is None:
            return super()._send(prepared, sending)
        if sending.look_up_first:
            task = self.hook.find_task(sending.name, self.endpoint)
            if task is not None and task.status is not TaskStatus.FAILED:
                return Done(task, adopted=True, attempt=1)
        opened = self._opened(self._video, sending)
        return super()._send(dataclasses.replace(prepared, body=self._in_session(prepared.body, opened)), sending)

    def _opened(self, video: Prepared, sending: Sending) -> dict[str, Any]:
        """What is known of the session: of an earlier try, as long as it lives, or of one that is opened now."""
        note = SentNote(store_of(self, sending.context), self.log.warning, key=SESSION_KEY)
        kept = note.read() if note.is_possible else _pulled(sending.context)
        is_ours = kept.get("id") == sending.name
        if is_ours and kept.get("session") and time.time() < float(kept.get("at") or 0) + SESSION_SECONDS:
            return kept
        may_be_sent = (is_ours and not kept.get("session")) if note.is_possible else sending.may_be_sent
        if note.is_possible:
            note.keep({"id": sending.name})
        try:
            opened = self._open(video, sending, may_be_sent=may_be_sent)
        except KlingSubmissionInDoubtError:
            raise
        except KlingError:
            if not may_be_sent:
                note.forget()
            raise
        value = {"id": sending.name, "at": time.time(), **opened}
        if note.is_possible:
            note.keep_answer(value)
        else:
            # It survives the wait for a slot, and no retry.
            record.push(self, sending.context, SESSION_KEY, value)
        return value

    def _open(self, video: Prepared, sending: Sending, *, may_be_sent: bool) -> dict[str, Any]:
        """Open a session; the result has ``session``, its id, and is JSON."""
        raise NotImplementedError

    def _in_session(self, body: dict[str, Any], opened: dict[str, Any]) -> dict[str, Any]:
        """Return the request in a session that is open."""
        return {**body, "session_id": opened["session"]}


def _pulled(context: Context) -> dict[str, Any]:
    ti = context["ti"]
    value = ti.xcom_pull(task_ids=ti.task_id, key=SESSION_KEY, map_indexes=ti.map_index)
    return value if isinstance(value, dict) else {}
