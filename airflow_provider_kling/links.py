"""The button on a task's page that opens its video."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.sdk import BaseOperatorLink
from airflow.sdk.execution_time.xcom import XCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class KlingResultLink(BaseOperatorLink):
    """
    Open the finished video at Kling.

    The link is Kling's own, signed, and dies 30 days after the task ended; a stored copy has no such end.
    """

    #: Where the link lives. Airflow fills it on the worker; a wait that ends in the triggerer fills it itself.
    XCOM_KEY: ClassVar[str] = "_link_KlingResultLink"

    name = "Kling video"

    @property
    def xcom_key(self) -> str:
        """The XCom that the UI reads."""
        return self.XCOM_KEY

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the link, or nothing while there is none. It never raises: that would hide every other link."""
        manifest = XCom.get_value(ti_key=ti_key, key="return_value")
        videos = manifest.get("videos") if isinstance(manifest, dict) else None
        return videos[0]["url"] if videos else ""
