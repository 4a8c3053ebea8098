"""One operator for each Kling product, all on one base."""

from airflow_provider_kling.operators.batch import KlingImageToVideoBatchOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.operators.video import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.operators.video_item import KlingVideoItem

__all__ = [
    "KlingImageToVideoBatchOperator",
    "KlingImageToVideoOperator",
    "KlingTaskOperator",
    "KlingTextToVideoOperator",
    "KlingVideoItem",
]
