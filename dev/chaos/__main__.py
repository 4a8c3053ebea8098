"""``make chaos``: inject failures, then check. ``SEED`` and ``INJECTIONS`` come from the environment."""

from __future__ import annotations

import os
import random
import sys

from dev.chaos.report import summary
from dev.chaos.run import Plan, Run
from dev.local_airflow import ComponentError
from dev.local_airflow.settings import REPOSITORY


def main() -> int:
    """Run; returns 1 if a promise was broken."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
    plan = Plan(seed, int(os.environ.get("INJECTIONS") or 200), REPOSITORY / ".airflow" / "chaos")
    print(f"SEED={seed} INJECTIONS={plan.injections}, in {plan.home.relative_to(REPOSITORY)}", flush=True)
    try:
        outcome = Run(plan, lambda line: print(line, flush=True))()
    except ComponentError as error:
        print(error, file=sys.stderr)
        return 2
    print(summary(outcome))
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main())
