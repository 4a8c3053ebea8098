"""Responses for paths that the simulator does not serve.

The paths are those of Kling's documentation in 2026. The response to a path that Kling does not have was recorded on
2025-06-14: it comes from the web framework and has neither ``code`` nor ``request_id``.
"""

from __future__ import annotations

import time
from typing import Any, Final

from airflow_provider_kling.simulator.envelope import KlingError

#: Path prefixes of the second generation, which accepts API keys only.
NEW: Final = ("/text-to-video/", "/image-to-video/", "/omni-video/", "/motion-control/", "/solutions/")

#: Those that a model name follows.
FUNCTIONS: Final = NEW[:-1]


def is_v2(path: str) -> bool:
    """Whether a path belongs to the second generation."""
    return path in ("/tasks", "/solutions") or path.startswith(NEW)


def refuse_unknown_model(method: str, path: str) -> None:
    """Raise Kling's error for a model that a function of the second generation does not have.

    :raises KlingError: 1201, as measured.
    """
    if method == "POST" and _is_of_a_function(path):
        raise KlingError(1201, "model is not supported")


def _is_of_a_function(path: str) -> bool:
    """Whether a path is a function of the second generation followed by one model name."""
    return path.startswith(FUNCTIONS) and path.count("/") == 2


def is_known(path: str) -> bool:
    """Whether Kling has, or had, something at this path that the simulator does not serve."""
    return _is_of_a_function(path)


def not_simulated(method: str, path: str) -> dict[str, Any]:
    """Response body for a path that Kling serves and the simulator does not; Kling never sends it."""
    return {
        "error": "not simulated",
        "message": f"This is the simulator, not Kling: it does not serve {method} {path}.",
    }


def not_found(path: str) -> dict[str, Any]:
    """Response body for a path that Kling does not have."""
    now = time.time()
    moment = time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(now % 1 * 1000):03d}+0000", time.gmtime(now))
    return {"timestamp": moment, "status": 404, "error": "Not Found", "message": "No message available", "path": path}
