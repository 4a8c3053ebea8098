"""Copy finished results to storage that lasts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.provider_info import DEFAULT_CONN_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_kling.hooks import KlingHook


class KlingToObjectStorageOperator(BaseOperator):
    """
    Copy a finished task's results to any ``ObjectStoragePath``: ``s3://``, ``gs://``, ``file://`` and others.

    The task is read again first (free), so its links are fresh. Each result is streamed, checked (is it a video, is it
    whole, does it play as long as asked), written under a temporary name and renamed; running it again replaces each
    file with the same bytes. Returns the manifest with ``files``: uri, bytes, sha256, content_type and duration of
    each.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingToObjectStorageOperator`

    :param kling_task_id: Kling's task id or an ``external_task_id`` (templated).
    :param manifest: what an operator or the sensor returned, instead of ``kling_task_id`` (templated).
    :param output_uri: target. With a slash at its end it is a folder and the file is called
        ``{task_id}_{index}.{ext}``; the three placeholders may also stand anywhere in it (templated).
    :param endpoint: the product; taken from the manifest when there is one; default ``image2video`` (templated).
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param output_conn_id: Airflow connection of the storage; it may also stand in the URI (``s3://conn@bucket/``).
    :param duration: seconds that the video should play, when that is to be checked (templated).
    """

    template_fields: Sequence[str] = (
        "kling_task_id",
        "manifest",
        "output_uri",
        "endpoint",
        "kling_conn_id",
        "duration",
    )
    ui_color = "#e8f4d9"

    def __init__(
        self,
        *,
        output_uri: str,
        kling_task_id: str | None = None,
        manifest: dict[str, Any] | None = None,
        endpoint: str = "image2video",
        kling_conn_id: str = DEFAULT_CONN_NAME,
        output_conn_id: str | None = None,
        duration: str | int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kling_task_id = kling_task_id
        self.manifest = manifest
        self.output_uri = output_uri
        self.endpoint = endpoint
        self.kling_conn_id = kling_conn_id
        self.output_conn_id = output_conn_id
        self.duration = duration

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this task."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Store each result; return the manifest."""
        from airflow_provider_kling.storage import store

        manifest = self.manifest or {}
        kling_task_id = self.kling_task_id or manifest.get("task_id")
        if not kling_task_id:
            raise KlingValidationError(["kling_task_id and manifest are both empty: give one of them."])
        task = self.hook.get_task(kling_task_id, manifest.get("endpoint") or self.endpoint)
        task = polling.conclude(task, polling.Event("error", task.task_id, "it has no result to store yet"))
        files = store(
            self.hook,
            task,
            self.output_uri,
            conn_id=self.output_conn_id,
            duration=self.duration,
        )
        for file in files:
            self.log.info("Stored %s: %s bytes, sha256 %s", file["uri"], file["bytes"], file["sha256"])
        return {**task.manifest(model_name=manifest.get("model_name", "")), "files": files}
