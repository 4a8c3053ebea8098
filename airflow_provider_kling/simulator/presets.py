"""Kling's preset voices and elements: one of each, as in its published examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.outputs import old_element
from airflow_provider_kling.simulator.owners import OFFICIAL_VOICES
from airflow_provider_kling.simulator.results import FileName
from airflow_provider_kling.simulator.validation import query_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.service import Service

#: Creation time of the presets in the examples, epoch milliseconds.
CREATED_AT: Final = 1_765_800_000_000

VOICE_ID, VOICE = next(iter(OFFICIAL_VOICES.items()))
ELEMENT_ID: Final = 160

#: Recipes of their files, by result id.
RECIPES: Final[dict[str, dict[str, Any]]] = {
    VOICE_ID: {"seconds": 3.0},
    str(ELEMENT_ID): {"prompt": "official element", "ratio": "1:1", "long_side": 1024},
}


def voices(service: Service, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """``data`` of the list of preset voices; each item has the shape of a task."""
    voice = {
        "voice_id": VOICE_ID,
        **VOICE,
        "trial_url": _url(service, FileName(VOICE_ID, "mp3")),
    }
    return _page([_preset("830000000000000100", {"voices": [voice]})], query, most=1000)


def elements(service: Service, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """``data`` of the list of preset elements; each item has the shape of a task."""
    frontal, other = (_url(service, FileName(str(ELEMENT_ID), "png", index)) for index in (0, 1))
    element = {
        "element_id": ELEMENT_ID,
        "element_name": "official element",
        "element_description": "",
        "reference_type": "image_refer",
        "element_image_list": {"frontal_image": frontal, "refer_images": [{"image_url": other}]},
        "owned_by": "kling",
        "status": "succeed",
    }
    return _page([_preset("830000000000000101", {"elements": [element]})], query, most=500)


def old_elements(service: Service, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same with the field names of the older page, which also has ``final_unit_deduction``."""
    found = elements(service, query)
    return [
        {**old_element(element), "final_unit_deduction": "0"}
        for preset in found
        for element in preset["task_result"]["elements"]
    ]


def _url(service: Service, name: FileName) -> str:
    return service.links.url(str(name), ended_at=service.clock.now_ms())


def _page(items: list[dict[str, Any]], query: Mapping[str, str], *, most: int) -> list[dict[str, Any]]:
    page = query_number(query, "pageNum", default=1, high=1000)
    size = query_number(query, "pageSize", default=30, high=most)
    return items[(page - 1) * size : page * size]


def _preset(task_id: str, result: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "task_status": "succeed",
        "task_status_msg": "",
        "task_result": result,
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
    }
