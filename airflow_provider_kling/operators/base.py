"""The base of all operators that submit: arguments, the hook, the XCom of a failure, and redacted images."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator

from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME, UI_COLOR
from airflow_provider_kling.operators import map_label
from airflow_provider_kling.plugins.links import remove_empty_button
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.results.failure import push_failure
from airflow_provider_kling.utils._airflow import grid_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Manifest
    from airflow_provider_kling.operators.task_arguments import OnClear
    from airflow_provider_kling.preparation.arguments import Validate
    from airflow_provider_kling.preparation.image_conversion import Fit
    from airflow_provider_kling.preparation.media_link import ImageBy


class KlingBaseOperator(BaseOperator):
    """
    Hold a Kling connection, and show images only as a summary.

    Not used by itself. Its arguments are documented by its subclasses, for a task and for a batch.

    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>`.
    :param extra_body: fields that this package does not know.
    :param image_conn_id: Airflow connection for images in object storage.
    :param fit: what is done with an image that Kling would refuse.
    :param image_by: how an image in object storage is sent.
    :param validate: what is done with a request that Kling would refuse.
    :param on_clear: whether a cleared task pays again.
    :param output_conn_id: Airflow connection of the storage of results.
    :param max_units: the most units that may be spent.
    :param max_run_usd: the most US dollars, at list price, that the Dag run may spend.
    """

    #: Attributes that may hold the content of an image. Their values, also those that Airflow rendered from a template,
    #: appear in rendered fields and logs only as a summary.
    redacted_fields: ClassVar[tuple[str, ...]] = ("extra_body",)

    #: Attributes that give a mapped task its label in the grid, those that hold files first.
    label_fields: ClassVar[tuple[str, ...]] = ()

    ui_color = UI_COLOR
    #: What the task returns, for :class:`~airflow_provider_kling.plugins.links.KlingResultLink`; known at its end.
    kling_result: Manifest | None = None

    #: Whether an earlier request may be paid, even if the current call is refused.
    may_be_paid: bool = False

    def __init__(
        self,
        *,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        extra_body: dict[str, Any] | None = None,
        image_conn_id: str | None = None,
        fit: Fit = "refuse",
        image_by: ImageBy = "content",
        validate: Validate = "strict",
        on_clear: OnClear = "reuse",
        output_conn_id: str | None = None,
        max_units: float | None = None,
        max_run_usd: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kling_conn_id = kling_conn_id
        self.extra_body = extra_body
        self.image_conn_id = image_conn_id
        self.fit = fit
        self.image_by = image_by
        self.validate = validate
        self.on_clear = on_clear
        self.output_conn_id = output_conn_id
        self.max_units = max_units
        self.max_run_usd = max_run_usd
        # For a mapped task group. After super(), because it may be set in default_args.
        if self.map_index_template is None:
            self.map_index_template = map_label.TEMPLATE

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Map the operator; its tasks are labelled with :attr:`map_label` unless the Dag sets another template."""
        mapped: OperatorPartial = super().partial(**kwargs)
        # Airflow reads it from the mapped operator, not from the operators that it creates.
        if mapped.kwargs.get("map_index_template") is None:
            mapped.kwargs["map_index_template"] = map_label.TEMPLATE
        return mapped

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, redact_images(value) if name in self.redacted_fields else value)

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this task."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    @property
    def map_label(self) -> str:
        """The label of a mapped task in the grid, unless the Dag sets one: its file's name, else its prompt."""
        return map_label.label_of([getattr(self, name, None) for name in self.label_fields], self.task_id)

    def deferred_seconds(self, seconds: float) -> float:
        """
        Return how long a deferred wait may last: Airflow applies ``execution_timeout`` to workers only.

        :param seconds: the wait's own limit.
        :return: the shorter of the two; as for Airflow, a timeout of zero is none.
        """
        limit = self.execution_timeout
        return min(seconds, limit.total_seconds()) if limit else seconds

    def defer(self, **arguments: Any) -> NoReturn:
        """Leave the worker; see Airflow's ``BaseOperator.defer``."""
        remove_empty_button(self)
        super().defer(**arguments)

    def show_waiting_label(self) -> None:
        """Label a task that waits for a slot: in the grid it looks like one that Kling is working on, just deferred."""
        if self.map_index_template == map_label.TEMPLATE:
            grid_label.show(grid_label.waiting_label(self.map_label))

    @contextlib.contextmanager
    def _push_failure_on_error(self, context: Context) -> Iterator[None]:
        """Push the XCom ``failure`` when an error of the package ends the task."""
        try:
            yield
        except KlingError as error:
            push_failure(error, context, self._submitted_task_id())
            raise

    def _submitted_task_id(self) -> str | None:
        """Return Kling's task id, for an error that does not name it."""
        return None
