"""One operator for each Kling product, all on one base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.operators.video import KlingImageToVideoOperator, KlingTextToVideoOperator

if TYPE_CHECKING:
    from airflow_provider_kling.operators.asset import (
        KlingCustomElementOperator,
        KlingCustomVoiceOperator,
        KlingMultiShotOperator,
    )
    from airflow_provider_kling.operators.audio import (
        KlingTextToAudioOperator,
        KlingTextToSpeechOperator,
        KlingVideoToAudioOperator,
    )
    from airflow_provider_kling.operators.batch import KlingImageToVideoBatchOperator
    from airflow_provider_kling.operators.clip import (
        KlingAvatarOperator,
        KlingEffectsOperator,
        KlingMotionControlOperator,
        KlingMultiImageToVideoOperator,
        KlingOmniVideoOperator,
        KlingVideoExtensionOperator,
    )
    from airflow_provider_kling.operators.edit import KlingMultiElementsOperator
    from airflow_provider_kling.operators.face import (
        KlingIdentifyFaceOperator,
        KlingLipSyncOperator,
        KlingOneCallLipSyncOperator,
    )
    from airflow_provider_kling.operators.image import (
        KlingImageExpansionOperator,
        KlingImageGenerationOperator,
        KlingImageRecognitionOperator,
        KlingMultiImageToImageOperator,
        KlingOmniImageOperator,
        KlingVirtualTryOnOperator,
    )
    from airflow_provider_kling.operators.run_summary import KlingRunSummaryOperator
    from airflow_provider_kling.operators.solution import KlingSolutionOperator
    from airflow_provider_kling.operators.video_item import KlingVideoItem

__all__ = [
    "KlingAvatarOperator",
    "KlingCustomElementOperator",
    "KlingCustomVoiceOperator",
    "KlingEffectsOperator",
    "KlingIdentifyFaceOperator",
    "KlingImageExpansionOperator",
    "KlingImageGenerationOperator",
    "KlingImageRecognitionOperator",
    "KlingImageToVideoBatchOperator",
    "KlingImageToVideoOperator",
    "KlingLipSyncOperator",
    "KlingMotionControlOperator",
    "KlingMultiElementsOperator",
    "KlingMultiImageToImageOperator",
    "KlingMultiImageToVideoOperator",
    "KlingMultiShotOperator",
    "KlingOmniImageOperator",
    "KlingOmniVideoOperator",
    "KlingOneCallLipSyncOperator",
    "KlingRunSummaryOperator",
    "KlingSolutionOperator",
    "KlingTaskOperator",
    "KlingTextToAudioOperator",
    "KlingTextToSpeechOperator",
    "KlingTextToVideoOperator",
    "KlingVideoExtensionOperator",
    "KlingVideoItem",
    "KlingVideoToAudioOperator",
    "KlingVirtualTryOnOperator",
]

#: What most Dags do not need, by its module: every process of another operator would import it for nothing.
_LATER = {
    "KlingAvatarOperator": "clip",
    "KlingCustomElementOperator": "asset",
    "KlingCustomVoiceOperator": "asset",
    "KlingEffectsOperator": "clip",
    "KlingIdentifyFaceOperator": "face",
    "KlingImageExpansionOperator": "image",
    "KlingImageGenerationOperator": "image",
    "KlingImageRecognitionOperator": "image",
    "KlingImageToVideoBatchOperator": "batch",
    "KlingLipSyncOperator": "face",
    "KlingMotionControlOperator": "clip",
    "KlingMultiElementsOperator": "edit",
    "KlingMultiImageToImageOperator": "image",
    "KlingMultiImageToVideoOperator": "clip",
    "KlingMultiShotOperator": "asset",
    "KlingOmniImageOperator": "image",
    "KlingOmniVideoOperator": "clip",
    "KlingOneCallLipSyncOperator": "face",
    "KlingRunSummaryOperator": "run_summary",
    "KlingSolutionOperator": "solution",
    "KlingTextToAudioOperator": "audio",
    "KlingTextToSpeechOperator": "audio",
    "KlingVideoExtensionOperator": "clip",
    "KlingVideoItem": "video_item",
    "KlingVideoToAudioOperator": "audio",
    "KlingVirtualTryOnOperator": "image",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
