"""Checks that concern one product: what its fields say together.

Observed texts: those about the source, text, sound and speed of a lip sync, the ratio of an omni video and its sound
beside a video. The others were not observed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.validation import bad

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.products.fields import Reading

#: Kling documentation: the most that a video is extended to, and what one call adds.
LONGEST_EXTENSION: Final = 180
EXTENSION: Final = 5

#: Kling documentation: the models whose videos can be extended.
EXTENDABLE: Final = ("kling-v1", "kling-v1-5", "kling-v1-6")


def omni_video(reading: Reading) -> None:
    """Frames, videos, ratio and shots of an omni video."""
    values = reading.values
    images, videos = values["image_list"] or [], values["video_list"] or []
    frames = [item["type"] for item in images if item["type"]]
    if "end_frame" in frames and ("first_frame" not in frames or len(images) > 2):
        raise bad("end_frame needs a first_frame and no more than 2 images")
    most = 4 if videos else 7
    if len(images) + len(values["element_list"] or []) > most:
        raise bad(f"image_list and element_list cannot exceed {most} in total")
    if videos and values["sound"] == "on":
        raise bad("sound on is not supported with video input")
    edits = bool(videos) and videos[0]["refer_type"] == "base"
    if edits and frames:
        raise bad("first_frame and end_frame are not supported with a base video")
    if not values["aspect_ratio"] and not frames and not edits:
        raise bad("Aspect ratio must be specified unless a first frame is provided or the task is video editing")
    _shots(values)
    _o1_durations(reading, plain=not videos and (not images or bool(frames)))


def _shots(values: dict[str, Any]) -> None:
    customized = values["multi_shot"] and values["shot_type"] == "customize"
    if not customized and not values["prompt"]:
        raise bad("prompt can not be null")
    if customized:
        shots = values["multi_prompt"] or []
        lengths = [int(shot["duration"]) for shot in shots if shot["duration"].isdecimal()]
        if len(lengths) != len(shots) or sum(lengths) != int(values["duration"]):
            raise bad("the sum of multi_prompt durations must be equal to duration")


def _o1_durations(reading: Reading, *, plain: bool) -> None:
    seconds = int(reading.values["duration"])
    if reading.given.get("model_name", "kling-video-o1") != "kling-video-o1":
        return
    if seconds > 10:
        raise bad(f"duration value '{seconds}' is invalid")
    if plain and seconds not in (5, 10):
        raise bad("Duration only supports 5 or 10 seconds when no refer_image is provided")


def extension(reading: Reading) -> None:
    """The video that is extended, and the length of the result."""
    video_id = reading.values["video_id"]
    parent = reading.context.result(video_id)
    origin = (parent.recipe.get("origin") or parent.model) if parent else ""
    if parent is None or origin not in EXTENDABLE:
        raise bad(f"video_id value '{video_id}' is invalid")
    seconds = parent.recipe["duration"] + EXTENSION
    if seconds > LONGEST_EXTENSION:
        raise bad("the total duration can not exceed 3 minutes")
    reading.values |= {"duration": str(seconds), "origin": origin}


def edited_images(reading: Reading) -> None:
    """How many images an edit needs."""
    allowed = {"addition": (1, 2), "swap": (1,), "removal": (0,)}[reading.values["edit_mode"]]
    if len(reading.values["image_list"] or []) not in allowed:
        raise bad(f"image_list size is invalid for edit_mode {reading.values['edit_mode']}")


def face_choose(reading: Reading) -> None:
    """The sound that a face speaks."""
    chosen = reading.values["face_choose"][0]
    if bool(chosen["audio_id"]) == bool(chosen["sound_file"]):
        raise bad("face_choose[0].audio_id or face_choose[0].sound_file is required")
    if chosen["sound_end_time"] - chosen["sound_start_time"] < 2000:
        raise bad("face_choose[0].sound_end_time must be at least 2000 after sound_start_time")


def lip_sync(reading: Reading) -> None:
    """Source, text and sound of a lip sync; the texts were observed on 2026-09-28."""
    asked = reading.values["input"]
    if not asked["mode"]:
        raise bad("input.mode: must not be null")
    if not asked["video_id"] and not asked["video_url"]:
        raise bad("video_id or video_url is required")
    if asked["mode"] == "text2video":
        if not asked["text"]:
            raise bad("text is required")
        if not asked["voice_id"]:
            language = reading.given["input"].get("voice_language")
            raise bad("Voice id not found" if language else "Voice language not found")
        if not 0.8 <= asked["voice_speed"] <= 2.0:
            edge = "less than or equal to 2.0" if asked["voice_speed"] > 2 else "greater than or equal to 0.8"
            raise bad(f"input.voiceSpeed: must be {edge}")
        return
    if not asked["audio_type"]:
        raise bad("Audio type is null")
    if not asked[f"audio_{asked['audio_type']}"]:
        raise bad(f"input.audio_{asked['audio_type']} can not be null")


def effect_images(reading: Reading) -> None:
    """One image, or two people."""
    asked = reading.values["input"]
    if bool(asked["image"]) == bool(asked["images"]):
        raise bad("input.image or input.images is required")
    if asked["images"] and len(asked["images"]) != 2:
        raise bad("input.images size must be equal to 2")


def omni_image(reading: Reading) -> None:
    """What one of the two models takes only."""
    if reading.given.get("model_name", "kling-image-o1") != "kling-image-o1":
        return
    if reading.values["resolution"] == "4k":
        raise bad("resolution value '4k' is invalid, allowed values: 1k, 2k")
    if reading.values["result_type"] == "series":
        raise bad("result_type value 'series' is invalid, allowed values: single")


def expansion(reading: Reading) -> None:
    """The new area is at most three times the old one."""
    sides = {side: reading.values[f"{side}_expansion_ratio"] for side in ("up", "down", "left", "right")}
    if (1 + sides["up"] + sides["down"]) * (1 + sides["left"] + sides["right"]) > 3:
        raise bad("the expanded area can not exceed 3 times the original")


def element_inputs(reading: Reading) -> None:
    """The inputs that the kind of an element needs, and the voice that it is bound to."""
    needed = {"image_refer": "element_image_list", "video_refer": "element_video_list"}
    name = needed[reading.values["reference_type"]]
    if not reading.values[name]:
        raise bad(f"{name} can not be null")
    if voice_id := reading.values["element_voice_id"]:
        reading.values["voice"] = {"voice_id": voice_id, **reading.context.voice(voice_id)}


RULES: Final[dict[str, Callable[[Reading], None]]] = {
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
