"""What all operators that submit share: the hook, what a failure leaves behind, and that no image's content shows."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.results.failure import push_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Manifest


class KlingBaseOperator(BaseOperator):
    """
    Hold a Kling connection, and show images only as a summary.

    Not used by itself.
    """

    #: Attributes that may hold the content of an image. Whatever is assigned to one of them, by the constructor or when
    #: Airflow has rendered its template, shows in rendered fields and logs only as a summary.
    redacted_fields: ClassVar[tuple[str, ...]] = ("extra_body",)

    ui_color = "#e8f4d9"
    kling_conn_id: str
    #: What the task returns, for :class:`~airflow_provider_kling.plugins.links.KlingResultLink`; known at its end.
    kling_result: Manifest | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, redact_images(value) if name in self.redacted_fields else value)

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this task."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    @contextlib.contextmanager
    def _failure_pushed(self, context: Context) -> Iterator[None]:
        """Leave the XCom ``failure`` when an error of the package ends the task."""
        try:
            yield
        except KlingError as error:
            push_failure(error, context, self._submitted_task_id())
            raise

    def _submitted_task_id(self) -> str | None:
        """Kling's task, for an error that does not name it."""
        return None
