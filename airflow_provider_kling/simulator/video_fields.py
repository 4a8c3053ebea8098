"""Validates the classic ``image2video`` and ``text2video`` bodies.

Accepted, because no source says what Kling does: a missing ``prompt`` of image2video, ``cfg_scale`` on models that do
not use it, and masks whose size differs from the image. ``aspect_ratio`` of image2video, ``model`` and unknown keys are
ignored, as measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.media import magic_failure
from airflow_provider_kling.simulator.prices import video_units
from airflow_provider_kling.simulator.tasks import TaskRequest
from airflow_provider_kling.simulator.validation import Body, choice, invalid, number, text, typed, url_or_base64

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.catalogue import Catalogue
    from airflow_provider_kling.simulator.context import Context

DEFAULT_MODEL: Final = "kling-v1"
MODES: Final = ("std", "pro", "4k")
RATIOS: Final = ("16:9", "9:16", "1:1")
CAMERA_TYPES: Final = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_AXES: Final = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
MAX_PROMPT: Final = 2500


@dataclass(frozen=True)
class Combination:
    """Model, mode and duration of a request, and the features that they support."""

    model: str
    mode: str
    duration: str
    allows: frozenset[str]

    def not_supported_with(self, feature: str) -> KlingError:
        """The error for a feature that the combination does not support."""
        return invalid(f"model/mode/duration({self.model}/{self.mode}/{self.duration}) is not supported with {feature}")


def image2video(body: Body, context: Context) -> TaskRequest:
    """Validate a classic image2video request."""
    combination = _read_combination(body, "image2video", context)
    media = {role: value for role in ("image", "image_tail") if (value := url_or_base64(body, role))}
    if not media:
        raise invalid("image can not be null")
    _check_frames(media, combination)
    masks = _check_masks(body, combination, context)
    camera = _check_camera(body, combination)
    if sum((("image_tail" in media), masks, camera)) > 1:
        raise invalid("image_tail, static_mask/dynamic_masks and camera_control are mutually exclusive")
    prompt = _check_prompt(body, combination, required=False)
    voices = _check_voices(body, combination)
    elements = _check_elements(body, combination, context)
    if voices and elements:
        raise invalid("element_list and voice_list are mutually exclusive")
    sound = _check_sound(body, combination, voices=voices)
    if sound and "image_tail" in media and "end_frame_silent" in combination.allows:
        raise combination.not_supported_with("image_tail and sound")
    return _task_request(
        body, "image2video", combination, context, prompt=prompt, sound=sound, voices=voices, media=media
    )


def text2video(body: Body, context: Context) -> TaskRequest:
    """Validate a classic text2video request."""
    combination = _read_combination(body, "text2video", context)
    ratio = typed(body, "aspect_ratio", str, "16:9")
    if ratio not in RATIOS:
        raise invalid(f"aspect_ratio value '{ratio}' is invalid, supported values: {', '.join(RATIOS)}")
    _check_camera(body, combination)
    prompt = _check_prompt(body, combination, required=True)
    voices = _check_voices(body, combination)
    sound = _check_sound(body, combination, voices=voices)
    return _task_request(
        body, "text2video", combination, context, prompt=prompt, sound=sound, voices=voices, ratio=ratio
    )


def _task_request(
    body: Body, product: str, combination: Combination, context: Context, *, prompt: str, sound: bool, voices: bool,
    media: dict[str, str] | None = None, ratio: str = "",
) -> TaskRequest:  # fmt: skip
    text(body, "negative_prompt", MAX_PROMPT)
    number(body, "cfg_scale", 0, 1)
    watermark = typed(body, "watermark_info", dict, {})
    model, seconds = context.catalogue.models[combination.model], int(combination.duration)
    return TaskRequest(
        product=product,
        model=combination.model,
        pack="video",
        price=video_units(
            context.catalogue,
            model=combination.model,
            mode=combination.mode,
            duration=seconds,
            sound=sound,
            voices=voices,
        ),
        seconds=float(seconds),
        external_task_id=typed(body, "external_task_id", str) or None,
        callback_url=typed(body, "callback_url", str) or None,
        watermark=typed(watermark, "enabled", bool, False, label="watermark_info.enabled"),
        media=media or {},
        failure=magic_failure(prompt),
        recipe={
            # Empty with an image: the prompt is not shown then, and tasks with one image share the rendered file.
            "prompt": "" if media else prompt,
            "ratio": ratio,
            "short_side": model.short_side[combination.mode],
            "fps": model.fps[product],
            "duration": seconds,
            "sound": sound,
        },
    )


def _read_combination(body: Body, product: str, context: Context) -> Combination:
    model = typed(body, "model_name", str, DEFAULT_MODEL)
    _check_model(model, product, context.catalogue)
    if context.refuse_retired and context.catalogue.models[model].retired:
        raise context.discontinued(model)
    mode = typed(body, "mode", str, "std")
    if mode not in MODES:
        raise invalid(f"mode value '{mode}' is invalid")
    duration = typed(body, "duration", str, "5")
    if duration not in {str(seconds) for seconds in range(3, 16)}:
        raise invalid(f"duration value '{duration}' is invalid")
    allows = context.catalogue.capabilities.get((model, product, mode, duration))
    if allows is None:
        raise invalid(f"model/mode/duration({model}/{mode}/{duration}) is not supported")
    return Combination(model, mode, duration, allows)


def _check_model(model: str, product: str, catalogue: Catalogue) -> None:
    if model in catalogue.models_of(product):
        return
    if model in catalogue.models or model in catalogue.other_models - catalogue.unknown_to_videos:
        raise KlingError(1203, "not supported for this API")
    raise invalid("model is not supported")


def _check_frames(media: dict[str, str], combination: Combination) -> None:
    if "image_tail" not in media:
        return
    if not combination.allows & {"end_frame", "end_frame_silent"}:
        raise combination.not_supported_with("image_tail")
    if "image" not in media and "end_frame_only" not in combination.allows:
        raise combination.not_supported_with("image_tail only")


def _check_masks(body: Body, combination: Combination, context: Context) -> bool:
    static = url_or_base64(body, "static_mask")
    dynamic = typed(body, "dynamic_masks", list, [])
    if not static and not dynamic:
        return False
    if not context.catalogue.allows(combination.model, "image2video", "motion_brush"):
        raise invalid(f"{combination.model} is not supported with motion brush")
    if "motion_brush" not in combination.allows:
        raise combination.not_supported_with("motion brush")
    if len(dynamic) > 6:
        raise invalid("dynamic_masks size must be less than or equal to 6")
    for index, item in enumerate(dynamic):
        _check_dynamic_mask(item, f"dynamic_masks[{index}]")
    return True


def _check_dynamic_mask(item: Any, label: str) -> None:
    if not isinstance(item, dict):
        raise invalid(f"{label} value type is invalid, expected object")
    if not url_or_base64(item, "mask", label=f"{label}.mask"):
        raise invalid(f"{label}.mask can not be null")
    points = typed(item, "trajectories", list, [], label=f"{label}.trajectories")
    if not 2 <= len(points) <= 77:
        raise invalid(f"{label}.trajectories size must be between 2 and 77")
    for point in points:
        if not isinstance(point, dict) or not all(type(point.get(axis)) is int for axis in ("x", "y")):
            raise invalid(f"{label}.trajectories value type is invalid, expected integer x and y")


def _check_camera(body: Body, combination: Combination) -> bool:
    camera = typed(body, "camera_control", dict)
    if camera is None:
        return False
    kind = choice(camera, "type", CAMERA_TYPES, None, label="camera_control.type")
    features = {"camera_control", "camera_control_simple"}
    if not combination.allows & features or ("camera_control" not in combination.allows and kind != "simple"):
        raise invalid("camera_control is only supported in std mode with 5s duration and kling-v1")
    _check_camera_config(camera, kind)
    return True


def _check_camera_config(camera: Body, kind: str | None) -> None:
    config = typed(camera, "config", dict, label="camera_control.config")
    if kind != "simple":
        if config is not None:
            raise invalid("camera_control.config is only supported when camera_control.type is simple")
        return
    if config is None:
        raise invalid("camera_control.config is required when camera_control.type is simple")
    values = [number(config, axis, -10, 10, label=f"camera_control.config.{axis}") for axis in CAMERA_AXES]
    if sum(1 for value in values if value) != 1:
        raise invalid("camera_control.config must have exactly one non-zero value")


def _check_prompt(body: Body, combination: Combination, *, required: bool) -> str:
    if not typed(body, "multi_shot", bool, False):
        return _prompt(body, required=required)
    if "multi_shot" not in combination.allows:
        raise combination.not_supported_with("multi_shot")
    kind = choice(body, "shot_type", ("customize", "intelligence"), None)
    if kind is None:
        raise invalid("shot_type can not be null")
    if kind == "intelligence":
        return _prompt(body, required=True)
    return _check_shots(typed(body, "multi_prompt", list, []), int(combination.duration))


def _prompt(body: Body, *, required: bool) -> str:
    prompt = text(body, "prompt", MAX_PROMPT)
    if required and not prompt.strip():
        raise invalid("prompt can not be null")
    return prompt


def _check_shots(shots: list[Any], duration: int) -> str:
    if not 1 <= len(shots) <= 6:
        raise invalid("multi_prompt size must be between 1 and 6")
    total = 0
    for position, shot in enumerate(shots, start=1):
        label = f"multi_prompt[{position - 1}]"
        if not isinstance(shot, dict):
            raise invalid(f"{label} value type is invalid, expected object")
        if typed(shot, "index", int, label=f"{label}.index") != position:
            raise invalid(f"{label}.index value '{shot.get('index')}' is invalid")
        text(shot, "prompt", 512, label=f"{label}.prompt")
        seconds = typed(shot, "duration", str, "", label=f"{label}.duration")
        if not (seconds.isascii() and seconds.isdecimal() and int(seconds) >= 1):
            raise invalid(f"{label}.duration value '{seconds}' is invalid")
        total += int(seconds)
    if total != duration:
        raise invalid("the sum of multi_prompt durations must be equal to duration")
    return " / ".join(str(shot.get("prompt", "")) for shot in shots)


def _check_voices(body: Body, combination: Combination) -> bool:
    voices = typed(body, "voice_list", list, [])
    if not voices:
        return False
    if "voices" not in combination.allows:
        raise combination.not_supported_with("voice_list")
    if len(voices) > 2:
        raise invalid("voice_list size must be less than or equal to 2")
    for index, item in enumerate(voices):
        if not isinstance(item, dict) or not typed(item, "voice_id", str, label=f"voice_list[{index}].voice_id"):
            raise invalid(f"voice_list[{index}].voice_id can not be null")
    return True


def _check_elements(body: Body, combination: Combination, context: Context) -> bool:
    elements = typed(body, "element_list", list, [])
    if not elements:
        return False
    if "elements" not in combination.allows:
        raise combination.not_supported_with("element_list")
    if len(elements) > 3:
        raise invalid("element_list size must be less than or equal to 3")
    for index, item in enumerate(elements):
        label = f"element_list[{index}].element_id"
        given = context.element_number(item.get("element_id")) if isinstance(item, dict) else None
        element = typed({"element_id": given}, "element_id", int, label=label)
        if element is None:
            raise invalid(f"{label} can not be null")
        if not context.knows_element(element):
            raise invalid(f"Element id not found: {element}")
    return True


def _check_sound(body: Body, combination: Combination, *, voices: bool) -> bool:
    sound: bool = choice(body, "sound", ("on", "off"), "off") == "on"
    if sound and "sound" not in combination.allows:
        raise combination.not_supported_with("sound")
    if voices and not sound:
        raise invalid("voice_list is only supported when sound is on")
    return sound
