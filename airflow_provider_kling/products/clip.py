"""The products that make a video of other videos, sounds or several images: one row each."""

from __future__ import annotations

import dataclasses

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import choice_field, list_field, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product
from airflow_provider_kling.products.video import RESOLUTION

#: The live models; Kling's own default for motion control is kling-v2-6, for multi-image to video a retired one.
DEFAULT_MOTION_MODEL = "kling-v3"
DEFAULT_OMNI_VIDEO_MODEL = "kling-v3-omni"
DEFAULT_MULTI_IMAGE_VIDEO_MODEL = "kling-v1-6"

# Paths, fields and limits: video pages of https://kling.ai/document-api, classic API, read 2026-11.

OMNI_VIDEO = Product(
    "omni-video",
    "/v1/videos/omni-video",
    fields=named_fields(
        *(
            "model_name",
            "prompt",
            "multi_shot",
            "shot_type",
            "multi_prompt",
            "image_list",
            "element_list",
            "video_list",
        ),
        *("sound", "mode", "resolution", "aspect_ratio", "duration", "watermark_info", *COMMON_FIELDS),
        image_list=list_field("image_list", "image", "image_url", 1, 7)._replace(convert=convert.frames),
        resolution=RESOLUTION,
    ),
    rules=(
        *("shots.prompt_needed", "shots.shots", "shots.references"),
        *("omni.frames", "omni.counts", "omni.videos", "omni.ratio", "omni.plain_durations", *COMMON_RULES),
    ),
    default_model=DEFAULT_OMNI_VIDEO_MODEL,
    # 3 s in mode std, measured by a public client in 2026-09.
    typical_seconds=83,
    counterpart="tasks/omni-video",
)

#: In the second generation. Its path is the classic name, so its endpoint says where its tasks are read.
OMNI_VIDEO_BY_MODEL = dataclasses.replace(
    OMNI_VIDEO,
    endpoint="tasks/omni-video",
    path="/omni-video",
    default_model="kling-3.0-omni",
    generation="v2",
    counterpart="omni-video",
)

VIDEO_EXTENSION = Product(
    "video-extend",
    "/v1/videos/video-extend",
    fields=named_fields("video_id", "prompt", "negative_prompt", "cfg_scale", "watermark_info", *COMMON_FIELDS),
    rules=("scalars.cfg_scale", *COMMON_RULES),
    required=("video_id",),
    notice="Check that the video is of a V1 model: video-extend takes no others, and Kling retired those on "
    "2026-09-15; a video is kept for 30 days.",
    default_model="",
    typical_seconds=0,
)

AVATAR = Product(
    "avatar/image2video",
    "/v1/videos/avatar/image2video",
    fields=named_fields(
        *("image", "audio_id", "sound_file", "prompt", "mode", "watermark_info", *COMMON_FIELDS),
        mode=choice_field("mode", ("std", "pro"), convert.mode),
    ),
    rules=COMMON_RULES,
    required=("image",),
    either=("audio_id", "sound_file"),
    default_model="",
    typical_seconds=0,
)

MOTION_CONTROL = Product(
    "motion-control",
    "/v1/videos/motion-control",
    fields=named_fields(
        *("model_name", "prompt", "image_url", "video_url", "keep_original_sound", "character_orientation", "mode"),
        *("resolution", "element_list", "watermark_info", *COMMON_FIELDS),
        mode=choice_field("mode", ("std", "pro"), convert.mode),
        resolution=choice_field("resolution", ("720p", "1080p"), convert.resolution),
    ),
    rules=("faces.one_element", "shots.references", *COMMON_RULES),
    required=("image_url", "video_url", "character_orientation", "mode"),
    default_model=DEFAULT_MOTION_MODEL,
    typical_seconds=0,
    counterpart="tasks/motion-control",
)

#: In the second generation, where Kling has a default for the quality.
MOTION_CONTROL_BY_MODEL = dataclasses.replace(
    MOTION_CONTROL,
    endpoint="tasks/motion-control",
    path="/motion-control",
    required=("image_url", "video_url", "character_orientation"),
    default_model="kling-3.0",
    generation="v2",
    counterpart="motion-control",
)

MULTI_IMAGE2VIDEO = Product(
    "multi-image2video",
    "/v1/videos/multi-image2video",
    fields=named_fields(
        *("model_name", "image_list", "prompt", "negative_prompt", "mode", "duration", "aspect_ratio"),
        *("watermark_info", *COMMON_FIELDS),
        image_list=list_field("image_list", "image", "image", 1, 4),
    ),
    rules=COMMON_RULES,
    required=("image_list", "prompt"),
    notice="Use omni-video for several images: Kling has retired multi-image2video (answered so on 2026-09-28).",
    default_model=DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
    typical_seconds=0,
)

EFFECTS = Product(
    "effects",
    "/v1/videos/effects",
    fields=named_fields("effect_scene", "input", "watermark_info", *COMMON_FIELDS),
    rules=COMMON_RULES,
    required=("effect_scene", "input"),
    default_model="",
    typical_seconds=0,
)

MULTI_ELEMENTS = Product(
    "multi-elements",
    "/v1/videos/multi-elements",
    fields=named_fields(
        *("model_name", "session_id", "edit_mode", "image_list", "prompt", "negative_prompt", "mode", "duration"),
        *("watermark_info", *COMMON_FIELDS),
        edit_mode=choice_field("edit_mode", ("addition", "swap", "removal")),
        image_list=list_field("image_list", "image", "image", 1, 2),
        mode=choice_field("mode", ("std", "pro"), convert.mode),
    ),
    rules=("references.edits", *COMMON_RULES),
    required=("session_id", "edit_mode", "prompt"),
    notice="Check that Kling still edits videos: kling-v1-6, the only model of multi-elements, was retired on "
    "2026-09-15. Use omni-video with a base video instead.",
    default_model=DEFAULT_MULTI_IMAGE_VIDEO_MODEL,
    typical_seconds=0,
)

#: What opens a session for it; free, and no product.
MULTI_ELEMENTS_SESSION = Product(
    "multi-elements/init-selection",
    "/v1/videos/multi-elements/init-selection",
    fields=named_fields("video_id", "video_url"),
    rules=("scalars.either", "scalars.shapes", "frames.contents"),
    either=("video_id", "video_url"),
    default_model="",
    typical_seconds=0,
    answers="result",
)

PRODUCTS = (
    OMNI_VIDEO,
    VIDEO_EXTENSION,
    AVATAR,
    MOTION_CONTROL,
    EFFECTS,
    MULTI_IMAGE2VIDEO,
    MULTI_ELEMENTS,
    OMNI_VIDEO_BY_MODEL,
    MOTION_CONTROL_BY_MODEL,
)
