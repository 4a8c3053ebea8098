"""Validates requests of the second generation: the model is part of the path; unknown keys are ignored, as measured.

Observed texts: those of a wrong resolution, duration, audio mode and ratio, of a resolution that the model does not
have, of a missing ratio, of O1's durations and of a seed. The others were not observed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.media import magic_failure
from airflow_provider_kling.simulator.products.contents import VIDEOS, Contents, read_contents
from airflow_provider_kling.simulator.tasks import TaskRequest
from airflow_provider_kling.simulator.validation import choice, invalid, text, typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.validation import Body

RESOLUTIONS: Final = ("480p", "720p", "1080p", "4k")
RATIOS: Final = ("16:9", "9:16", "1:1")
SHORT_SIDES: Final = {"720p": 720, "1080p": 1080, "4k": 2160}
FPS: Final = 24
DEFAULT_SECONDS: Final = 5


@dataclass(frozen=True, kw_only=True)
class VideoSettings:
    """The object ``settings`` with its defaults.

    :param audio: ``native``, ``original`` or ``off``.
    """

    resolution: str
    seconds: int
    audio: str
    multi_shot: bool
    ratio: str


def task_request(name: str, row: Mapping[str, Any], body: Body, context: Context) -> TaskRequest:
    """Validate ``body`` for the function and model of ``row``.

    :param name: function and model, such as ``text-to-video/kling-3.0``.
    :raises KlingError: 1201.
    """
    contents = read_contents(body, row, context) if "contents" in row else Contents(prompt=_prompt(body, row))
    settings = _settings(typed(body, "settings", dict, {}), row, contents)
    _check_together(row, contents, settings)
    options = typed(body, "options", dict, {})
    watermark = typed(options, "watermark_info", dict, {}, label="options.watermark_info")
    rate = Decimal(_rate(row, contents, settings))
    model = name.partition("/")[2]
    return TaskRequest(
        product=name,
        model=model,
        counted_as=row.get("slots", model),
        pack="video",
        price=rate * settings.seconds,
        seconds=float(settings.seconds),
        external_task_id=typed(options, "external_task_id", str, label="options.external_task_id") or None,
        callback_url=typed(options, "callback_url", str, label="options.callback_url") or None,
        watermark=typed(watermark, "enabled", bool, False, label="options.watermark_info.enabled"),
        media=contents.media,
        kinds=contents.kinds,
        failure=magic_failure(contents.prompt),
        recipe=_recipe(row, contents, settings, rate),
    )


def _prompt(body: Body, row: Mapping[str, Any]) -> str:
    prompt = text(body, "prompt", row["prompt"])
    if not prompt.strip():
        raise invalid("prompt can not be null")
    return prompt


def _settings(given: Body, row: Mapping[str, Any], contents: Contents) -> VideoSettings:
    seed = given.get("seed")
    if seed is not None and type(seed) is not int:
        raise invalid(f"settings.seed value '{seed}' is invalid")
    if row.get("orientation") and not choice(
        given, "character_orientation", ("image", "video"), None, label="settings.character_orientation"
    ):
        raise invalid("settings.character_orientation can not be null")
    multi_shot = bool(row.get("multi_shot")) and typed(given, "multi_shot", bool, True, label="settings.multi_shot")
    return VideoSettings(
        resolution=_resolution(given, row),
        seconds=_seconds(given, row, contents),
        audio=_audio(given, row, contents),
        multi_shot=multi_shot,
        ratio=_ratio(given, row, contents),
    )


def _resolution(given: Body, row: Mapping[str, Any]) -> str:
    value: str = choice(given, "resolution", RESOLUTIONS, "720p", label="settings.resolution")
    if value not in row["resolutions"]:
        raise invalid(f"video resolution value '{value}' is invalid")
    return value


def _seconds(given: Body, row: Mapping[str, Any], contents: Contents) -> int:
    rule = row["durations"]
    value = given.get("duration")
    if "follows" in rule or value is None:
        return DEFAULT_SECONDS
    allowed = rule.get("of") or range(rule["from"], rule["to"] + 1)
    # Measured: numbers and strings of digits are accepted.
    digits = str(value)
    if isinstance(value, bool) or digits not in {str(seconds) for seconds in allowed}:
        raise invalid(f"duration value '{value}' is invalid")
    if int(digits) not in row.get("plain_durations", allowed) and not contents.count("refer_image", "element", *VIDEOS):
        raise invalid("Duration only supports 5 or 10 seconds when no refer_image is provided")
    return int(digits)


def _audio(given: Body, row: Mapping[str, Any], contents: Contents) -> str:
    # Measured by a public client on 2026-09-19: an unknown value is rejected on every path, also for 3.0 Turbo.
    given_mode = choice(given, "audio", ("native", "off", "original"), None, label="settings.audio")
    modes = row.get("audio", [])
    if modes == "always":
        return "native"
    if not modes:
        return "off"
    value: str = given_mode or modes[0]
    if value not in modes or (value == "original" and not contents.count(*VIDEOS)):
        raise invalid(f"audio mode '{value}' is not supported by the current model")
    return value


def _ratio(given: Body, row: Mapping[str, Any], contents: Contents) -> str:
    rule = row.get("ratio")
    if rule is None:
        return ""
    value = typed(given, "aspect_ratio", str, "", label="settings.aspect_ratio")
    if value and value not in RATIOS:
        raise invalid(f"aspect_ratio value '{value}' is invalid, supported values: {', '.join(RATIOS)}")
    if rule == "unless_framed":
        if not value and not contents.count("first_frame", *VIDEOS):
            raise invalid(
                "Aspect ratio must be specified unless a first frame is provided or the task is video editing"
            )
        return "" if contents.count("first_frame", "base_video") else value
    return value or RATIOS[0]


def _check_together(row: Mapping[str, Any], contents: Contents, settings: VideoSettings) -> None:
    if settings.audio == "native" and row.get("native_needs", settings.resolution) != settings.resolution:
        raise invalid(f"audio mode 'native' is only supported with resolution {row['native_needs']}")
    if contents.count("last_frame"):
        for name, wanted in row.get("last_frame_needs", {}).items():
            if getattr(settings, name) != wanted:
                raise invalid(f"content item of type 'last_frame' is only supported with {name} {wanted}")
    if contents.count("voice") and settings.audio == "off":
        raise invalid("content item of type 'voice' is not supported with audio off")
    if contents.count("base_video") and (contents.count("first_frame") or settings.audio == "native"):
        raise invalid("content item of type 'base_video' is not supported with frames or native audio")
    maximum = 4 if contents.count(*VIDEOS) else 7
    if contents.count("refer_image", "element") > maximum:
        raise invalid(f"content items of type 'refer_image' and 'element' cannot exceed {maximum} in total")


def _rate(row: Mapping[str, Any], contents: Contents, settings: VideoSettings) -> str:
    units = row["units"]
    kinds = {
        "voices": contents.count("voice") > 0,
        "video": contents.count(*VIDEOS) > 0,
        "native": settings.audio == "native",
        "silent": True,
    }
    kind = next(kind for kind, holds in kinds.items() if holds and kind in units)
    return str(units[kind][settings.resolution])


def _recipe(row: Mapping[str, Any], contents: Contents, settings: VideoSettings, rate: Decimal) -> dict[str, Any]:
    followed = contents.first(row["durations"].get("follows", "base_video"))
    return {
        "prompt": "" if contents.media else contents.prompt,
        "ratio": settings.ratio,
        "short_side": SHORT_SIDES[settings.resolution],
        "fps": FPS,
        "duration": settings.seconds,
        "sound": settings.audio != "off",
        "multi_shot": settings.multi_shot,
        "first": contents.first("first_frame", "image", "base_video", "refer_image", "feature_video"),
        "last": contents.first("last_frame"),
        **({"follows": followed, "rate": str(rate), "block": 1} if followed else {}),
    }
