"""What a task's process has from the process that forked it."""

from __future__ import annotations

import sys

#: Before this file imports anything.
INHERITED = [name for name in ("requests", "airflow_provider_kling.operators.video") if name in sys.modules]

from airflow.sdk import dag, task  # noqa: E402


@dag(schedule=None)
def inherited():
    @task
    def modules() -> list[str]:
        return INHERITED

    modules()


inherited()
