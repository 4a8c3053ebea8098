"""Arguments are checked before anything is paid, and help names them."""

from __future__ import annotations

import pytest
from support_shell import animate

from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.shell.main import main


@pytest.mark.parametrize("command", ["animate", "imagine", "status", "fetch"])
def test_a_missing_argument_is_named_below_one_line_of_usage(command, capsys):
    assert main([command]) == 2
    usage, problem = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: python -m airflow_provider_kling {command} [options] ")
    assert "required" in problem


def test_help_names_each_product_unbroken(capsys):
    assert main(["list", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name, product in PRODUCTS.items() if product.answers == "task")


@pytest.mark.parametrize(
    "words",
    [
        ["--poll-interval", "nan"],
        ["--poll-interval", "-1"],
        ["--poll-interval", "inf"],
        ["--poll-interval", "0"],
        ["--take", "0"],
        ["--take", "-1"],
        ["--take", "9" * 30],
        ["--take", "1.5"],
        ["--field", "external_task_id=mine"],
        ["--field", "=7"],
        ["--field", "camera_control=" + "[" * 50_000],
    ],
)
def test_a_bad_option_is_refused_before_anything_is_paid(account, tmp_path, words, capsys):
    assert main(animate(tmp_path, *words)) == 2
    assert account.requests(method="POST") == []
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-5", "501", "many"])
def test_a_list_has_1_to_500_tasks(account, limit):
    assert main(["list", "--limit", limit]) == 2
    assert account.requests() == []


@pytest.mark.parametrize(
    ("place", "advice"),
    [
        ("file://no_such_connection@/data/", "Create the Airflow connection that --to names"),
        ("s3://KEY:SECRET@bucket/", "Take the password out of --to"),
        ("videos/None/", "Check the template of --to"),
        ("vid\u200beos", "Take U+200B out of --to"),
    ],
)
def test_an_impossible_folder_is_reported_before_any_request(account, tmp_path, capsys, monkeypatch, place, advice):
    monkeypatch.chdir(tmp_path)
    for words in (["fetch", "1"], ["imagine", "A paper boat", "--yes"]):
        assert main([*words, "--to", place]) == 2
        said = capsys.readouterr().err
        assert f"- {advice}" in said
        assert "SECRET" not in said
    assert account.requests() == []
    assert list(tmp_path.iterdir()) == []
