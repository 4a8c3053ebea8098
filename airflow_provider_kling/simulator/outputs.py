"""``task_result`` of a task that succeeded, by the kind of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.results import FileName

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.results import Links
    from airflow_provider_kling.simulator.tasks import Task


def measured_duration(task: Task) -> str:
    """Length of the file in seconds: one frame more than ordered, so 5 s at 24 frames are ``5.041``."""
    fps = task.recipe["fps"]
    milliseconds = (task.recipe["duration"] * fps + 1) * 1000 // fps
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def video_result(task: Task, links: Links) -> dict[str, Any]:
    """One video."""
    return {"videos": [{"id": task.result_id, **_urls(task, links, "mp4"), "duration": measured_duration(task)}]}


def image_result(task: Task, links: Links) -> dict[str, Any]:
    """One image, or as many as were ordered; they have an index and no id, and an empty ``watermark_url``."""
    numbers = range(task.recipe["count"])
    return {"images": [{"index": n, "watermark_url": "", **_urls(task, links, "png", n)} for n in numbers]}


def speech_result(task: Task, links: Links) -> dict[str, Any]:
    """The sound of text to speech, which has one form only."""
    seconds = str(task.recipe["seconds"])
    return {"audios": [{"id": task.result_id, **_urls(task, links, "mp3"), "duration": seconds}]}


def _urls(task: Task, links: Links, form: str, index: int | None = None) -> dict[str, str]:
    names = {"url": FileName(task.result_id, form, index)}
    if task.watermark:
        names["watermark_url"] = FileName(task.result_id, form, index, watermark=True)
    return {key: links.url(str(name), ended_at=task.updated_at) for key, name in names.items()}


RESULTS: Final[dict[str, Callable[[Task, Links], dict[str, Any]]]] = {
    "images": image_result,
    "speech": speech_result,
}
