"""Converts a classic ``task_result`` to ``outputs`` of the second generation.

Kling documentation, types of outputs. Elements have ``references``, as on the query page; the callback page calls them
``materials``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

Item = dict[str, Any]


def v2_outputs(result: dict[str, Any]) -> list[Item]:
    """The results of a task, each with its type."""
    return [output for plural, items in result.items() for item in items for output in _translated(plural, item)]


def _translated(plural: str, item: Item) -> list[Item]:
    return _TRANSLATIONS[plural](item) if plural in _TRANSLATIONS else []


def _video(item: Item) -> list[Item]:
    # The second generation has no other keys, such as the session of an edit.
    return [{"type": "video", **{key: item[key] for key in ("id", "url", "watermark_url", "duration") if key in item}}]


def _image(item: Item) -> list[Item]:
    if "url_1" in item:
        return [{"type": "image", "url": item[f"url_{n}"], "group_id": str(item["index"])} for n in (1, 2, 3)]
    return [{"type": "image", **{key: item[key] for key in ("url", "watermark_url") if item.get(key)}}]


def _audio(item: Item) -> list[Item]:
    if "url" in item:
        # Text to speech returns MP3 only.
        return [{"type": "audio", "id": item["id"], "mp3_url": item["url"], "mp3_duration": item["duration"]}]
    names = {"mp3_url": "url_mp3", "wav_url": "url_wav", "mp3_duration": "duration_mp3", "wav_duration": "duration_wav"}
    return [{"type": "audio", "id": item["id"], **{new: item[old] for new, old in names.items()}}]


def _voice(item: Item) -> list[Item]:
    return [
        {
            "type": "voice",
            "id": item["voice_id"],
            "name": item["voice_name"],
            "url": item["trial_url"],
            "owned_by": item["owned_by"],
            "status": "succeeded",
        }
    ]


def _element(item: Item) -> list[Item]:
    pictures = item.get("element_image_list")
    return [
        {
            "type": "element",
            "id": str(item["element_id"]),
            "name": item["element_name"],
            "description": item["element_description"],
            "element_type": "multi_image_elements" if pictures else "video_character_elements",
            "references": _references(item),
            "owned_by": item["owned_by"],
            "status": "succeeded" if item["status"] == "succeed" else item["status"],
            "tags": [{**tag, "description": ""} for tag in item["tag_list"]],
        }
    ]


def _references(element: Item) -> list[Item]:
    """The inputs of an element, with their roles."""
    pictures = element.get("element_image_list", {})
    videos = element.get("element_video_list", {}).get("refer_videos", [])
    found = [{"type": "image", "role": "frontal", "url": pictures["frontal_image"]}] if pictures else []
    found += [
        {"type": "image", "role": "reference", "url": picture["image_url"]}
        for picture in pictures.get("refer_images", [])
    ]
    found += [{"type": "video", "role": "refer", "url": video["video_url"]} for video in videos]
    if voice := element.get("element_voice_info"):
        names = {"url": "trial_url", "id": "voice_id", "name": "voice_name", "owned_by": "owned_by"}
        found.append({"type": "voice", "role": "refer"} | {new: voice[old] for new, old in names.items()})
    return found


def _unchanged(item: Item) -> list[Item]:
    """An output that already has the fields of the second generation, such as that of a packaged scenario."""
    return [item]


_TRANSLATIONS: Final[dict[str, Callable[[Item], list[Item]]]] = {
    "videos": _video,
    "images": _image,
    "series_images": _image,
    "audios": _audio,
    "voices": _voice,
    "elements": _element,
    "outputs": _unchanged,
}
