"""One operator for each Kling product, all on one base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.operators.video import KlingImageToVideoOperator, KlingTextToVideoOperator

if TYPE_CHECKING:
    from airflow_provider_kling.operators.audio import KlingTextToSpeechOperator
    from airflow_provider_kling.operators.batch import KlingImageToVideoBatchOperator
    from airflow_provider_kling.operators.image import KlingImageGenerationOperator
    from airflow_provider_kling.operators.video_item import KlingVideoItem

__all__ = [
    "KlingImageGenerationOperator",
    "KlingImageToVideoBatchOperator",
    "KlingImageToVideoOperator",
    "KlingTaskOperator",
    "KlingTextToSpeechOperator",
    "KlingTextToVideoOperator",
    "KlingVideoItem",
]

#: What most Dags do not need, by its module: every process of another operator would import it for nothing.
_LATER = {
    "KlingImageGenerationOperator": "image",
    "KlingImageToVideoBatchOperator": "batch",
    "KlingTextToSpeechOperator": "audio",
    "KlingVideoItem": "video_item",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
