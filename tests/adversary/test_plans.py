"""Arguments of a batch and its stored plan are accepted, or refused before anything is paid."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import UserDict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from support import PHOTOGRAPH, advice_first
from support_batch import again, deferred, fire, manifest, operator, posts, run, set_fast_pace

from airflow_provider_kling.batch.plan import PlannedItem, read_plan
from airflow_provider_kling.exceptions import KlingBatchError, KlingValidationError
from airflow_provider_kling.utils._airflow.compat import AirflowSkipException, TaskDeferred


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


class Lazy(Sequence):
    """What ``make.expand(...).output`` is on a worker: a sequence, no list."""

    def __init__(self, items):
        self._items = items

    def __len__(self):
        return len(self._items)

    def __getitem__(self, index):
        return self._items[index]


TWO = [{"key": "a", "prompt": "a", "duration": "3"}, {"key": "b", "prompt": "b", "cfg_scale": "0.5"}]


@pytest.mark.kling_simulator(seconds=0.1)
@pytest.mark.parametrize(
    "items",
    [
        Lazy(TWO),
        tuple(TWO),
        (item for item in TWO),
        [UserDict(item) for item in TWO],
        json.dumps(TWO),
        f"  {TWO!r}",
    ],
    ids=["lazy sequence", "tuple", "generator", "mappings", "JSON text", "Python text"],
)
def test_items_are_understood_in_every_form_that_airflow_hands_over(kling, ti, tmp_path, items):
    assert run(ti, tmp_path, items=items)["summary"]["done"] == 2
    assert sorted(line["key"] for line in manifest(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("kind", [str, Path, lambda name: ObjectStoragePath(f"file://{name}")])
def test_places_may_be_path_objects(kling, ti, tmp_path, kind):
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in TWO))
    with pytest.raises(TaskDeferred) as caught:
        operator(
            tmp_path,
            items=kind(f"{tmp_path}/items.jsonl"),
            output_uri=kind(f"{tmp_path}/videos"),
            manifest_uri=kind(f"{tmp_path}/list.jsonl"),
        ).execute({"ti": ti})
    assert asyncio.run(fire(caught.value.trigger))["summary"]["done"] == 2
    assert (tmp_path / "videos" / "a.mp4").exists()
    assert (tmp_path / "list.jsonl").exists()


@pytest.mark.parametrize("items", [[], (), Lazy([]), "[]"])
def test_no_item_skips_the_task(kling, ti, tmp_path, items):
    with pytest.raises(AirflowSkipException, match="items is empty"):
        operator(tmp_path, items=items).execute({"ti": ti})
    assert kling.requests() == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"items": "None"}, "items"),
        ({"items": ""}, "items"),
        ({"items": None}, "items"),
        ({"items": 7}, "items"),
        ({"items": {"prompt": "x"}}, "items"),
        ({"items": [None]}, "item 0"),
        ({"items": [{"prompt": "x"}, ["y"]]}, "item 1"),
        ({"items": "[{'prompt': open('x')}]"}, "neither JSON nor Python"),
        ({"items": "[" * 100_000}, "neither JSON nor Python"),
        ({"items": [{"key": "None"}]}, "rendered to key='None'"),
        ({"items": [{"key": "ok", 7: "x"}]}, "Name fields with text"),
        ({"items": [{"key": "half", "prompt": "an emoji \ud83d"}]}, "item 'half'"),
        ({"items": [{"key": "half", "negative_prompt": "\udc00"}]}, "item 'half'"),
        ({"defaults": "None"}, "defaults"),
        ({"defaults": 7}, "defaults"),
        ({"output_uri": "None"}, "output_uri"),
        ({"output_uri": " "}, "output_uri"),
        ({"output_uri": "nowhere://x/"}, "output_uri"),
        ({"manifest_uri": "None"}, "manifest_uri"),
        ({"manifest_uri": "nowhere://x/manifest.jsonl"}, "manifest_uri"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"poll_interval": "often"}, "poll_interval"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"concurrency": "many"}, "concurrency"),
        ({"concurrency": 2.5}, "concurrency"),
        ({"item_retries": -1}, "item_retries"),
        ({"max_units": "NaN"}, "max_units"),
        ({"units_per_item": "x"}, "units_per_item"),
        ({"on_clear": "regenrate"}, "Did you mean on_clear='regenerate'"),
        ({"on_item_failure": "stop"}, "on_item_failure"),
        ({"validate": "stric"}, "Did you mean validate='strict'"),
        ({"kling_conn_id": "None"}, "kling_conn_id"),
        ({"kling_conn_id": ""}, "kling_conn_id"),
        ({"kling_conn_id": None}, "kling_conn_id"),
        ({"items": [{"key": 10**5000}]}, "Write key with letters"),
    ],
)
def test_what_is_invalid_is_refused_by_name_before_anything_is_paid(kling, ti, tmp_path, change, word):
    with pytest.raises(KlingValidationError) as caught:
        operator(tmp_path, **change).execute({"ti": ti})
    assert word in str(caught.value)
    str(caught.value).encode()
    assert kling.requests() == []


def test_all_wrong_arguments_are_named_at_once(kling, ti, tmp_path):
    with pytest.raises(KlingValidationError) as caught:
        operator(tmp_path, concurrency=0, timeout="x", on_clear="no", max_units=-1).execute({"ti": ti})
    assert len(caught.value.problems) == 4


@pytest.mark.kling_simulator(seconds=0.1)
def test_numbers_may_be_text_and_times_a_timedelta(kling, ti, tmp_path):
    payload = run(
        ti,
        tmp_path,
        count=2,
        timeout=timedelta(minutes=1),
        poll_interval="0.1",
        concurrency="2",
        item_retries="1",
        max_units="100",
        units_per_item="2",
    )
    assert payload["summary"]["done"] == 2


def test_items_whose_ids_collide_at_a_further_attempt_are_refused(kling, ti, tmp_path):
    base = "a" * 64
    items = [{"key": "x", "external_task_id": base}, {"key": "y", "external_task_id": base}]
    with pytest.raises(KlingValidationError, match="Give each item its own"):
        operator(tmp_path, items=items).execute({"ti": ti})
    items = [{"key": "x", "external_task_id": "promo"}, {"key": "y", "external_task_id": "promo-af-2"}]
    with pytest.raises(KlingValidationError, match="promo-af-2"):
        operator(tmp_path, items=items).execute({"ti": ti})


GOOD = {"key": "k", "external_task_id": "x", "body": {"prompt": "p"}, "images": {}}


def test_a_plan_with_more_and_fewer_fields_is_read(tmp_path):
    lines = [{**GOOD, "new": 1}, {"key": "l", "external_task_id": "y", "body": {"prompt": "q"}}]
    (tmp_path / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(read_plan(f"file://{tmp_path}/plan.jsonl", None)) == [
        PlannedItem("k", "x", {"prompt": "p"}, {}),
        PlannedItem("l", "y", {"prompt": "q"}, {}),
    ]


@pytest.mark.parametrize(
    "line",
    [
        *("", "{", "7", "[]", "{}", '"x"'),
        *(json.dumps({**GOOD, "body": None}), json.dumps({**GOOD, "key": "../../x"}), json.dumps({**GOOD, "key": 1})),
        json.dumps({**GOOD, "external_task_id": None}),
        json.dumps({**GOOD, "images": {"image": "x"}}),
        json.dumps({**GOOD, "images": {"image": {"uri": "x"}}}),
        json.dumps({**GOOD, "images": []}) + "\n{",
    ],
)
def test_a_broken_plan_is_an_error_that_a_retry_fixes(kling, ti, tmp_path, line):
    trigger = deferred(ti, tmp_path)
    (plan,) = tmp_path.glob(".*/plan.jsonl")
    plan.write_text(line + "\n")
    with pytest.raises(KlingBatchError, match="writes the plan of the batch again"):
        read_plan(f"file://{plan}", None)
    payload = asyncio.run(fire(trigger))
    assert payload["status"] == "error"
    assert posts(kling) == []
    assert run(ti, tmp_path)["summary"]["done"] == 3


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_line_separators_in_a_prompt_break_nothing(kling, ti, tmp_path, separator):
    assert run(ti, tmp_path, items=[{"prompt": f"one{separator}two"}], validate="off")["summary"]["done"] == 1


def test_a_type_checker_finds_a_misspelt_field(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed beside this release of Airflow")
    source = f"""
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingVideoItem

