"""Results that Airflow's own XCom backend keeps in object storage: the pages show them, and nothing else from there."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from airflow_provider_kling.plugins import stored_file, xcom_values
from airflow_provider_kling.utils._airflow import xcom_references
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils._airflow.run_reader import RunTask

backend = pytest.importorskip("airflow.providers.common.io.xcom.backend", reason="the provider common.io is missing")

KEY = TaskKey("open", "r", "t", -1)
OPERATOR = "KlingImageToVideoOperator"
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 4
MANIFEST = {
    "task_id": "7",
    "external_task_id": "af-1",
    "endpoint": "image2video",
    "status": "succeed",
    "units": "3",
    "videos": [{"id": "v", "url": "https://host.example/7.mp4"}],
}


class Backend:
    """
    Airflow's own backend, as a worker runs it.

    :param base: where it keeps values.
    """

    def __init__(self, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base = base
        settings = {"CORE__XCOM_BACKEND": xcom_references.BACKEND, "COMMON_IO__XCOM_OBJECTSTORAGE_PATH": base}
        settings |= {"COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "0"}
        for name, value in settings.items():
            monkeypatch.setenv(f"AIRFLOW__{name}", value)
        self._forget()

    def push(self, value: object, *, dag_id: str = "open", task_id: str = "t") -> str:
        """What the database has of a value afterwards."""
        self._forget()
        pushed = {"key": "return_value", "dag_id": dag_id, "run_id": "manual__2025-01-01T00:00:00+00:00"}
        return str(backend.XComObjectStorageBackend.serialize_value(value, task_id=task_id, **pushed))

    @staticmethod
    def _forget() -> None:
        for cached in (backend._get_base_path, backend._get_threshold, backend._get_compression):
            cached.cache_clear()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The backend in a folder of this machine."""
    monkeypatch.setattr(xcom_values, "_cache", xcom_values._Cache())
    return Backend((tmp_path / "xcoms").as_uri(), monkeypatch)


def task(pages, reference: str, **more: object) -> dict:
    """What the tab says of a task of which the database has only a reference."""
    xcoms = {"return_value": reference, **more}
    pages.records[KEY] = TaskRecord(key=KEY, state="success", operator=OPERATOR, xcoms=xcoms)
    return pages.get("api/task").json()


