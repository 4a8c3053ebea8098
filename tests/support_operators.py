"""An operator as most of its tests need it, and its execution."""

from __future__ import annotations

from support import PHOTOGRAPH

from airflow_provider_kling.operators import KlingImageToVideoOperator


def operator(**kwargs) -> KlingImageToVideoOperator:
    defaults = {"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "It moves", "duration": 3}
    return KlingImageToVideoOperator(**{**defaults, "poll_interval": 0.05, **kwargs})


def run(ti, **kwargs):
    return operator(**kwargs).execute({"ti": ti})
