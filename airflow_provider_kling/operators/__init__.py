"""One operator for each Kling product, all on one base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.get_provider_info import OPERATORS

if TYPE_CHECKING:
    # For editors and type checkers, which do not run what is below.
    # isort: off
    from airflow_provider_kling.operators.asset import (
        KlingCustomElementOperator as KlingCustomElementOperator,
        KlingCustomVoiceOperator as KlingCustomVoiceOperator,
        KlingMultiShotOperator as KlingMultiShotOperator,
    )
    from airflow_provider_kling.operators.audio import (
        KlingTextToAudioOperator as KlingTextToAudioOperator,
        KlingTextToSpeechOperator as KlingTextToSpeechOperator,
        KlingVideoToAudioOperator as KlingVideoToAudioOperator,
    )
    from airflow_provider_kling.operators.batch import KlingImageToVideoBatchOperator as KlingImageToVideoBatchOperator
    from airflow_provider_kling.operators.clip import (
        KlingAvatarOperator as KlingAvatarOperator,
        KlingEffectsOperator as KlingEffectsOperator,
        KlingMotionControlOperator as KlingMotionControlOperator,
        KlingMultiImageToVideoOperator as KlingMultiImageToVideoOperator,
        KlingOmniVideoOperator as KlingOmniVideoOperator,
        KlingVideoExtensionOperator as KlingVideoExtensionOperator,
    )
    from airflow_provider_kling.operators.edit import KlingMultiElementsOperator as KlingMultiElementsOperator
    from airflow_provider_kling.operators.face import (
        KlingIdentifyFaceOperator as KlingIdentifyFaceOperator,
        KlingLipSyncOperator as KlingLipSyncOperator,
        KlingOneCallLipSyncOperator as KlingOneCallLipSyncOperator,
    )
    from airflow_provider_kling.operators.image import (
        KlingImageExpansionOperator as KlingImageExpansionOperator,
        KlingImageGenerationOperator as KlingImageGenerationOperator,
        KlingImageRecognitionOperator as KlingImageRecognitionOperator,
        KlingMultiImageToImageOperator as KlingMultiImageToImageOperator,
        KlingOmniImageOperator as KlingOmniImageOperator,
        KlingVirtualTryOnOperator as KlingVirtualTryOnOperator,
    )
    from airflow_provider_kling.operators.run_summary import KlingRunSummaryOperator as KlingRunSummaryOperator
    from airflow_provider_kling.operators.solution import KlingSolutionOperator as KlingSolutionOperator
    from airflow_provider_kling.operators.task import KlingTaskOperator as KlingTaskOperator
    from airflow_provider_kling.operators.video import (
        KlingImageToVideoOperator as KlingImageToVideoOperator,
        KlingTextToVideoOperator as KlingTextToVideoOperator,
    )
    from airflow_provider_kling.operators.video_item import KlingVideoItem as KlingVideoItem
    # isort: on

#: A process imports the operators that it uses, and no others.
_MODULES = {**OPERATORS, "KlingTaskOperator": "task", "KlingVideoItem": "video_item"}

__all__ = [*_MODULES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