def test_the_tab_shows_and_plays_what_is_kept_there(pages, kept, tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(MP4)
    reference = kept.push({**MANIFEST, "files": [{"uri": file.as_uri(), "bytes": len(MP4)}]})
    assert reference.startswith(f"{kept.base}/open/")
    view = task(pages, reference, submission=kept.push({"estimate": "3 units"}), task_id=kept.push("7"))
    assert (view["headline"], view["sentence"], view["results"][0]["title"]) == ("Done", "", "a.mp4")
    facts = {row["label"]: row["value"] for row in view["facts"]}
    assert (facts["Estimated cost"], facts["Units charged"]) == ("3 units", "3")
    assert pages.get("api/file", index=0).content == MP4


def test_the_gallery_shows_and_plays_what_is_kept_there(pages, kept, tmp_path):
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(json.dumps({"key": "cat", "status": "running"}) + "\n")
    file = tmp_path / "a.mp4"
    file.write_bytes(MP4)
    reference = kept.push({**MANIFEST, "files": [{"uri": file.as_uri()}]})
    pages.tasks = [
        RunTask("one", 0, state="success", operator=OPERATOR, xcoms={"return_value": reference}),
        RunTask("all", state="deferred", operator=OPERATOR, xcoms={"manifest_uri": kept.push(manifest.as_uri())}),
    ]
    response = pages.get("api/run").json()
    assert [(card["name"], card["state"], card["units"]) for card in response["cards"]] == [
        ("one 0", "done", "3"),
        ("cat", "making", ""),
    ]
    assert response["notes"] == []
    assert pages.get("api/run/file", task_id="one", map_index=0).content == MP4


def test_what_is_kept_packed_is_unpacked_to_a_bounded_size(pages, kept, monkeypatch):
    monkeypatch.setenv("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_COMPRESSION", "gzip")
    reference = kept.push(MANIFEST)
    assert reference.endswith(".gz")
    assert task(pages, reference)["results"][0]["link"] == "https://host.example/7.mp4"
    path = Path(place_of(reference).rest)
    for content in (gzip.compress(b" " * (1 << 20) + b"{}"), b"{}" + os.urandom(1 << 20), b""):
        path.write_bytes(content)
        monkeypatch.setattr(xcom_values, "_cache", xcom_values._Cache())
        view = task(pages, reference)
        assert view["results"] == []
        assert "256 KiB" in view["sentence"]


def test_a_value_on_s3_is_read_with_its_connection(pages, object_store, monkeypatch):
    monkeypatch.setattr(xcom_values, "_cache", xcom_values._Cache())
    kept = Backend("s3://store@videos/xcoms", monkeypatch)
    reference = kept.push(MANIFEST)
    assert reference.startswith("s3://store@videos/xcoms/open/")
    assert task(pages, reference)["results"][0]["link"] == "https://host.example/7.mp4"
    object_store.refused = {"get", "list"}
    view = task(pages, kept.base + "/open/r/t/none.json")
    assert view["sentence"].startswith("Give the API server the storage's connection and provider package")
    assert "secretsecret" not in str(view)


@pytest.mark.parametrize(("user", "status"), [("", 401), ("stranger", 403), ("guest", 403)])
def test_nothing_is_looked_at_for_who_may_not_read_the_xcoms(pages, kept, monkeypatch, user, status):
    task(pages, kept.push(MANIFEST))
    monkeypatch.setattr(xcom_values, "read_json", lambda place: pytest.fail("a value was read"))
    for path in ("api/task", "api/file", "api/run"):
        assert pages.get(path, user=user, index=0).status_code == status


@pytest.mark.parametrize(
    "reference",
    [
        "{base}/secret/r/t/x.json",
        "{base}/open/../secret/r/t/x.json",
        "{base}/open/./../secret/r/t/x.json",
        "{base}/open//../secret/r/t/x.json",
        "{base}/openly/r/t/x.json",
        "{base}/../open/r/t/x.json",
        "file:///etc/passwd",
        "s3://xcoms/open/r/t/x.json",
        "file://conn@{path}/open/r/t/x.json",
        "http://127.0.0.1:1/open/r/t/x.json",
        "{path}/open/r/t/x.json",
    ],
)
def test_a_text_that_a_dag_pushed_leads_to_nothing_but_its_own_values(pages, kept, monkeypatch, reference):
    monkeypatch.setattr(xcom_values, "read_json", lambda place: pytest.fail(f"{place.rest} was read"))
    view = task(pages, reference.format(base=kept.base, path=kept.base.removeprefix("file://")))
    assert view["results"] == []


@pytest.mark.parametrize("name", ["other/x.json", "xcoms/x.json", "xcoms/openly/x.json", "xcoms/open"])
def test_on_s3_too_nothing_beside_the_folder_is_a_reference(name, monkeypatch):
    Backend("s3://store@videos/xcoms", monkeypatch)
    folder = xcom_references.folder_of("open")
    assert xcom_references.place_in(folder, "s3://store@videos/xcoms/open/x.json") is not None
    assert xcom_references.place_in(folder, f"s3://store@videos/{name}") is None


@pytest.mark.parametrize("dag_id", ["..", ".", ""])
def test_a_dag_whose_name_is_a_step_up_has_no_folder(kept, dag_id):
    assert xcom_references.folder_of("open") is not None
    assert xcom_references.folder_of(dag_id) is None


@pytest.mark.parametrize("setting", ["CORE__XCOM_BACKEND", "COMMON_IO__XCOM_OBJECTSTORAGE_PATH"])
def test_a_setting_that_the_server_lacks_is_named(pages, kept, monkeypatch, setting):
    reference = kept.push(MANIFEST)
    monkeypatch.delenv(f"AIRFLOW__{setting}")
    view = task(pages, reference)
    assert view["results"] == []
    assert "[common.io] xcom_objectstorage_path for the API server" in view["sentence"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 100_000, b"{", b"1" * 5000])
