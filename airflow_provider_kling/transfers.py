"""An operator that copies finished results to object storage."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME, UI_COLOR
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.preparation.task_argument import read_manifest, task_ref_of
from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import is_omitted
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.utils._airflow.asset_events import describe_outlets
from airflow_provider_kling.utils.no_value import is_rendered_none
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.sdk import Context

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.hooks import KlingHook


class KlingToObjectStorageOperator(BaseOperator):
    """
    Copy a finished task's results to any ``ObjectStoragePath``: ``s3://``, ``gs://``, ``file://`` and others.

    The task is read again first (free), so its links are fresh. Each result is streamed, checked (file type,
    completeness, duration) and written whole or not at all; running it again replaces each file with the same bytes.
    Returns the manifest with ``files``: uri, bytes, sha256, content_type and duration of each.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingToObjectStorageOperator`

    :param kling_task_id: Kling's task id or an ``external_task_id`` (templated).
    :param manifest: what an operator or the sensor returned, instead of ``kling_task_id``; also as the text that a
        template makes of it (templated).
    :param output_uri: target, a URI, an absolute path or a path object. With a slash at its end it is a folder and the
        file is called ``{task_id}_{index}.{ext}``; the three placeholders may also be used anywhere in it (templated).
    :param endpoint: the product; taken from the manifest when there is one; default ``image2video`` (templated).
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param output_conn_id: Airflow connection of the storage; it may also be part of the URI (``s3://conn@bucket/``).
    :param duration: seconds that the video should play, a number, the same as text or a ``timedelta``, when that is to
        be checked (templated).
    """

    template_fields: Sequence[str] = (
        "kling_task_id",
        "manifest",
        "output_uri",
        "endpoint",
        "kling_conn_id",
        "duration",
    )
    ui_color = UI_COLOR
    operator_extra_links = (KlingResultLink(),)

    def __init__(
        self,
        *,
        output_uri: Any,
        kling_task_id: str | None = None,
        manifest: dict[str, Any] | str | None = None,
        endpoint: str = DEFAULT_ENDPOINT,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        output_conn_id: str | None = None,
        duration: str | float | timedelta | None = None,
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
        #: What the transfer returns, for its link.
        self.kling_result: dict[str, Any] | None = None

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this task."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Store each result; return the manifest.

        :raises KlingValidationError: when no task is given, or nothing can be stored there.
        :raises KlingResultError: when there is no result yet, or it is not what was requested.
        :raises KlingStorageError: when the storage refuses; a retry continues.
        """
        from airflow_provider_kling.results.storage import store, stored_line
        from airflow_provider_kling.results.targets import check_target

        self.output_conn_id = arguments.connection("output_conn_id", self.output_conn_id)
        output_uri = check_target(self.output_uri, self.output_conn_id)
        duration = seconds_of(self.duration)
        manifest = manifest_of(self.manifest)
        which = self._named(manifest)
        task = self.hook.get_task(which.task_id, which.endpoint)
        task = polling.require_success(task, polling.Event("error", task.task_id, "it has no result to store yet"))
        files = store(self.hook, task, output_uri, conn_id=self.output_conn_id, duration=duration)
        self.log.info("%s; Kling charged %s units", stored_line(files), clean_text(task.units, 40) or "unknown")
        self.kling_result = {**task.manifest(model_name=manifest.get("model_name") or ""), "files": files}
        describe_outlets(self, context, self.kling_result)
        return self.kling_result

    def _named(self, manifest: Mapping[str, Any]) -> TaskRef:
        """Which task, and of which product."""
        given = manifest.get("task_id") if is_omitted(self.kling_task_id) else self.kling_task_id
        if given is None:
            raise KlingValidationError(["Give kling_task_id, or a manifest with a task_id: neither names a task."])
        return task_ref_of(given, manifest.get("endpoint") or self.endpoint)


def manifest_of(value: Any) -> dict[str, Any]:
    """
    Return a manifest as a dict.

    :param value: what an operator returned, or the text that a template made of it: Python's, or JSON.
    :raises KlingValidationError: when it is neither.
    """
    if value is None or is_rendered_none(value) or (isinstance(value, str) and not value.strip()):
        return {}
    read = read_manifest(value)
    if read is None:
        raise KlingValidationError(
            [f"Give manifest what an operator or the sensor returned: {named('manifest', value)} is none."]
        )
    words = {name: read.get(name) for name in ("task_id", "endpoint", "model_name")}
    wrong = [name for name, word in words.items() if not isinstance(word, (str, int, type(None)))]
    if wrong:
        raise KlingValidationError([f"Give manifest as an operator returned it: its {wrong[0]} is no text."])
    return {name: str(word).strip() for name, word in words.items() if word is not None}


def seconds_of(value: Any) -> float | None:
    """
    Return the seconds that a video should play, or ``None`` when that is not to be checked.

    :param value: a number, the same as text (also ``10s``), a ``timedelta``, or ``None``.
    :raises KlingValidationError: for anything else, because a requested check must not be skipped.
    """
    if value is None:
        return None
    return arguments.seconds("duration", convert.duration(value), minimum=1)
