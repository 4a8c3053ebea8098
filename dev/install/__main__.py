"""Install the wheel beside each Airflow release of ``releases.toml``, with each Python, and import every module.

For a Python that is not installed on this machine, dependencies are only resolved.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from dev.local_airflow.settings import REPOSITORY, clean_environment
from dev.wheel import UV, build_wheel

HERE = Path(__file__).parent
FOLDER = REPOSITORY / ".airflow" / "install"


def main() -> int:
    """Test every combination, or those of the arguments; returns the exit status."""
    arguments = _arguments()
    releases = tomllib.loads((HERE / "releases.toml").read_text())["release"]
    chosen = [release for release in releases if release["airflow"] in (arguments.airflow or [release["airflow"]])]
    wheel = build_wheel(FOLDER)
    combinations = [(release, python) for release in chosen for python in arguments.python or release["pythons"]]
    failed = [
        f"Airflow {release['airflow']} with Python {python}"
        for release, python in combinations
        if python in release["pythons"] and not _combination(release, python, wheel)
    ]
    print(f"failed: {', '.join(failed)}" if failed else "all combinations work")
    return 1 if failed else 0


def _combination(release: dict[str, Any], python: str, wheel: Path) -> bool:
    """Test a release with a Python; prints a line and returns whether it works."""
    began = time.monotonic()
    print(f"Airflow {release['airflow']:7} Python {python:5}", end=" ", flush=True)
    interpreter = _interpreter(python)
    try:
        summary = _install(release, python, interpreter, wheel) if interpreter else _resolve(release, python, wheel)
    except subprocess.CalledProcessError as error:
        print(f"FAILED: {' '.join(map(str, error.cmd))}\n{error.stdout}{error.stderr}", flush=True)
        return False
    print(f"{summary} ({time.monotonic() - began:.0f} s)", flush=True)
    return True


def _install(release: dict[str, Any], python: str, interpreter: str, wheel: Path) -> str:
    """Install into a new environment and import every module."""
    environment = FOLDER / f"{release['airflow']}-{python}"
    _run([UV, "venv", "--quiet", "--clear", "--python", interpreter, environment])
    place = ["--python", environment / "bin" / "python"]
    _run([UV, "pip", "install", "--quiet", *place, *_wanted(release, wheel)], release.get("day"))
    home = {"AIRFLOW_HOME": str(environment / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    return _run([environment / "bin" / "python", "-I", HERE / "check.py"], environment=home).splitlines()[-1]


def _resolve(release: dict[str, Any], python: str, wheel: Path) -> str:
    """Resolve the dependencies without installing them."""
    requirements = FOLDER / "requirements.in"
    requirements.write_text("\n".join([f"airflow-provider-kling @ {wheel.as_uri()}", *_wanted(release, wheel)[1:]]))
    command = [UV, "pip", "compile", "--quiet", "--no-header", "--python-version", python, requirements]
    found = _run(command, release.get("day"))
    return f"RESOLVED ONLY, this machine has no Python {python}: {found.count('==')} packages"


def _wanted(release: dict[str, Any], wheel: Path) -> list[str]:
    version = release["airflow"]
    return [str(wheel), "apache-airflow" if version == "newest" else f"apache-airflow=={version}", *release["pins"]]


def _interpreter(python: str) -> str | None:
    """The path of an installed Python; uv must not download one."""
    command: list[str | Path] = [UV, "python", "find", "--no-python-downloads", "--no-project", "--system", python]
    # pyenv's shims fail for versions that are not selected, so its versions are searched directly.
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    path = os.pathsep.join([*map(str, pyenv.glob(f"{python}.*/bin")), os.environ.get("PATH", "")])
    variables = clean_environment() | {"PATH": path}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, cwd=FOLDER)
    return ended.stdout.strip() or None


def _run(command: list[Any], day: str | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a command; returns its standard output, and raises if it fails."""
    variables = clean_environment() | (environment or {}) | ({"UV_EXCLUDE_NEWER": day} if day else {})
    variables.pop("PYTHONPATH", None)
    ended = subprocess.run([str(word) for word in command], env=variables, capture_output=True, text=True, check=True)
    return ended.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="install", description=__doc__)
    parser.add_argument("--airflow", action="append", metavar="VERSION", help="only this release; may be repeated")
    parser.add_argument("--python", action="append", metavar="3.12", help="only this Python; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    sys.exit(main())
