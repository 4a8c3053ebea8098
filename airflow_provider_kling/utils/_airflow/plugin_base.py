"""Airflow's base class of plugins; only what Airflow loads as a plugin imports this."""

from __future__ import annotations

try:
    from airflow.sdk.plugins_manager import AirflowPlugin
except ImportError:  # before 3.2
    from airflow.plugins_manager import AirflowPlugin  # type: ignore[assignment]

__all__ = ["AirflowPlugin"]
