"""The base of hooks; a module of its own, because importing it is slow and only the hook needs it."""

from __future__ import annotations

try:
    from airflow.sdk import BaseHook
except ImportError:  # before 3.1
    from airflow.hooks.base import BaseHook  # type: ignore[no-redef,attr-defined]

__all__ = ["BaseHook"]
