"""The routes of the tab: permissions, stored files, ranges, and files that are not sent."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
import requests
from support_task_routes import KEY, MP4, PNG, gives, picture

from airflow_provider_kling.plugins import stored_file
from airflow_provider_kling.plugins.web_app import STATIC
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord

JPEG = b"\xff\xd8\xff\xe0" + b"picture, really"
WAV = b"RIFF\x10\x00\x00\x00WAVEfmt "
MP3 = b"ID3\x04" + b"sound, also this"


def stores(pages, *files: Path | str, key: TaskKey = KEY) -> None:
    """Let the task's manifest name these files."""
    uris = [file.as_uri() if isinstance(file, Path) else file for file in files]
    manifest = {
        "task_id": "1",
        "external_task_id": "af-1",
        "endpoint": "image2video",
        "status": "succeed",
        "files": [{"uri": uri, "content_type": "text/html"} for uri in uris],
    }
    pages.records[key] = TaskRecord(key=key, state="success", xcoms={"return_value": manifest})


@pytest.fixture
def video(pages, tmp_path):
    file = tmp_path / "video.mp4"
    file.write_bytes(MP4)
    stores(pages, file)
    return file


@pytest.mark.parametrize("path", ["api/task", "api/file"])
@pytest.mark.parametrize(("user", "status"), [("", 401), ("stranger", 403), ("guest", 403)])
def test_nothing_is_read_or_opened_for_who_may_not_read_the_xcoms(pages, video, monkeypatch, path, user, status):
    monkeypatch.setattr(stored_file, "place_of", lambda uri: pytest.fail("a file was looked at"))
    response = pages.get(path, user=user, index=0)
    assert response.status_code == status
    assert pages.reads == []


def test_airflow_is_asked_for_task_instance_and_xcoms_of_that_dag(pages, video):
    assert pages.get("api/task").status_code == 200
    assert pages.auth.asked == [("GET", "TASK_INSTANCE", "open"), ("GET", "XCOM", "open")]
    assert pages.reads == [KEY]


@pytest.mark.parametrize(("dag_id", "status"), [("~", 400), ("", 400), ("secret", 403)])
def test_a_permission_for_one_dag_allows_no_other(pages, video, dag_id, status):
    stores(pages, video, key=TaskKey(dag_id, "r", "t", -1))
    assert pages.get("api/file", dag_id=dag_id, index=0).status_code == status
    assert pages.reads == []


def test_two_dags_in_one_address_are_the_one_that_was_asked_about(pages, video):
    response = requests.get(
        f"{pages.url}/kling/api/task?dag_id=open&dag_id=secret&run_id=r&task_id=t",
        cookies={"_token": "reader"},
        timeout=30,
    )
    assert response.status_code == 403
    assert pages.reads == []


def test_a_token_in_the_header_counts_too(pages, video):
    headers = {"Authorization": "Bearer reader"}
    assert pages.get("api/task", user="", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.mp4", MP4, "video/mp4"),
        ("a.png", PNG, "image/png"),
        ("a.jpg", JPEG, "image/jpeg"),
        ("a.wav", WAV, "audio/wav"),
        ("a.mp3", MP3, "audio/mpeg"),
    ],
)
def test_the_type_follows_from_the_kind_not_from_the_manifest(pages, tmp_path, name, content, content_type):
    (tmp_path / name).write_bytes(content)
    stores(pages, tmp_path / name)
    response = pages.get("api/file", index=0)
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Content-Type"] == content_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"].startswith("private")


def test_a_part_is_sent_as_206(pages, video):
    response = pages.get("api/file", index=0, headers={"Range": "bytes=4-7"})
    assert (response.status_code, response.content) == (206, b"ftyp")
    assert response.headers["Content-Range"] == f"bytes 4-7/{len(MP4)}"
    assert response.headers["Content-Length"] == "4"


def test_a_part_behind_the_end_is_416(pages, video):
    response = pages.get("api/file", index=0, headers={"Range": f"bytes={len(MP4)}-"})
    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(MP4)}"


