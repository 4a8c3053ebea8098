"""One item of a batch, typed, so that editors complete its fields and type checkers find a misspelt one."""

from __future__ import annotations

from typing import Any, TypedDict


class KlingVideoItem(TypedDict, total=False):
    """
    The fields of one video in ``items`` of
    :class:`~airflow_provider_kling.operators.KlingImageToVideoBatchOperator`.

    All are optional here: ``defaults`` may fill them in. Their meaning and values are documented at
    :class:`~airflow_provider_kling.operators.KlingImageToVideoOperator`.
    """

    #: The item's name: of its line in the manifest, and of its file.
    key: str | int
    #: The product, where it is another one than that of the batch; its fields are others then.
    endpoint: str
    image: Any
    image_tail: Any
    prompt: str
    negative_prompt: str
    model_name: str
    mode: str
    resolution: str
    duration: str | int
    cfg_scale: float | str
    sound: str | bool
    voice_list: list[Any] | str
    element_list: list[Any] | str
    multi_shot: bool | str
    shot_type: str
    multi_prompt: list[dict[str, Any]] | str
    static_mask: Any
    dynamic_masks: list[dict[str, Any]] | str
    camera_control: dict[str, Any] | str
    watermark_info: dict[str, Any] | bool
    aspect_ratio: str
    callback_url: str
    external_task_id: str
