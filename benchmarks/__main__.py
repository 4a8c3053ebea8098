"""
Command line: ``python -m benchmarks [--quick] [--only NAME]``.

Prints a table and writes ``benchmarks/results.json``, the source of the charts in the documentation.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import sys
import textwrap
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench, say
from benchmarks.sizes import FULL, QUICK
from dev.local_airflow import exit_on_termination

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Row

HERE = Path(__file__).parent
HEAD = ("Figure", "Of", "Value", "Target", "Verdict", "Remark")

#: Measurements without Airflow come first, so that no Airflow disturbs them.
NAMES = (
    "import_ms",
    "requests_per_sweep",
    "triggerer_cpu",
    "loop_stall_ms",
    "waits_scale",
    "batch_scale",
    "cpu_per_video",
    "worker_seconds_held_per_video",
    "lost_with_fast_results",
    "latency_over_floor",
    "slot_utilisation",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; the exit status is 0 if all measurements succeeded, even if a target is missed."""
    options = _parser().parse_args(arguments)
    results = _earlier(options.output) if options.only else {}
    with exit_on_termination(), Bench(QUICK if options.quick else FULL) as bench:
        for name in options.only or NAMES:
            results[name] = _measured(bench, name, quick=options.quick)
    ordered = {name: results[name] for name in NAMES if name in results}
    _write(options.output, ordered)
    _print(ordered)
    return int(any("error" in figure for figure in ordered.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: rough figures in about five minutes")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--output", type=Path, default=HERE / "results.json", help="default %(default)s")
    return parser


def _measured(bench: Bench, name: str, *, quick: bool) -> dict[str, Any]:
    say(name)
    started = time.monotonic()
    figure: dict[str, Any] = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "quick": quick}
    try:
        rows: list[Row] = importlib.import_module(f"benchmarks.{name}").measure(bench)
    except Exception as error:  # noqa: BLE001 - the other measurements continue
        say(f"{name}: {type(error).__name__}: {error}")
        figure["error"] = f"{type(error).__name__}: {str(error)[:300]}"
        rows = []
    figure["seconds"] = round(time.monotonic() - started)
    figure["rows"] = [row.as_json() for row in rows]
    figure["cells"] = [row.cells() for row in rows]
    return figure


def _earlier(output: Path) -> dict[str, Any]:
    """The results of an earlier run, which ``--only`` keeps; each has the time of its measurement."""
    if not output.exists():
        return {}
    return dict(json.loads(output.read_text())["figures"])


def _machine() -> dict[str, Any]:
    packages = ("apache-airflow", "apache-airflow-providers-http", "airflow-provider-kling")
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "executor": "LocalExecutor, SQLite",
        **{name: version(name) for name in packages},
    }


def _write(output: Path, figures: dict[str, Any]) -> None:
    output.write_text(json.dumps({"machine": _machine(), "figures": figures}, indent=2) + "\n")


def _table(figures: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, figure in figures.items():
        rows += [[name, *cells] for cells in figure["cells"]]
        if "error" in figure:
            rows.append([name, "", "", "", "not measured", figure["error"]])
    return rows


def _print(figures: dict[str, Any]) -> None:
    rows = [list(HEAD), *_table(figures)]
    widths = [min(44, max(len(row[column]) for row in rows)) for column in range(len(HEAD) - 1)]
    room = max(30, shutil.get_terminal_size((160, 24)).columns - sum(widths) - 2 * len(widths))
    for row in rows:
        columns = [textwrap.wrap(cell, width) for cell, width in zip(row, [*widths, room], strict=True)]
        for line in range(max(map(len, columns))):
            parts = [column[line] if line < len(column) else "" for column in columns]
            print("  ".join(f"{part:<{width}}" for part, width in zip(parts, [*widths, 0], strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