def test_a_part_is_never_added_to_a_part_of_an_older_content(pages, video):
    first = pages.get("api/file", index=0, headers={"Range": "bytes=0-9"})
    again = {"Range": "bytes=10-19", "If-Range": first.headers["ETag"]}
    assert pages.get("api/file", index=0, headers=again).status_code == 206
    video.write_bytes(MP4 + b"made again")
    whole = pages.get("api/file", index=0, headers=again)
    assert (whole.status_code, whole.content) == (200, MP4 + b"made again")
    assert whole.headers["ETag"] != first.headers["ETag"]


def test_packages_of_storages_are_not_imported_in_the_api_server(pages, video, monkeypatch):
    threads = []
    asked = stored_file.is_airflow_storage
    monkeypatch.setattr(
        stored_file, "is_airflow_storage", lambda place: threads.append(threading.current_thread().name) or asked(place)
    )
    assert pages.get("api/file", index=0).status_code == 200
    assert threads == ["kling-storage"]


def test_a_file_of_several_pieces_arrives_whole(pages, video, monkeypatch):
    monkeypatch.setattr(stored_file.StoredFile, "chunk_bytes", 1000)
    assert pages.get("api/file", index=0).content == MP4
    assert pages.get("api/file", index=0, headers={"Range": "bytes=999-2001"}).content == MP4[999:2002]


def test_a_mapped_task_has_its_own_files(pages, tmp_path):
    for index in (0, 1):
        file = tmp_path / f"{index}.mp4"
        file.write_bytes(MP4 + bytes([index]))
        stores(pages, file, key=TaskKey("open", "r", "t", index))
    assert pages.get("api/file", index=0, map_index=1).content[-1] == 1
    assert pages.get("api/file", index=0).status_code == 404, "{MAP_INDEX} is the task that is not mapped"


@pytest.mark.parametrize("index", ["1", "-1", "999", "1000", "0/../1", "file:///etc/passwd", ""])
def test_only_what_the_manifest_names_can_be_asked_for(pages, video, index):
    response = pages.get("api/file", index=index)
    assert response.status_code in (404, 422)
    assert b"ftyp" not in response.content


@pytest.mark.parametrize("name", ["secret.txt", "secret", "secret.mp4.html", "airflow.cfg", "secret.svg"])
def test_a_file_of_another_kind_is_not_sent(pages, tmp_path, name):
    (tmp_path / name).write_bytes(b"sql_alchemy_conn = secret")
    stores(pages, tmp_path / name)
    response = pages.get("api/file", index=0)
    assert response.status_code == 502
    assert "secret\n" not in response.text
    assert "sql_alchemy_conn" not in response.text


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "a.jpg", "a.webp", "a.wav", "a.mp3"])
def test_a_file_that_only_claims_to_be_a_video_is_not_sent(pages, tmp_path, name):
    (tmp_path / name).write_bytes(b"<script>alert(1)</script> sql_alchemy_conn = secret")
    stores(pages, tmp_path / name)
    response = pages.get("api/file", index=0)
    assert response.status_code == 502
    assert "sql_alchemy_conn" not in response.text


@pytest.mark.parametrize(
    ("name", "content"), [("a.webp", WAV), ("a.wav", WAV.replace(b"WAVE", b"WEBP")), ("a.png", JPEG)]
)
def test_a_file_whose_content_does_not_match_its_name_is_not_sent(pages, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    stores(pages, tmp_path / name)
    assert pages.get("api/file", index=0).status_code == 502


def test_a_symbolic_link_is_checked_like_its_target(pages, tmp_path):
    (tmp_path / "secret").write_bytes(b"sql_alchemy_conn = secret")
    (tmp_path / "a.mp4").symlink_to(tmp_path / "secret")
    stores(pages, tmp_path / "a.mp4")
    assert pages.get("api/file", index=0).status_code == 502


def test_what_is_not_a_regular_file_is_not_opened(pages, tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    stores(pages, tmp_path / "pipe.mp4", tmp_path / "folder.mp4", tmp_path / "none.mp4")
    assert [pages.get("api/file", index=index).status_code for index in range(3)] == [404, 404, 404]


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "github", "zip"])
def test_a_web_server_is_not_asked_in_the_name_of_airflow(pages, scheme):
    stores(pages, f"{scheme}://169.254.169.254/latest/a.mp4")
    response = pages.get("api/file", index=0)
    assert response.status_code == 502
    assert "no storage of Airflow's" in response.json()["detail"]


