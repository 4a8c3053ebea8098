"""Import time of operators, sensor and trigger in milliseconds, which every Dag file that uses them needs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Row
from benchmarks.process import REPOSITORY
from dev.local_airflow.settings import clean_environment

if TYPE_CHECKING:
    from benchmarks.bench import Bench

LIMIT = 30.0

OURS = (
    "import airflow_provider_kling.operators",
    "import airflow_provider_kling.sensors",
    "import airflow_provider_kling.triggers",
)

#: Modules that are imported before: those of any Dag, of any deferrable operator, and of any operator.
BASES = {
    "airflow.sdk": ("import airflow.sdk",),
    "airflow.sdk and airflow.triggers.base": ("import airflow.sdk, airflow.triggers.base",),
    "airflow.triggers.base and the names of airflow.sdk that a Dag with an operator of its own uses": (
        "import airflow.triggers.base",
        "from airflow.sdk import DAG, BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, dag, task",
    ),
}

#: Modules that must be imported lazily.
HEAVY = ("requests", "pandas", "numpy", "PIL", "av", "aiohttp", "jwt", "cryptography", "yaml", "tenacity")

_PROGRAM = """
import json, sys, time
{before}
known = set(sys.modules)
started = time.perf_counter()
{ours}
milliseconds = (time.perf_counter() - started) * 1000
new = sorted({{name.partition(".")[0] for name in set(sys.modules) - known}})
print(json.dumps({{"ms": milliseconds, "new": new}}))
"""


def measure(bench: Bench) -> list[Row]:
    """Return a row for each base; only the first has a target."""
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment() | {"AIRFLOW_HOME": home}
        _time(next(iter(BASES.values())), environment)  # writes bytecode and Airflow's configuration
        return [_row(name, before, environment, bench.sizes.imports) for name, before in BASES.items()]


def _row(name: str, before: tuple[str, ...], environment: dict[str, str], repetitions: int) -> Row:
    answers = [_time(before, environment) for _ in range(repetitions)]
    heavy = [module for module in HEAVY if module in answers[0]["new"]]
    values = [answer["ms"] for answer in answers]
    note = f"{min(values):.0f} to {max(values):.0f} ms in {repetitions} fresh interpreters; "
    return Row(
        f"operators, sensor and trigger, after {name}",
        statistics.median(values),
        "ms",
        LIMIT,
        note=note + (f"imports {', '.join(heavy)}." if heavy else "nothing heavy."),
        reason=f"imported before needed: {', '.join(heavy)}." if heavy else "the sum of many small modules.",
        idea="import these inside the functions that use them; python -X importtime shows the chain.",
    )


def _time(before: tuple[str, ...], environment: dict[str, str]) -> dict[str, Any]:
    program = _PROGRAM.format(before="\n".join(before), ours="\n".join(OURS))
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout.splitlines()[-1]))
