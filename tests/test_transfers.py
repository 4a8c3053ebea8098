"""What templates and XComs hand to the transfer is understood, or refused by one sentence."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from support import PHOTOGRAPH, FakeTaskInstance, advice_first

from airflow_provider_kling.exceptions import KlingResultError, KlingResultExpiredError, KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.plugins.links import link_of
from airflow_provider_kling.products.formatting import size_words
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator, manifest_of


def made(**fields):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3, **fields})
    return KlingHook().get_task(task.task_id)


@pytest.fixture
def finished(kling):
    task = made()
    kling.finish(task.task_id)
    return KlingHook().get_task(task.task_id)


def transfer(output_uri, **kwargs) -> KlingToObjectStorageOperator:
    return KlingToObjectStorageOperator(task_id="store", output_uri=output_uri, **kwargs)


@pytest.mark.parametrize("written", [str, json.dumps, lambda manifest: json.dumps(manifest, indent=2), dict])
def test_a_manifest_that_a_template_wrote_as_text_is_understood(finished, tmp_path, written):
    manifest = {**finished.manifest(model_name="kling-v3"), "note": None}
    stored = transfer(f"{tmp_path}/", manifest=written(manifest)).execute({})
    assert stored["files"]
    assert stored["model_name"] == "kling-v3"


@pytest.mark.parametrize(
    "manifest",
    [
        "not a manifest",
        "[1, 2]",
        7,
        [1],
        "{'task_id': " * 5000,
        "(" * 100_000,
        "__import__('os')",
        {"task_id": {"a": 1}},
        "7",
    ],
)
def test_anything_else_is_refused_with_one_message(kling, tmp_path, manifest):
    with pytest.raises(KlingValidationError, match="Give manifest"):
        transfer(f"{tmp_path}/", manifest=manifest).execute({})


@pytest.mark.parametrize("task_id", ["None", "../../etc", "a b", "7?x=1", "..", {"a": 1}, True, "7\n8", "x" * 300])
def test_an_id_that_is_invalid_is_refused_with_the_message_of_the_sensor(kling, tmp_path, task_id):
    with pytest.raises(KlingValidationError) as caught:
        transfer(f"{tmp_path}/", kling_task_id=task_id).execute({})
    with pytest.raises(KlingValidationError) as waiting:
        KlingTaskSensor(task_id="wait", kling_task_id=task_id, deferrable=False).execute({"ti": FakeTaskInstance()})
    assert caught.value.problems == waiting.value.problems
    assert advice_first(caught.value.problems[0]).startswith("Give kling_task_id a task's id: ")


@pytest.mark.parametrize("given", [{}, {"manifest": {}}, {"kling_task_id": " "}, {"manifest": {"batch_id": "af-1"}}])
def test_a_transfer_of_nothing_names_what_is_missing(kling, tmp_path, given):
    with pytest.raises(KlingValidationError) as caught:
        transfer(f"{tmp_path}/", **given).execute({})
    assert advice_first(caught.value.problems[0]).startswith("Give kling_task_id, or a manifest with a task_id")


def test_a_manifest_names_its_task_as_the_sensor_takes_it(finished, tmp_path):
    assert transfer(f"{tmp_path}/", kling_task_id=str(finished.manifest())).execute({})["files"]


@pytest.mark.parametrize("nothing", [None, "", " ", "None"])
def test_a_manifest_that_is_empty_leaves_the_id(nothing):
    assert manifest_of(nothing) == {}


@pytest.mark.parametrize("value", ["\ud83d", "17952740918630000\udc00"])
def test_half_an_emoji_is_not_an_id(tmp_path, value):
    with pytest.raises(KlingValidationError, match="Give kling_task_id"):
        transfer(f"{tmp_path}/", kling_task_id=value).execute({})


def test_it_has_the_button_of_the_operators(finished, tmp_path):
    operator = transfer(f"{tmp_path}/", kling_task_id=finished.task_id)
    assert [link.name for link in operator.operator_extra_links] == ["Kling video"]
    (button,) = operator.operator_extra_links
    assert link_of(operator.execute({})) == button.get_link(operator, ti_key=None) == finished.videos[0].url


@pytest.mark.parametrize("value", ["five", "None", float("nan"), "1e400", -1, True, [], {}, b"5", 10**400])
def test_a_duration_that_cannot_be_checked_is_refused(tmp_path, value):
    with pytest.raises(KlingValidationError, match="Give duration"):
        transfer(f"{tmp_path}/", kling_task_id="one", duration=value).execute({})


@pytest.mark.parametrize("value", [7, "7.0", "7s", dt.timedelta(seconds=7)])
def test_a_duration_is_checked_in_whatever_form_it_is_given(finished, tmp_path, value):
    with pytest.raises(KlingResultError, match=r"but 7(\.0)? s were asked for"):
        transfer(f"{tmp_path}/", kling_task_id=finished.task_id, duration=value).execute({})


def test_a_number_is_an_id(finished, tmp_path):
    assert transfer(f"{tmp_path}/", kling_task_id=int(finished.task_id)).execute({})["files"]


def test_a_path_object_is_a_place(finished, tmp_path):
    transfer(tmp_path / "a.mp4", kling_task_id=finished.task_id).execute({})
    assert (tmp_path / "a.mp4").exists()


def test_a_folder_without_its_slash_is_refused(finished, tmp_path):
    (tmp_path / "videos").mkdir()
    with pytest.raises(KlingValidationError, match="Add a slash to output_uri"):
        transfer(f"file://{tmp_path}/videos", kling_task_id=finished.task_id).execute({})
    assert list((tmp_path / "videos").iterdir()) == []


def test_the_watermarked_copy_is_stored_too(kling, tmp_path):
    task = made(watermark_info={"enabled": True})
    kling.finish(task.task_id)
    plain, marked = transfer(f"{tmp_path}/", kling_task_id=task.task_id).execute({})["files"]
    assert Path(plain["uri"]).name == f"{task.task_id}_0.mp4"
    assert Path(marked["uri"]).name == f"{task.task_id}_0_watermark.mp4"
    assert (marked["watermark"], "watermark" in plain) == (True, False)
    assert len(list(tmp_path.iterdir())) == 2


def test_after_thirty_days_a_file_that_was_stored_is_the_result(kling, tmp_path):
    kling.advance(-40 * 86_400)
    task = made()
    kling.finish(task.task_id)
    first = transfer(f"{tmp_path}/", kling_task_id=task.task_id).execute({})
    kling.advance(40 * 86_400)
    assert transfer(f"{tmp_path}/", kling_task_id=task.task_id).execute({})["files"] == first["files"]
    (tmp_path / f"{task.task_id}_0.mp4").unlink()
    with pytest.raises(KlingResultExpiredError, match=r"^Generate the video again") as caught:
        transfer(f"{tmp_path}/", kling_task_id=task.task_id).execute({})
    assert not caught.value.transient


def test_the_log_lists_what_was_stored_where(finished, tmp_path, logged):
    operator = transfer(f"{tmp_path}/", kling_task_id=finished.task_id)
    lines = logged(operator)
    operator.execute({})
    (line,) = [line for line in lines if line.startswith("Stored")]
    assert f"Stored file://{tmp_path}/{finished.task_id}_0.mp4 (" in line
    (file,) = tmp_path.iterdir()
    assert f"({size_words(file.stat().st_size)}); Kling charged {finished.units} units" in line
