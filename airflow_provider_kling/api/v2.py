"""
Codec of the new generation, as far as it serves the classic products too: ``GET /tasks`` reads 20 tasks of any product.

That it returns classic tasks is not documented; a public client measured it in 2026-09. It needs an API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.api import parts
from airflow_provider_kling.api.request import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.envelope import Answer
    from airflow_provider_kling.models import Task

#: How many ids one call takes; 21 are refused with 1201 (measured 2026-09).
MAX_IDS = 20


def query_many(task_ids: Sequence[str]) -> Request:
    """
    Build the call that reads several tasks of any product; free.

    :param task_ids: at most :data:`MAX_IDS` of Kling's ids.
    """
    return Request("GET", "/tasks", params={"task_ids": ",".join(task_ids)})


@parts.guarded
def read_tasks(answer: Answer, endpoints: dict[str, str]) -> list[Task]:
    """
    Read the tasks; an id that Kling does not know is simply missing, and a record that cannot be read is left out.

    :param endpoints: product by task id; the answer does not name it.
    :raises KlingResponseError: when the answer is no list; permanent, so that nobody asks here again.
    """
    return parts.read_list(answer, endpoints.get)
