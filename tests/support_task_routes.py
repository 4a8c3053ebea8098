"""Files of a task, and the content of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord

if TYPE_CHECKING:
    from pathlib import Path

KEY = TaskKey("open", "r", "t", -1)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 400
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


def gives(pages, *values: Path | str, operator: str = "KlingImageToVideoOperator") -> None:
    """Let the task's rendered fields name these pictures."""
    fields = {"image_list": [str(value) for value in values], "prompt": "It moves"}
    pages.records[KEY] = TaskRecord(key=KEY, state="failed", operator=operator, fields=fields)


def picture(file: Path, size=(1200, 800), **options) -> Path:
    Image.new("RGB", size, (200, 30, 30)).save(file, **options)
    return file