def test_invalid_json_is_reported_and_stops_nothing(pages, kept, content):
    reference = kept.push(MANIFEST)
    Path(place_of(reference).rest).write_bytes(content)
    view = task(pages, reference)
    assert (view["results"], view["sentence"][:19]) == ([], "Give the API server")


def test_an_object_of_a_class_stays_data(pages, kept):
    marked = {**MANIFEST, "units": {"__classname__": "builtins.eval", "__version__": 1, "__data__": "1"}}
    reference = kept.push(MANIFEST)
    Path(place_of(reference).rest).write_text(json.dumps(marked))
    assert task(pages, reference)["results"][0]["link"] == "https://host.example/7.mp4"


def test_what_is_not_a_file_is_not_opened(pages, kept):
    reference = kept.push(MANIFEST)
    path = Path(place_of(reference).rest)
    path.unlink()
    os.mkfifo(path)
    assert "cannot be read (FileNotFoundError" in task(pages, reference)["sentence"]


def test_values_are_read_once_a_while_and_a_storage_that_hangs_is_given_up(pages, kept, monkeypatch):
    read = []
    monkeypatch.setattr(xcom_values, "read_json", lambda place: read.append(place) or json.dumps(MANIFEST).encode())
    reference = kept.push(MANIFEST)
    for _ in range(3):
        assert len(task(pages, reference)["results"]) == 1
    assert len(read) == 1
    monkeypatch.setattr(xcom_values, "CACHE_SECONDS", 0.0)
    task(pages, reference)
    assert len(read) == 2
    monkeypatch.setattr(stored_file.StoredFile, "read_seconds", 0.2)
    monkeypatch.setattr(xcom_values, "read_json", lambda place: __import__("time").sleep(1))
    assert "did not answer" in task(pages, reference)["sentence"]


def test_few_values_are_kept_in_memory(monkeypatch):
    monkeypatch.setattr(xcom_values, "CACHE_BYTES", 100)
    kept = xcom_values._Cache()
    for number in range(10):
        kept.add(str(number), b"x" * 40)
    kept.add("9", b"y" * 40)
    assert [kept.get(str(number)) for number in (7, 8, 9)] == [None, b"x" * 40, b"y" * 40]


def test_a_batch_manifest_that_the_server_cannot_read_is_reported(pages, kept):
    lost = f"{kept.base}/open/r/all/none"
    pages.tasks = [RunTask("all", state="deferred", operator=OPERATOR, xcoms={"manifest_uri": lost})]
    (note,) = pages.get("api/run").json()["notes"]
    assert note.startswith("Give the API server the storage's connection")


def test_a_run_with_too_many_values_is_reported(pages, kept, monkeypatch):
    monkeypatch.setattr(xcom_values, "MAX_READS", 2)
    monkeypatch.setattr(xcom_values, "MAX_VALUES", 10)
    pages.tasks = [
        RunTask("one", number, state="success", operator=OPERATOR, xcoms={"return_value": kept.push(MANIFEST)})
        for number in range(6)
    ]
    response = pages.get("api/run").json()
    assert [card["units"] for card in response["cards"]].count("3") == 2
    assert response["notes"] == ["Try again: some results are not shown, their XComs in object storage take too long."]


def test_nothing_of_other_peoples_tasks_is_disclosed(pages, kept):
    lost = f"{kept.base}/open/r/t/none"
    pages.records[KEY] = TaskRecord(key=KEY, state="success", operator="SqlOperator", xcoms={"return_value": lost})
    view = pages.get("api/task").json()
    assert (view["is_kling"], "none" in str(view)) == (False, False)
