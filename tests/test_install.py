"""What can be said about installing without installing; ``make test-install`` does install."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dev.install import __main__ as install

REPOSITORY = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
RELEASES = tomllib.loads((install.HERE / "releases.toml").read_text())["release"]
needs_uv = pytest.mark.skipif(not install.UV.exists(), reason="uv is not installed beside this release of Airflow")
NEEDED = {found.name: found.specifier for found in map(Requirement, PROJECT["dependencies"])}


@pytest.mark.parametrize("release", RELEASES, ids=[release["airflow"] for release in RELEASES])
def test_no_dependency_refuses_what_a_release_of_airflow_pins(release):
    pins = [Requirement(pin) for pin in release["pins"]]
    refused = [
        str(pin)
        for pin in pins
        for exact in pin.specifier
        if pin.name in NEEDED and not NEEDED[pin.name].contains(exact.version)
    ]
    assert refused == []


def test_a_bound_above_a_pin_would_be_noticed(monkeypatch):
    bound = Requirement("apache-airflow-providers-common-compat>=1.20")
    monkeypatch.setitem(NEEDED, bound.name, bound.specifier)
    pinned = next(release for release in RELEASES if release["airflow"] == "3.2.1")
    with pytest.raises(AssertionError):
        test_no_dependency_refuses_what_a_release_of_airflow_pins(pinned)


def test_every_python_that_the_package_names_is_tried_with_the_newest_airflow():
    named = {line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line}
    assert set(RELEASES[-1]["pythons"]) == named


def test_every_release_has_a_day_except_the_newest():
    assert [release["airflow"] for release in RELEASES if "day" not in release] == ["newest"]


@needs_uv
def test_a_python_that_this_machine_lacks_is_named_and_not_passed_over(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(install, "FOLDER", tmp_path)
    monkeypatch.setattr(install, "_run", lambda *_arguments, **_more: "one==1\ntwo==2\n")
    assert install._interpreter("3.99") is None
    assert install._combination({"airflow": "3.3.1", "pins": []}, "3.99", tmp_path / "x.whl") is True
    assert "RESOLVED ONLY, this machine has no Python 3.99: 2 packages" in capsys.readouterr().out


@needs_uv
def test_a_combination_that_does_not_resolve_fails_the_command(monkeypatch, capsys, tmp_path):
    def refuse(command, *_arguments, **_more):
        raise install.subprocess.CalledProcessError(1, command, "", "No solution found")

    monkeypatch.setattr(install, "FOLDER", tmp_path)
    monkeypatch.setattr(install, "_run", refuse)
    assert install._combination({"airflow": "3.3.1", "pins": []}, "3.99", tmp_path / "x.whl") is False
    assert "No solution found" in capsys.readouterr().out