good: list[KlingVideoItem] = [{{"image": {str(PHOTOGRAPH)!r}, "prompt": "x", "duration": 5, "key": "a"}}]
bad: list[KlingVideoItem] = [{{"promt": "x"}}]
KlingImageToVideoBatchOperator(task_id="a", output_uri="s3://x/", items=good)
KlingImageToVideoBatchOperator(task_id="b", output_uri="s3://x/", items=7)
"""
    (tmp_path / "dag.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--config-file=", "dag.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 2, done.stdout
    assert '"promt"' in errors[0]
    assert 'Argument "items"' in errors[1]


def test_a_key_or_a_field_that_is_a_page_long_is_cut_in_the_sentence(kling, ti, tmp_path):
    page = "a." * 20_000
    for item in ({"key": page, "prompt": "x"}, {"prompt": "x", page: 10**400}, {"key": "k", "prompt": "x", page: 1}):
        with pytest.raises(KlingValidationError) as caught:
            operator(tmp_path, items=[item]).execute({"ti": ti})
        assert len(str(caught.value)) < 2000
    assert kling.requests() == []


def test_any_number_of_items_with_one_key_gives_a_short_error(kling, ti, tmp_path):
    items = [{"key": f"k{number // 2}", "prompt": str(number)} for number in range(400)]
    with pytest.raises(KlingValidationError) as caught:
        operator(tmp_path, items=items).execute({"ti": ti})
    assert caught.value.problems[0].startswith("Give each item its own key: key='k0'")
    assert "199 more" in caught.value.problems[0]
    assert len(str(caught.value)) < 1000


def test_an_item_that_would_write_the_watermarked_file_of_another_is_refused(kling, ti, tmp_path):
    items = [{"key": "a", "prompt": "1", "watermark_info": True}, {"key": "a_watermark", "prompt": "2"}]
    with pytest.raises(KlingValidationError, match="a_watermark"):
        operator(tmp_path, items=items).execute({"ti": ti})
    assert kling.requests() == []
    with pytest.raises(TaskDeferred):
        operator(tmp_path, items=[{**items[0], "watermark_info": False}, items[1]]).execute({"ti": ti})


@pytest.mark.parametrize("name", ["0.mp4", "list.MP4", "", "lists/"])
def test_a_manifest_cannot_stand_where_a_video_or_a_folder_does(kling, ti, tmp_path, name):
    with pytest.raises(KlingValidationError, match="manifest_uri") as caught:
        operator(tmp_path, manifest_uri=f"file://{tmp_path}/{name}").execute({"ti": ti})
    assert all(problem.startswith("Give manifest_uri ") for problem in caught.value.problems)
    assert kling.requests() == []


@pytest.mark.parametrize(
    ("items", "word"),
    [
        ("file://FOLDER", "is a folder"),
        ("file://FOLDER/", "is a folder"),
        ("file://FOLDER/none.jsonl", "no such file"),
        ("nowhere://bucket/items.jsonl", "Install Airflow's provider package for nowhere://"),
        ("s3://nobody@bucket/items.jsonl", "Create the Airflow connection that items names"),
    ],
)
def test_a_file_of_items_that_cannot_be_one_is_refused_for_good_and_by_name(kling, ti, tmp_path, items, word):
    with pytest.raises(KlingValidationError, match=word) as caught:
        operator(tmp_path, items=items.replace("FOLDER", str(tmp_path))).execute({"ti": ti})
    (problem,) = caught.value.problems
    assert "items" in problem
    assert advice_first(problem)
    assert kling.requests() == []


def test_a_plan_that_lost_items_or_has_some_twice_is_written_again(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path)
    (plan,) = tmp_path.glob(".*/plan.jsonl")
    whole = plan.read_text()
    first, second, third = whole.splitlines()
    twice = [{**json.loads(second), "key": "0"}, {**json.loads(second), "external_task_id": "x"}]
    for lines in (
        [first, second],
        [first, second, third, third],
        *([first, second, json.dumps(line)] for line in twice),
    ):
        plan.write_text("\n".join(lines) + "\n")
        payload = asyncio.run(fire(again(trigger)))
        assert payload["status"] == "error"
        assert "writes the plan of the batch again" in payload["message"]
    assert posts(kling) == []


@pytest.mark.parametrize(
    ("body", "images"),
    [
        ({"image": ""}, {}),
        ({"input_image": ""}, {"image": {"uri": "file:///x", "sha256": "0"}}),
        ({"image": "https://x.example/a.png"}, {"image": {"uri": "file:///x", "sha256": "0"}}),
        ({"dynamic_masks": [{"mask": ""}]}, {"dynamic_masks[1].mask": {"uri": "file:///x", "sha256": "0"}}),
    ],
)
def test_an_item_of_a_plan_whose_image_has_no_place_is_not_sent_without_it(tmp_path, body, images):
    (tmp_path / "plan.jsonl").write_text(json.dumps({**GOOD, "body": body, "images": images}) + "\n")
    with pytest.raises(KlingBatchError, match="item 1"):
        read_plan(f"file://{tmp_path}/plan.jsonl", None)
