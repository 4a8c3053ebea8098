"""HTTP faults of the simulator; each is counted once, when a request has matched it."""

from __future__ import annotations

from typing import Any

#: Duration of the clock skew in seconds; it applies to all requests in that time.
SKEWED_FOR = 6.0

CLOCK_SKEW = "clock skew"

#: Faults by name. ``create`` is the paid call; with ``accepted`` and ``cut_after`` Kling has the task nevertheless.
FAULTS: dict[str, dict[str, Any]] = {
    "POST cut before Kling": {"kind": "cut_before", "operation": "create", "times": 2},
    "POST cut, but accepted": {"kind": "cut_after", "operation": "create", "times": 2},
    "POST answered 5001, but accepted": {"code": 5001, "operation": "create", "accepted": True},
    "POST answered by an HTML page, but accepted": {"kind": "html", "operation": "create", "accepted": True},
    "POST answered by nothing, but accepted": {"kind": "empty", "operation": "create", "accepted": True},
    "POST answered by half a body": {"kind": "truncate", "operation": "create", "times": 2},
    "POST accepted after its sender gave up": {"kind": "delay", "seconds": 7, "operation": "create"},
    "1303 storm": {"code": 1303, "operation": "create", "times": 6},
    "1302 burst": {"code": 1302, "operation": "create", "times": 3},
    "task fails at Kling": {"kind": "fail_task", "operation": "create", "message": "Service internal error"},
    "5xx burst": {"code": 5000, "times": 5},
    "HTML 502 burst": {"kind": "html", "times": 5},
    "reads cut": {"kind": "cut_after", "method": "GET", "times": 5},
    "reads answered by half a body": {"kind": "truncate", "method": "GET", "times": 4},
    "reads answered by nothing": {"kind": "empty", "method": "GET", "times": 3},
    "look-up answered 5002": {"code": 5002, "operation": "query", "times": 4},
    "code as a string": {"kind": "code_as_string", "times": 3},
    "slow answers": {"kind": "drip", "seconds": 2, "times": 3},
    "download cut": {"kind": "truncate", "operation": "download"},
    "download of noise": {"kind": "corrupt_video", "operation": "download"},
    "download refused": {"kind": "html", "operation": "download"},
    CLOCK_SKEW: {"kind": "clock_skew", "seconds": 3600, "times": None},
}
