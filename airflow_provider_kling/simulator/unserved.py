"""What Kling serves and this simulator does not, what Kling serves no longer, and what neither of them knows.

The paths are those of Kling's documentation in 2026. The text of a retired product was measured on 2026-09-28; its
status and code were not reported and are taken to be 400 and 1201. The answer to a path that nobody knows was recorded
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

#: A product of these answers "not simulated".
CLASSIC: Final = tuple(
    f"/v1/{name}"
    for name in (
        *("videos/omni-video", "videos/motion-control", "videos/video-extend", "videos/multi-elements"),
        *("videos/identify-face", "videos/advanced-lip-sync", "videos/lip-sync", "videos/avatar/image2video"),
        *("videos/effects", "videos/image-recognize", "audio/text-to-audio", "audio/video-to-audio"),
        *("general/custom-voices", "general/presets-voices", "general/delete-voices", "general/ai-multi-shot"),
        *("general/advanced-custom-elements", "general/advanced-presets-elements", "general/delete-elements"),
        *("general/delete-advanced-elements", "images/omni-image", "images/multi-image2image"),
        *("images/editing/expand", "images/kolors-virtual-try-on"),
    )
)
ACCOUNT: Final = ("/account/billing/package", "/account/billing/balance")

#: Products that Kling has retired as a whole.
RETIRED: Final = ("/v1/videos/multi-image2video",)


def is_new(path: str) -> bool:
    """Whether a path belongs to the new generation."""
    return path == "/tasks" or path.startswith(NEW)


def refuse_retired(path: str) -> None:
    """Raise Kling's refusal of a product that it has retired.

    :raises KlingError: 1201.
    """
    if _below(path, RETIRED):
        raise KlingError(1201, "This API is no longer available")


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
    return _is_of_a_function(path) or path.startswith("/solutions/") or _below(path, CLASSIC + ACCOUNT + RETIRED)


def not_simulated(method: str, path: str) -> dict[str, Any]:
    """Body of the answer to a path that only Kling serves; it looks like nothing that Kling sends."""
    return {
        "error": "not simulated",
        "message": f"This is the simulator, not Kling: it does not serve {method} {path}.",
    }


def not_found(path: str) -> dict[str, Any]:
    """Body of the answer to a path that Kling does not know."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime())
    return {"timestamp": moment, "status": 404, "error": "Not Found", "message": "No message available", "path": path}


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)
