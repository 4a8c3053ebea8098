"""Where results go is checked before anything is paid."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import advice_first

from airflow_provider_kling.exceptions import KlingResultError, KlingValidationError
from airflow_provider_kling.results.targets import check_source, check_target, target_of


@pytest.mark.parametrize(
    ("output_uri", "advice"),
    [
        ("None", "Give the template of output_uri a value"),
        (" \t", "it is empty"),
        (None, "it is empty"),
        (7, "Give output_uri as a URI or a path"),
        ("videos/a.mp4", "is neither"),
        ("s3:/bucket/videos/", "is neither"),
        ("file://videos/a.mp4", "is neither"),
        ("s3:///videos/", "names none"),
        ("s3://bucket", "is a bucket"),
        ("s3://bucket/../other/", "without '..'"),
        ("/data/{task_id}/../x/", "without '..'"),
        ("nowhere://bucket/videos/", "Install Airflow's provider package for nowhere:// storage"),
        ("file://no_such_connection@/data/", "Create the Airflow connection that output_uri names"),
        ("s3://KEY:SECRET@bucket/videos/", "Take the password out of output_uri"),
        ("/data\n/videos/", "Take U.000A out of output_uri"),
        ("\ufeff/data/videos/", "Take U.FEFF out of output_uri"),
        ("/data/vid\u200beos/", "Take U.200B out of output_uri"),
        ("s3://bucket/a\u2028b/", "Take U.2028 out of output_uri"),
    ],
)
def test_a_place_that_cannot_be_is_refused(output_uri, advice):
    with pytest.raises(KlingValidationError, match=f"(?s).*{advice}") as caught:
        check_target(output_uri)
    assert "SECRET" not in advice_first(caught.value.problems[0])


@pytest.mark.parametrize(
    "output_uri",
    ["s3://bucket/None/", "/data/None/a.mp4", "file:///data/None.mp4", "/data/day=None/{task_id}.mp4", "/data/None"],
)
def test_a_part_that_a_template_left_empty_is_named(output_uri):
    with pytest.raises(KlingValidationError, match="Check the template of output_uri: a part of it rendered to"):
        check_target(output_uri)


def test_the_word_none_within_a_name_is_a_name(tmp_path):
    assert check_target(f"{tmp_path}/None of us/Nonesuch.mp4")


def test_a_name_that_no_disk_or_bucket_takes_is_refused(tmp_path):
    for place in (f"{tmp_path}/{'a' * 256}/", f"{tmp_path}/{'é' * 128}.mp4", f"s3://bucket/{'a/' * 520}"):
        with pytest.raises(KlingValidationError, match="Shorten output_uri"):
            check_target(place)
    assert check_target(f"{tmp_path}/{'a' * 251}.mp4")


def test_whatever_names_a_path_is_a_path(tmp_path):
    class Named:
        def __fspath__(self):
            return f"{tmp_path}/a.mp4"

    assert check_target(Named()) == f"{tmp_path}/a.mp4"


def test_a_folder_needs_its_slash(tmp_path):
    (tmp_path / "videos").mkdir()
    for place in (str(tmp_path / "videos"), f"file://{tmp_path}/videos", tmp_path / "videos"):
        with pytest.raises(KlingValidationError, match="Add a slash to output_uri"):
            check_target(place)
    assert check_target(f"{tmp_path}/videos/")


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    assert check_target(tmp_path / "file"), "a file that is there is replaced"
    for place in (f"{tmp_path}/file/", f"{tmp_path}/file/a.mp4", f"{tmp_path}/file/{{task_id}}.mp4"):
        with pytest.raises(KlingValidationError, match="is a file"):
            check_target(place)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(KlingValidationError, match="Let Airflow's user write"):
        check_target(f"{tmp_path}/videos/")


@pytest.mark.parametrize("name", ["a.mp4", "a/b/", "{task_id}.{ext}", "x{index}/", "a*b?[1]#%.mp4", "獅子 1.mp4"])
def test_the_check_creates_nothing(tmp_path, name):
    assert check_target(tmp_path / name) == str(tmp_path / name)
    assert check_target(f"file://{tmp_path}/{name}") == f"file://{tmp_path}/{name}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("check", [check_target, lambda place: check_source(place, name="output_uri")])
def test_a_pipe_is_neither_replaced_nor_read(tmp_path, check):
    os.mkfifo(tmp_path / "pipe.mp4")
    for place in (f"{tmp_path}/pipe.mp4", f"file://{tmp_path}/pipe.mp4"):
        with pytest.raises(KlingValidationError, match="is a device or a pipe") as caught:
            check(place)
        advice_first(caught.value.problems[0])


def test_path_objects_are_understood(tmp_path):
    from airflow.sdk import ObjectStoragePath

    assert check_target(ObjectStoragePath(f"file://{tmp_path}/a.mp4")) == f"file://{tmp_path}/a.mp4"
    assert check_target(Path(tmp_path) / "a.mp4") == str(tmp_path / "a.mp4")


@pytest.mark.parametrize("task_id", ["../../../../x/PWNED", "..", ".", "", "a/b", "a\\b", "7\n", "ü", "x" * 200])
def test_an_id_never_leads_to_another_folder(task_id):
    with pytest.raises(KlingResultError, match="is no task id"):
        target_of("/data/", task_id=task_id, index=0, count=1)


@pytest.mark.parametrize(
    ("output_uri", "expected"),
    [
        ("s3://b/videos/", "s3://b/videos/7_0_watermark.mp4"),
        ("s3://b/hero.mp4", "s3://b/hero_watermark.mp4"),
        ("s3://b.c/hero", "s3://b.c/hero_watermark"),
        ("s3://b/{task_id}.{ext}", "s3://b/7_watermark.mp4"),
    ],
)
def test_the_watermarked_copy_has_its_own_name(output_uri, expected):
    assert target_of(output_uri, task_id="7", index=0, count=1, is_watermarked=True) == expected
