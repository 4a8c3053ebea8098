"""Builds the package as a wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.local_airflow.settings import REPOSITORY, clean_environment

UV = Path(sys.executable).with_name("uv")


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, after deleting older wheels there; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    command = [str(UV), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(REPOSITORY)]
    variables = clean_environment()
    variables.pop("PYTHONPATH", None)
    subprocess.run(command, env=variables, check=True, capture_output=True, text=True, timeout=120)
    return next(folder.glob("*.whl"))