@pytest.mark.parametrize(
    "files", [None, "a.mp4", [None], [{"uri": None}], [{"uri": 7}], [[]], {"0": {"uri": "/a.mp4"}}]
)
def test_a_manifest_of_any_shape_opens_nothing(pages, files):
    pages.records[KEY] = TaskRecord(key=KEY, xcoms={"return_value": {"files": files}})
    assert pages.get("api/file", index=0).status_code == 404


def test_a_storage_that_hangs_is_given_up(pages, video, monkeypatch):
    monkeypatch.setattr(stored_file.StoredFile, "read_seconds", 0.2)
    monkeypatch.setattr(stored_file, "_open", lambda *_: __import__("time").sleep(1))
    response = pages.get("api/file", index=0)
    assert response.status_code == 502
    assert "did not answer" in response.json()["detail"]


@pytest.mark.parametrize("path", ["task", "static/task.js", "static/kling.css", "api/task", "api/file", "nowhere"])
@pytest.mark.parametrize("user", ["reader", ""])
def test_every_response_forbids_foreign_scripts(pages, path, user):
    headers = pages.get(path, user=user).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["frame-ancestors"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["static/../web_app.py", "static/%2e%2e/web_app.py", "static/..%2fweb_app.py"])
def test_static_files_cannot_be_left_with_dots(pages, path):
    request = requests.Request("GET", pages.url, cookies={"_token": "reader"}).prepare()
    request.url = f"{pages.url}/kling/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=30).status_code == 404


def test_no_page_has_a_script_or_a_style_of_its_own():
    for page in STATIC.glob("*.html"):
        text = page.read_text()
        assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|<style|\sstyle=", text) == []
    for script in STATIC.glob("*.js"):
        assert (
            re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", script.read_text())
            == []
        )
        assert len(script.read_text().splitlines()) < 200


def test_a_task_that_airflow_does_not_have_is_404(pages):
    assert pages.get("api/task").status_code == 404


def test_a_file_on_object_storage_is_played_from_there(pages, object_store):
    object_store.write("films/a.mp4", MP4)
    stores(pages, "s3://store@videos/films/a.mp4", "s3://store@videos/films/none.mp4", "s3://store@videos/films/")
    assert pages.get("api/file", index=0).content == MP4
    part = pages.get("api/file", index=0, headers={"Range": "bytes=-3"})
    assert (part.status_code, part.content) == (206, MP4[-3:])
    assert pages.get("api/file", index=1).status_code == 404
    assert pages.get("api/file", index=2).status_code == 502
    assert set(object_store.actions) <= {"get", "list", "put"}, "nothing is written; the one PUT is the test's own"


def test_a_storage_refusal_gives_the_reason_and_no_credential(pages, object_store):
    object_store.write("a.mp4", MP4)
    object_store.refused = {"get", "list"}
    stores(pages, "s3://store@videos/a.mp4")
    response = pages.get("api/file", index=0)
    assert response.status_code == 502
    assert response.json()["detail"].startswith("Give the API server the storage's connection")
    assert "secretsecret" not in response.text


def test_a_file_on_google_cloud_storage_is_played_from_there_in_parts(pages, tmp_path, google_store):
    google_store.write("films/a #1.mp4", MP4)
    stores(pages, "gs://google@videos/films/a #1.mp4", "gs://google@videos/films/none.mp4")
    assert pages.get("api/file", index=0).content == MP4
    part = pages.get("api/file", index=0, headers={"Range": "bytes=1000-1099"})
    assert (part.status_code, part.content) == (206, MP4[1000:1100])
    assert part.headers["Content-Range"] == f"bytes 1000-1099/{len(MP4)}"
    assert pages.get("api/file", index=1).status_code == 404
    google_store.write("a.jpg", picture(tmp_path / "a.jpg").read_bytes())
    gives(pages, "gs://google@videos/a.jpg")
    assert pages.get("api/frame", index=0).content.startswith(b"\xff\xd8\xff")
