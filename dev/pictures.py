"""``make pictures``: the pictures of the documentation, made again from what the simulator makes."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import av
import requests
from PIL import Image

from airflow_provider_kling.simulator import KlingSimulator
from dev.local_airflow.settings import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = REPOSITORY / "docs" / "_static"
PHOTOGRAPH = REPOSITORY / "example_dags" / "images" / "rocket.jpg"
# The first, the middle and the last moment of the film.
PARTS = (0.0, 0.5, 1.0)
GAP = 8


def main() -> None:
    """Write ``quickstart.jpg``: three frames of the video that the quickstart makes from the rocket."""
    frames = [frame.to_image() for frame in av.open(io.BytesIO(_video(PHOTOGRAPH))).decode(video=0)]
    chosen = [frames[round(part * (len(frames) - 1))] for part in PARTS]
    width, height = chosen[0].size
    sheet = Image.new("RGB", (len(chosen) * (width + GAP) - GAP, height), "white")
    for position, frame in enumerate(chosen):
        sheet.paste(frame, (position * (width + GAP), 0))
    sheet.save(PICTURES / "quickstart.jpg", quality=80)


def _video(picture: Path) -> bytes:
    """The film that the simulator makes of a picture."""
    body = {"model_name": "kling-v3", "image": base64.b64encode(picture.read_bytes()).decode(), "duration": "5"}
    with KlingSimulator(video_size="small") as kling:
        address = f"{kling.url}/v1/videos/image2video"
        headers = {"Authorization": f"Bearer {kling.api_key}"}
        task_id = requests.post(address, json=body, headers=headers, timeout=30).json()["data"]["task_id"]
        kling.finish(task_id)
        task = requests.get(f"{address}/{task_id}", headers=headers, timeout=30).json()["data"]
        return requests.get(task["task_result"]["videos"][0]["url"], timeout=60).content


if __name__ == "__main__":
    main()
