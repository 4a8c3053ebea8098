"""``task_result`` of a succeeded task, by the kind of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.deductions import deductions
from airflow_provider_kling.simulator.masks import mask
from airflow_provider_kling.simulator.owners import OWNER
from airflow_provider_kling.simulator.results import FileName

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Task

#: Names of the tags of elements that Kling's examples show.
TAGS: Final = {"o_102": "Character"}


def measured_duration(task: Task) -> str:
    """Duration of the file in seconds: one frame more than requested, so 5 s at 24 fps are ``5.041``."""
    fps = task.recipe["fps"]
    milliseconds = (task.recipe["duration"] * fps + 1) * 1000 // fps
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def video_result(task: Task, links: Links) -> dict[str, Any]:
    """One video."""
    return {"videos": [{"id": task.result_id, **_urls(task, links, "mp4"), "duration": measured_duration(task)}]}


def image_result(task: Task, links: Links) -> dict[str, Any]:
    """The requested number of images; they have an index and no id, and an empty ``watermark_url`` by default."""
    numbers = range(task.recipe["count"])
    return {"images": [{"index": n, "watermark_url": "", **_urls(task, links, "png", n)} for n in numbers]}


def speech_result(task: Task, links: Links) -> dict[str, Any]:
    """The sound of text to speech, as MP3 only."""
    seconds = str(task.recipe["seconds"])
    return {"audios": [{"id": task.result_id, **_urls(task, links, "mp3"), "duration": seconds}]}


def _urls(task: Task, links: Links, form: str, index: int | None = None) -> dict[str, str]:
    names = {"url": FileName(task.result_id, form, index)}
    if task.watermark:
        names["watermark_url"] = FileName(task.result_id, form, index, watermark=True)
    return {key: links.url(str(name), ended_at=task.updated_at) for key, name in names.items()}


def omni_image_result(task: Task, links: Links) -> dict[str, Any]:
    """Single images, or a series; the other list is empty."""
    made = image_result(task, links)["images"]
    series = task.recipe["result_type"] == "series"
    return {
        "result_type": task.recipe["result_type"],
        "images": [] if series else made,
        "series_images": made if series else [],
    }


def views_result(task: Task, links: Links) -> dict[str, Any]:
    """Three sets of three views of a subject."""
    sets = [
        {"index": index, **{f"url_{n + 1}": _url(task, links, "png", 3 * index + n) for n in range(3)}}
        for index in range(3)
    ]
    return {"images": sets}


def audio_result(task: Task, links: Links) -> dict[str, Any]:
    """A sound as MP3 and WAV."""
    seconds = str(float(task.recipe.get("seconds") or task.recipe["duration"]))
    forms = {f"url_{form}": _url(task, links, form) for form in ("mp3", "wav")}
    return {"audios": [{"id": task.result_id, **forms, "duration_mp3": seconds, "duration_wav": seconds}]}


def soundtrack_result(task: Task, links: Links) -> dict[str, Any]:
    """A video with its new sound, and the sound alone."""
    return video_result(task, links) | audio_result(task, links)


def voice_result(task: Task, links: Links) -> dict[str, Any]:
    """A cloned voice."""
    voice = {"voice_id": task.result_id, "voice_name": task.recipe["name"], "trial_url": _url(task, links, "mp3")}
    return {"voices": [voice | {"owned_by": OWNER}]}


def element_result(task: Task, links: Links) -> dict[str, Any]:
    """An element, with its pictures or its video."""
    recipe = task.recipe
    if recipe["reference_type"] == "image_refer":
        first, *others = (_url(task, links, "png", index) for index in range(len(recipe["roles"])))
        inputs: dict[str, Any] = {
            "element_image_list": {"frontal_image": first, "refer_images": [{"image_url": url} for url in others]}
        }
    else:
        inputs = {"element_video_list": {"refer_videos": [{"video_url": recipe["source"]}]}}
    element = {
        **{name: recipe[name] for name in ("element_id", "element_name", "element_description", "reference_type")},
        **inputs,
        "tag_list": [{"id": tag, "name": TAGS.get(tag, "")} for tag in recipe["tags"]],
        "owned_by": OWNER,
        "status": "deleted" if recipe.get("deleted") else "succeed",
    }
    return {"elements": [element | _voice_of(task, links)]}


def _voice_of(task: Task, links: Links) -> dict[str, Any]:
    """The voice that an element is bound to; an unknown voice has no name and no trial."""
    voice = task.recipe.get("voice")
    if not voice:
        return {}
    trial = links.url(str(FileName(voice["voice_id"], "mp3")), ended_at=task.updated_at) if voice["owned_by"] else ""
    return {"element_voice_info": voice | {"trial_url": trial}}


def old_element_result(task: Task, links: Links) -> dict[str, Any]:
    """An element of the older API; the descriptions of its tags were not observed."""
    (element,) = element_result(task, links)["elements"]
    return old_element(element)


def old_element(element: dict[str, Any]) -> dict[str, Any]:
    """Convert an element to the field names of the older page."""
    pictures = element["element_image_list"]
    return {
        **{name: element[name] for name in ("element_id", "element_name", "element_description")},
        "element_frontal_image": pictures["frontal_image"],
        "element_refer_list": pictures["refer_images"],
        "tag_list": [{**tag, "description": ""} for tag in element.get("tag_list", ())],
        "owned_by": element["owned_by"],
    }


def face_result(task: Task, links: Links) -> dict[str, Any]:
    """One face that is visible in the whole video; face recognition is not simulated."""
    face = {
        "face_id": "0",
        "face_image": _url(task, links, "png", 0),
        "start_time": 0,
        "end_time": round(task.recipe["facts"]["seconds"] * 1000),
    }
    return {"session_id": task.result_id, **deductions(task), "face_data": [face]}


def segment_result(task: Task, links: Links) -> dict[str, Any]:
    """An object, a head and a face in every image, and never clothes; recognition is not simulated."""
    segments = [
        {"type": f"{kind}_seg", "is_contain": True, "url": _url(task, links, "png", index)}
        for index, kind in enumerate(("object", "head", "face"))
    ]
    segments.append({"type": "cloth_seg", "is_contain": False, "url": ""})
    return {"task_result": {"images": segments}, **deductions(task)}


def selection_result(task: Task, links: Links) -> dict[str, Any]:
    """A session over a video."""
    info = task.recipe["facts"]
    return {
        "status": 0,
        "session_id": task.result_id,
        **deductions(task),
        "fps": info["fps"],
        "original_duration": round(info["seconds"] * 1000),
        "width": info["width"],
        "height": info["height"],
        "total_frame": round(info["seconds"] * info["fps"]),
        "normalized_video": _url(task, links, "mp4"),
    }


def marks_result(task: Task, _links: Links) -> dict[str, Any]:
    """The response for a marked area; the area that remains after marks were removed is not simulated."""
    recipe = task.recipe
    if recipe["frame_index"] is None:
        return _session(task)
    info = recipe["facts"]
    added = task.product == "multi-elements.add-selection"
    found = [mask(recipe["points"], width=info["width"], height=info["height"])] if added else []
    return _session(task) | {"res": {"frame_index": recipe["frame_index"], "rle_mask_list": found}}


def preview_result(task: Task, links: Links) -> dict[str, Any]:
    """A video of the marked areas."""
    video = _url(task, links, "mp4")
    res = {"video": video, "video_cover": _url(task, links, "png", 0), "tracking_output": video}
    return _session(task) | {"res": res}


def _session(task: Task) -> dict[str, Any]:
    """Fields of every response within a session."""
    return {"status": 0, "session_id": task.recipe["session_id"], **deductions(task)}


def edited_result(task: Task, links: Links) -> dict[str, Any]:
    """One video that was edited in a session."""
    (video,) = video_result(task, links)["videos"]
    return {"videos": [{**video, "session_id": task.recipe["session_id"]}]}


def deletion_result(task: Task, _links: Links) -> dict[str, Any]:
    """The response to a deletion, which is that of a create call without an external id."""
    return {
        "task_id": task.task_id,
        "task_status": "submitted",
        "created_at": task.created_at,
        "updated_at": task.created_at,
    }


def _url(task: Task, links: Links, form: str, index: int | None = None) -> str:
    return links.url(str(FileName(task.result_id, form, index)), ended_at=task.updated_at)


RESULTS: Final[dict[str, Callable[[Task, Links], dict[str, Any]]]] = {
    "videos": video_result,
    "images": image_result,
    "omni_images": omni_image_result,
    "views": views_result,
    "speech": speech_result,
    "audios": audio_result,
    "soundtracks": soundtrack_result,
    "voices": voice_result,
    "elements": element_result,
    "old_elements": old_element_result,
    "faces": face_result,
    "segments": segment_result,
    "selection": selection_result,
    "marks": marks_result,
    "preview": preview_result,
    "edits": edited_result,
    "nothing": deletion_result,
}
