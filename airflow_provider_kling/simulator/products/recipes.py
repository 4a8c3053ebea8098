"""Converts validated values to a recipe: the input of the renderer, as plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

#: Characters per second of the simulated voice; like the next two, a choice of this simulator.
SPEECH_RATE: Final = 15
TRIAL_SECONDS: Final = 3.0
SERIES_WHEN_AUTO: Final = 4

SHORT_SIDES: Final = {"std": 720, "pro": 1080, "4k": 2160}
FPS: Final = 24

Values = Mapping[str, Any]
Media = Mapping[str, str]

#: ``video`` of the product's row, validated values, inputs by role -> recipe.
Recipe = Callable[[Values, Values, Media], dict[str, Any]]


def images(_video: Values, values: Values, media: Media) -> dict[str, Any]:
    """One image, or ``n`` of them."""
    return {
        "prompt": "" if media else values.get("prompt") or "",
        "ratio": values.get("aspect_ratio") or "auto",
        "long_side": int((values.get("resolution") or "1k").removesuffix("k")) * 1024,
        "count": int(values.get("n") or 1),
        **({"grow": _growth(values)} if "up_expansion_ratio" in values else {}),
    }


def _growth(values: Values) -> list[float]:
    """Factors of width and height of an expanded image."""
    across = 1 + values["left_expansion_ratio"] + values["right_expansion_ratio"]
    return [across, 1 + values["up_expansion_ratio"] + values["down_expansion_ratio"]]


def omni_images(video: Values, values: Values, media: Media) -> dict[str, Any]:
    """Single images, or a series of them."""
    amount = values["series_amount"]
    series = values["result_type"] == "series"
    count = (SERIES_WHEN_AUTO if amount == "auto" else amount) if series else values["n"]
    return images(video, values, media) | {"count": count, "result_type": values["result_type"]}


def single(video: Values, values: Values, media: Media) -> dict[str, Any]:
    """Images whose number is fixed; the task takes one slot."""
    recipe = images(video, values, media)
    del recipe["count"]
    return recipe


def videos_recipe(video: Values, values: Values, media: Media) -> dict[str, Any]:
    """A video."""
    asked = values.get("input") or values
    first, last, framed = _frames(video, values, media)
    return {
        "prompt": "" if first else values.get("prompt") or "",
        "ratio": ("" if framed else values.get("aspect_ratio") or "") or ("" if first else "16:9"),
        "short_side": SHORT_SIDES.get(str(asked.get("mode")), SHORT_SIDES["std"]),
        "fps": FPS,
        "duration": int(asked.get("duration") or 5),
        "sound": _sounds(video.get("sound", False), values),
        "first": first,
        "last": last,
        **_follows(video, values, media),
        **_parent(video, values),
    }


def _frames(video: Values, values: Values, media: Media) -> tuple[str, str, bool]:
    """Roles of the first and the last frame, and whether the first determines the aspect ratio."""
    types = {item.get("type"): index for index, item in enumerate(values.get("image_list") or [])}
    roles = {kind: f"image_list[{index}].image_url" for kind, index in types.items() if kind}
    first = roles.get("first_frame") or _role(video.get("pictures", ()), media)
    return first, roles.get("end_frame", ""), "first_frame" in roles


def _role(names: Any, media: Media) -> str:
    """The role of the first input that is one of these fields or nested in one; empty if there is none."""
    found = (role for name in names for role in media if role == name or role.startswith((f"{name}[", f"{name}.")))
    return next(found, "")


def _sounds(rule: Any, values: Values) -> bool:
    return rule if isinstance(rule, bool) else all(values.get(name) == wanted for name, wanted in rule.items())


def _follows(video: Values, values: Values, media: Media) -> dict[str, Any]:
    names = list(video.get("follows", ()))
    videos = values.get("video_list")
    if videos and videos[0]["refer_type"] == "base":
        names.append("video_list")
    followed = _role(names, media)
    return {"follows": followed} if followed else {}


def _parent(video: Values, values: Values) -> dict[str, Any]:
    if "parent" not in video:
        return {}
    parent = {"parent": values.get(video["parent"]) or "", "parent_url": values.get("video_url") or ""}
    return parent | ({"origin": values["origin"]} if "origin" in values else {})


def speech(_video: Values, values: Values, _media: Media) -> dict[str, Any]:
    """A spoken text."""
    seconds = len(values["text"]) / SPEECH_RATE / (values.get("voice_speed") or 1)
    return {"seconds": max(1.0, round(seconds, 1))}


def sounds(_video: Values, values: Values, _media: Media) -> dict[str, Any]:
    """A sound of the requested length."""
    return {"seconds": round(float(values["duration"]), 1)}


def voices(_video: Values, values: Values, _media: Media) -> dict[str, Any]:
    """A voice and its trial sound."""
    return {"name": values["voice_name"], "seconds": TRIAL_SECONDS}


def elements(_video: Values, values: Values, media: Media) -> dict[str, Any]:
    """An element; its images are its inputs."""
    kept = ("element_name", "element_description", "reference_type")
    return {
        **{name: values[name] for name in kept},
        "tags": [tag["tag_id"] for tag in values["tag_list"] or []],
        "element_id": 0,
        "voice": values.get("voice"),
        "roles": list(media),
        "source": media.get("element_video_list.refer_videos[0].video_url", ""),
        "prompt": "",
        "ratio": "auto",
        "long_side": 1024,
    }


def old_elements(video: Values, values: Values, media: Media) -> dict[str, Any]:
    """An element of the older API, which creates elements from images only."""
    return elements(video, {**values, "reference_type": "image_refer"}, media)


def marks(_video: Values, values: Values, _media: Media) -> dict[str, Any]:
    """A marked area of a session; it has the size of the session's video."""
    return _session(values) | {"points": values.get("points"), "follows": "session_id"}


def _session(values: Values) -> dict[str, Any]:
    return {"session_id": values["session_id"], "frame_index": values.get("frame_index")}


def preview(video: Values, values: Values, media: Media) -> dict[str, Any]:
    """A preview of the marked areas of a session, or the edited video."""
    return videos_recipe(video, values, media) | _session(values)


def deletion(_video: Values, values: Values, _media: Media) -> dict[str, Any]:
    """A deletion: the result id of the voice or element."""
    return {"deletes": values.get("voice_id") or values.get("element_id")}


RECIPES: Final[dict[str, Recipe]] = {
    "images": images,
    "omni_images": omni_images,
    "views": single,
    "segments": single,
    "videos": videos_recipe,
    "faces": videos_recipe,
    "selection": videos_recipe,
    "soundtracks": videos_recipe,
    "preview": preview,
    "edits": preview,
    "marks": marks,
    "speech": speech,
    "audios": sounds,
    "voices": voices,
    "elements": elements,
    "old_elements": old_elements,
    "nothing": deletion,
}
