"""
Operators of products that work in a session on a video, which they open themselves when they are given a video.

The session is no part of a task's identity, the video is: a retry opens another session, and must not pay for the same
video again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kling.api import values
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.models import TaskStatus, is_time
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.stored_submission import StoredSubmission
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.operators.template_fields import GivenFields
from airflow_provider_kling.products.fields import is_omitted
from airflow_provider_kling.submission.protocol import Done

if TYPE_CHECKING:
    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.products.product import Product

#: Key of the session in the task state store, or of its XCom where there is no store.
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

    #: The product that opens a session; it has the fields ``video_id`` and ``video_url``.
    session_product: ClassVar[Product]
    session_id: str | None
    #: Arguments that are no fields of the product, and that a template may fill in.
    session_arguments: ClassVar[tuple[str, ...]] = ("video_id", "video_url")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.template_fields = GivenFields((*cls.template_fields, *cls.session_arguments))

    def __init__(self, *, video_id: str | None = None, video_url: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.video_id = video_id
        self.video_url = video_url
        self._video: Prepared | None = None
        #: Whether a session was opened, or may have been, in this try or before.
        self.may_be_open = False

    def _prepare(self) -> Prepared:
        if all(map(is_omitted, (self.video_id, self.video_url))):
            return super()._prepare()
        if self._video is None and not is_omitted(self.session_id):
            raise KlingValidationError(["Keep session_id or the video: a session is on a video already."])
        from airflow_provider_kling.preparation.prepare import prepare

        fields = {"video_id": self.video_id, "video_url": self.video_url}
        self._video = prepare(self.session_product, fields, validate=self.validate, image_conn_id=self.image_conn_id)
        # A placeholder until the session is open; it differs with the video.
        content = json.dumps(self._video.content, sort_keys=True)
        self.session_id = f"of-{hashlib.sha256(content.encode()).hexdigest()}"
        prepared = super()._prepare()
        return dataclasses.replace(prepared, content={**prepared.content, "session_id": self._video.content})

    def _send(self, prepared: Prepared, options: SendOptions) -> Done:
        if self._video is None:
            return super()._send(prepared, options)
        self.may_be_open = options.look_up_first
        if options.look_up_first:
            task = self.hook.find_task(options.name, self.endpoint)
            if task is not None and task.status is not TaskStatus.FAILED:
                return Done(task, adopted=True, attempt=1)
            # After a failed attempt there may be a second one, which is looked up when it is submitted.
            self.may_be_paid = task is not None
        session = self._session(self._video, options)
        self.may_be_open = True
        return super()._send(dataclasses.replace(prepared, body=self._in_session(prepared.body, session)), options)

    def _session(self, video: Prepared, options: SendOptions) -> dict[str, Any]:
        """Return the session of an earlier try while it lives, or open one."""
        store = StoredSubmission(self, options, key=SESSION_KEY)
        stored = store.read() if store.has_store else _pull_session(options)
        if store.is_empty:
            # Without a store a retry cannot know this, and the price of a session stays counted.
            self.may_be_open = False
        is_open = self._is_session(stored)
        if is_open and time.time() < stored["at"] + SESSION_SECONDS:
            return stored
        may_be_sent = store.may_be_sent({} if is_open else stored)
        store.save()
        with store.sending(may_be_sent=may_be_sent) as permit:
            opened = self._open(video, options._replace(permit=permit), may_be_sent=may_be_sent)
        session = {"at": time.time(), **opened}
        store.save_answer(**session)
        if not store.has_store:
            # It survives the wait for a slot, and no retry.
            record.push(self, options.context, SESSION_KEY, {"id": options.name, **session})
        return session

    def _open(self, video: Prepared, options: SendOptions, *, may_be_sent: bool) -> dict[str, Any]:
        """Open a session; the result has ``session``, its id, and is JSON."""
        raise NotImplementedError

    def _is_session(self, stored: dict[str, Any]) -> bool:
        """Whether an entry says all that :meth:`_open` returned, and when that was."""
        at = stored.get("at")
        return is_time(at) and at > 0 and bool(values.identifier(stored.get("session")))

    def _in_session(self, body: dict[str, Any], session: dict[str, Any]) -> dict[str, Any]:
        """Return the request in an open session."""
        return {**body, "session_id": session["session"]}


def _pull_session(options: SendOptions) -> dict[str, Any]:
    ti = options.context["ti"]
    value = ti.xcom_pull(task_ids=ti.task_id, key=SESSION_KEY, map_indexes=ti.map_index)
    return value if isinstance(value, dict) and value.get("id") == options.name else {}
