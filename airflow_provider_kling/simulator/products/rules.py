"""Rules of single products that concern several fields.

Observed texts: those about the source, text, sound and speed of a lip sync, the ratio of an omni video and its sound
beside a video. The others were not observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.products.fields import ParsedBody

#: Kling documentation: maximum duration of an extended video, and what one call adds, in seconds.
LONGEST_EXTENSION: Final = 180
EXTENSION: Final = 5

#: Kling documentation: the models whose videos can be extended.
EXTENDABLE: Final = ("kling-v1", "kling-v1-5", "kling-v1-6")


def omni_video(parsed: ParsedBody) -> None:
    """Check frames, videos, ratio and shots of an omni video."""
    values = parsed.values
    images, videos = values["image_list"] or [], values["video_list"] or []
    frames = [item["type"] for item in images if item["type"]]
    if "end_frame" in frames and ("first_frame" not in frames or len(images) > 2):
        raise invalid("end_frame needs a first_frame and no more than 2 images")
    most = 4 if videos else 7
    if len(images) + len(values["element_list"] or []) > most:
        raise invalid(f"image_list and element_list cannot exceed {most} in total")
    if videos and values["sound"] == "on":
        raise invalid("sound on is not supported with video input")
    edits = bool(videos) and videos[0]["refer_type"] == "base"
    if edits and frames:
        raise invalid("first_frame and end_frame are not supported with a base video")
    if not values["aspect_ratio"] and not frames and not edits:
        raise invalid("Aspect ratio must be specified unless a first frame is provided or the task is video editing")
    _shots(values)
    _o1_durations(parsed, plain=not videos and (not images or bool(frames)))


def _shots(values: dict[str, Any]) -> None:
    customized = values["multi_shot"] and values["shot_type"] == "customize"
    if not customized and not values["prompt"]:
        raise invalid("prompt can not be null")
    if customized:
        shots = values["multi_prompt"] or []
        lengths = [int(shot["duration"]) for shot in shots if shot["duration"].isdecimal()]
        if len(lengths) != len(shots) or sum(lengths) != int(values["duration"]):
            raise invalid("the sum of multi_prompt durations must be equal to duration")


def _o1_durations(parsed: ParsedBody, *, plain: bool) -> None:
    seconds = int(parsed.values["duration"])
    if parsed.given.get("model_name", "kling-video-o1") != "kling-video-o1":
        return
    if seconds > 10:
        raise invalid(f"duration value '{seconds}' is invalid")
    if plain and seconds not in (5, 10):
        raise invalid("Duration only supports 5 or 10 seconds when no refer_image is provided")


def extension(parsed: ParsedBody) -> None:
    """Check the video to extend; set the duration of the result."""
    video_id = parsed.values["video_id"]
    parent = parsed.context.result(video_id)
    origin = (parent.recipe.get("origin") or parent.model) if parent else ""
    if parent is None or origin not in EXTENDABLE:
        raise invalid(f"video_id value '{video_id}' is invalid")
    seconds = parent.recipe["duration"] + EXTENSION
    if seconds > LONGEST_EXTENSION:
        raise invalid("the total duration can not exceed 3 minutes")
    parsed.values |= {"duration": str(seconds), "origin": origin}


def edited_images(parsed: ParsedBody) -> None:
    """Check the number of images of an edit."""
    allowed = {"addition": (1, 2), "swap": (1,), "removal": (0,)}[parsed.values["edit_mode"]]
    if len(parsed.values["image_list"] or []) not in allowed:
        raise invalid(f"image_list size is invalid for edit_mode {parsed.values['edit_mode']}")


def face_choose(parsed: ParsedBody) -> None:
    """Check the sound of a face."""
    chosen = parsed.values["face_choose"][0]
    if bool(chosen["audio_id"]) == bool(chosen["sound_file"]):
        raise invalid("face_choose[0].audio_id or face_choose[0].sound_file is required")
    if chosen["sound_end_time"] - chosen["sound_start_time"] < 2000:
        raise invalid("face_choose[0].sound_end_time must be at least 2000 after sound_start_time")


def lip_sync(parsed: ParsedBody) -> None:
    """Check source, text and sound of a lip sync; the texts were observed on 2026-09-28."""
    asked = parsed.values["input"]
    if not asked["mode"]:
        raise invalid("input.mode: must not be null")
    if not asked["video_id"] and not asked["video_url"]:
        raise invalid("video_id or video_url is required")
    if asked["mode"] == "text2video":
        if not asked["text"]:
            raise invalid("text is required")
        if not asked["voice_id"]:
            language = parsed.given["input"].get("voice_language")
            raise invalid("Voice id not found" if language else "Voice language not found")
        if not 0.8 <= asked["voice_speed"] <= 2.0:
            edge = "less than or equal to 2.0" if asked["voice_speed"] > 2 else "greater than or equal to 0.8"
            raise invalid(f"input.voiceSpeed: must be {edge}")
        return
    if not asked["audio_type"]:
        raise invalid("Audio type is null")
    if not asked[f"audio_{asked['audio_type']}"]:
        raise invalid(f"input.audio_{asked['audio_type']} can not be null")


def effect_images(parsed: ParsedBody) -> None:
    """Check that there is one image, or ``images`` with two."""
    asked = parsed.values["input"]
    if bool(asked["image"]) == bool(asked["images"]):
        raise invalid("input.image or input.images is required")
    if asked["images"] and len(asked["images"]) != 2:
        raise invalid("input.images size must be equal to 2")


def omni_image(parsed: ParsedBody) -> None:
    """Check the limits of kling-image-o1."""
    if parsed.given.get("model_name", "kling-image-o1") != "kling-image-o1":
        return
    if parsed.values["resolution"] == "4k":
        raise invalid("resolution value '4k' is invalid, allowed values: 1k, 2k")
    if parsed.values["result_type"] == "series":
        raise invalid("result_type value 'series' is invalid, allowed values: single")


def expansion(parsed: ParsedBody) -> None:
    """Check that the new area is at most three times the old one."""
    sides = {side: parsed.values[f"{side}_expansion_ratio"] for side in ("up", "down", "left", "right")}
    if (1 + sides["up"] + sides["down"]) * (1 + sides["left"] + sides["right"]) > 3:
        raise invalid("the expanded area can not exceed 3 times the original")


def element_inputs(parsed: ParsedBody) -> None:
    """Check the inputs of an element; look up the voice that it is bound to."""
    needed = {"image_refer": "element_image_list", "video_refer": "element_video_list"}
    name = needed[parsed.values["reference_type"]]
    if not parsed.values[name]:
        raise invalid(f"{name} can not be null")
    if voice_id := parsed.values["element_voice_id"]:
        parsed.values["voice"] = {"voice_id": voice_id, **parsed.context.voice(voice_id)}


RULES: Final[dict[str, Callable[[ParsedBody], None]]] = {
    "omni_video": omni_video,
    "extension": extension,
    "edited_images": edited_images,
    "face_choose": face_choose,
    "lip_sync": lip_sync,
    "effect_images": effect_images,
    "omni_image": omni_image,
    "expansion": expansion,
    "element_inputs": element_inputs,
}
