"""A Dag with everything that Kling's pages show: mapped, batch, image, sound, rejected, running, without a slot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_kling.operators import (
    KlingImageGenerationOperator,
    KlingImageToVideoBatchOperator,
    KlingImageToVideoOperator,
    KlingTextToSpeechOperator,
)

FOLDER = "{{ params.output_uri }}"
STORED: dict[str, Any] = {"output_uri": FOLDER, "wait_for_completion": True, "poll_interval": 1}
PICTURES = "/tmp/landscapes"


def _pictures_in(folder: str) -> list[str]:
    return sorted(str(path) for path in ObjectStoragePath(folder).iterdir() if path.suffix == ".jpg")


@task
def list_pictures(folder: str) -> list[str]:
    """The first half of the folder: a mapped task each."""
    pictures = _pictures_in(folder)
    return pictures[: len(pictures) // 2]


@task
def list_items(folder: str) -> list[dict[str, str]]:
    """The other half: items of a batch."""
    pictures = _pictures_in(folder)
    return [
        {"key": f"{Path(picture).stem}-wide", "image": picture, "prompt": "A slow pan to the right"}
        for picture in pictures[len(pictures) // 2 :]
    ]


@dag(
    schedule=None,
    params={
        "folder": Param(f"file://{PICTURES}", type="string", description="Folder with the pictures"),
        "output_uri": Param("file:///tmp/kling/", type="string", description="Folder for the videos"),
    },
)
def product_launch() -> None:
    """Videos, a cover image and speech for a product launch."""
    pictures = list_pictures("{{ params.folder }}")
    KlingImageToVideoOperator.partial(
        task_id="animate", prompt="Clouds drift, the light changes slowly", duration=3, **STORED
    ).expand(image=pictures)
    KlingImageToVideoBatchOperator(
        task_id="animate_all",
        items=list_items("{{ params.folder }}"),
        defaults={"duration": 3},
        output_uri=FOLDER,
        concurrency=6,
        poll_interval=1,
    )
    KlingImageGenerationOperator(
        task_id="cover", prompt="A paper boat in a puddle, macro shot, morning light", aspect_ratio="1:1", **STORED
    )
    KlingTextToSpeechOperator(
        task_id="narrate",
        text="A paper boat leaves the harbour.",
        voice_id="oversea_male1",
        voice_language="en",
        output_uri=FOLDER,
    )
    first = "{{ params.folder }}/dawn.jpg"
    draft: dict[str, Any] = {"image": first, "duration": 3, "wait_for_completion": True, "poll_interval": 1}
    KlingImageToVideoOperator(task_id="draft", prompt="The sun rises over the hills", **draft)
    KlingImageToVideoOperator(task_id="refused", prompt="A fight (simulate-risk-control)", retries=0, **draft)
    KlingImageToVideoOperator(task_id="being_made", prompt="The valley from above", kling_conn_id="kling_slow", **draft)
    KlingImageToVideoOperator(
        task_id="waits_for_slot", prompt="The valley from below", kling_conn_id="kling_full", **draft
    )


product_launch()
