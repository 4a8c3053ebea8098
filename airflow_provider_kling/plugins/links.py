"""The buttons on a task's page: its video, or the gallery of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperatorLink

from airflow_provider_kling.models import KINDS
from airflow_provider_kling.utils.ours import BATCH_LINK_KEY, RESULT_LINK_KEY, is_our_operator
from airflow_provider_kling.utils.untrusted import web_link

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class KlingResultLink(BaseOperatorLink):
    """
    Open the finished video, image or sound at Kling.

    The link is Kling's own. It is signed and expires 30 days after the task ended; a stored copy does not.

    :param name: what the button says.
    """

    #: Where the link lives. Airflow fills it on the worker; a wait that ends in the triggerer fills it itself.
    XCOM_KEY: ClassVar[str] = RESULT_LINK_KEY

    name = "Kling video"

    def __init__(self, name: str = "Kling video") -> None:
        self.name = name

    @property
    def xcom_key(self) -> str:
        """The XCom that the UI reads."""
        return self.XCOM_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the link, or nothing while there is none.

        Airflow asks for it in the process that ran the task, and keeps the answer in an XCom for the UI. What the task
        returns stands in the operator there: reading it back would be a request to Airflow for each task and deferral.
        """
        return link_of(getattr(operator, "kling_result", None))


def link_of(manifest: Any) -> str:
    """
    Return the link of a manifest's first result, or nothing.

    :param manifest: what a task returned; anything, since a Dag can push what it likes.
    """
    groups = [manifest.get(group) for group in KINDS] if isinstance(manifest, dict) else []
    result = next((group[0] for group in groups if isinstance(group, list) and group), None)
    links = (
        [result.get(name) for name in ("url", "url_wav", "trial_url", "image_url")] if isinstance(result, dict) else []
    )
    return web_link(next(filter(None, links), None))


def remove_empty_button(operator: Any) -> None:
    """
    Keep Airflow from pushing a link that there is not yet: a request to its API server that says nothing.

    To be called on a worker, before the task defers or returns without results.

    :param operator: the one that runs; it is a copy, the Dag's own keeps its buttons.
    """
    # The pages know a subclass with another name by the XCom of its button: that one is pushed.
    if is_our_operator(type(operator).__name__) and not link_of(getattr(operator, "kling_result", None)):
        links = operator.operator_extra_links
        operator.operator_extra_links = tuple(link for link in links if not isinstance(link, KlingResultLink))


class KlingBatchLink(BaseOperatorLink):
    """
    Open the gallery of the run that a batch is part of, from the moment that it is deferred.

    The manifest itself would be a ``file://`` or ``s3://`` address, and Airflow shows buttons for web addresses only.
    """

    #: Where the link lives; a worker fills it when it defers.
    XCOM_KEY: ClassVar[str] = BATCH_LINK_KEY

    name = "Kling gallery"

    @property
    def xcom_key(self) -> str:
        """The XCom that the UI reads."""
        return self.XCOM_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the gallery's address; nothing where there is none: before Airflow 3.1, or switched off."""
        from airflow_provider_kling.plugins.plugin import gallery_address

        return gallery_address(ti_key.dag_id, ti_key.run_id) if ti_key else ""
