"""What Kling serves and this simulator does not, and what neither of them knows.

The paths are those of Kling's documentation in 2026. The answer to a path that nobody knows was recorded
on 2025-06-14: it comes from the web framework and has neither a code nor a request_id.
"""

from __future__ import annotations

import time
from typing import Any, Final

from airflow_provider_kling.simulator.envelope import KlingError

#: Paths of the new generation take API keys only.
NEW: Final = ("/text-to-video/", "/image-to-video/", "/omni-video/", "/motion-control/", "/solutions/")

#: Functions of the new generation; the model follows.
FUNCTIONS: Final = NEW[:-1]


def is_new(path: str) -> bool:
    """Whether a path belongs to the new generation."""
    return path in ("/tasks", "/solutions") or path.startswith(NEW)


def refuse_unknown_model(method: str, path: str) -> None:
    """Raise Kling's refusal of a model that a function of the new generation does not have.

    :raises KlingError: 1201, as measured.
    """
    if method == "POST" and _is_of_a_function(path):
        raise KlingError(1201, "model is not supported")


def _is_of_a_function(path: str) -> bool:
    """Whether a path is a function of the new generation and a model, and nothing more."""
    return path.startswith(FUNCTIONS) and path.count("/") == 2


def is_known(path: str) -> bool:
    """Whether Kling has, or had, something at this path that the simulator does not serve."""
    return _is_of_a_function(path)


def not_simulated(method: str, path: str) -> dict[str, Any]:
    """Body of the answer to a path that only Kling serves; it looks like nothing that Kling sends."""
    return {
        "error": "not simulated",
        "message": f"This is the simulator, not Kling: it does not serve {method} {path}.",
    }


def not_found(path: str) -> dict[str, Any]:
    """Body of the answer to a path that Kling does not know."""
    now = time.time()
    moment = time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(now % 1 * 1000):03d}+0000", time.gmtime(now))
    return {"timestamp": moment, "status": 404, "error": "Not Found", "message": "No message available", "path": path}
