"""Thumbnails of the images that a task was given."""

from __future__ import annotations

import io
import os
import subprocess

import pytest
from PIL import Image
from support_task_routes import MP4, PNG, gives, picture

from airflow_provider_kling.plugins import stored_file
from airflow_provider_kling.results import poster


@pytest.mark.parametrize("name", ["a.jpg", "a.PNG", "a.jpeg"])
def test_an_image_of_a_field_is_encoded_again_and_small(pages, tmp_path, name):
    gives(pages, "https://h.example/a.png", picture(tmp_path / name))
    response = pages.get("api/frame", index=1)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/jpeg")
    assert response.headers["Cache-Control"].startswith("private")
    shown = Image.open(io.BytesIO(response.content))
    assert (shown.format, shown.size) == ("JPEG", (480, 320))
    red, green, blue = shown.getpixel((240, 160))
    assert (red > 180, green < 60, blue < 60) == (True, True, True)


def test_nothing_else_of_an_images_file_is_sent(pages, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right
    exif[0x010E] = "taken at home"
    file = picture(tmp_path / "a.jpg", exif=exif)
    file.write_bytes(file.read_bytes() + b"sql_alchemy_conn = secret")
    gives(pages, file)
    content = pages.get("api/frame", index=0).content
    assert Image.open(io.BytesIO(content)).size == (320, 480)
    assert b"home" not in content
    assert b"secret" not in content


@pytest.mark.parametrize(("user", "status"), [("", 401), ("stranger", 403), ("guest", 403)])
def test_no_image_is_looked_at_for_who_may_not_read_the_task(pages, tmp_path, monkeypatch, user, status):
    gives(pages, picture(tmp_path / "a.jpg"))
    monkeypatch.setattr(stored_file, "place_of", lambda uri: pytest.fail("a file was looked at"))
    assert pages.get("api/frame", user=user, index=0).status_code == status
    assert pages.reads == []


def test_the_fields_of_other_peoples_tasks_open_nothing(pages, tmp_path):
    gives(pages, picture(tmp_path / "a.jpg"), operator="KubernetesPodOperator")
    assert pages.get("api/frame", index=0).status_code == 404


def test_whatever_is_not_an_image_gets_one_and_the_same_response(pages, tmp_path):
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "cut.png").write_bytes(PNG)
    (tmp_path / "half.jpg").write_bytes(picture(tmp_path / "whole.jpg", (90, 90)).read_bytes()[:500])
    (tmp_path / "video.mp4").write_bytes(MP4)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    picture(tmp_path / "bomb.png", (9000, 9000), compress_level=9)
    picture(tmp_path / "other.jpg", format="TIFF")
    large = picture(tmp_path / "large.jpg")
    large.write_bytes(large.read_bytes() + bytes(poster.MAX_PICTURE_BYTES))
    names = ["secret.txt", "secret.jpg", "cut.png", "half.jpg", "video.mp4", "folder.jpg", "pipe.jpg", "bomb.png"]
    gives(pages, *(tmp_path / name for name in [*names, "other.jpg", "none.jpg"]))
    answers = [pages.get("api/frame", index=index) for index in range(10)]
    gives(pages, large, "http://127.0.0.1:1/a.jpg", "ftp://127.0.0.1/a.jpg", "nowhere://b/a.jpg")
    answers += [pages.get("api/frame", index=index) for index in range(5)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_a_decoder_that_does_not_end_is_ended(pages, tmp_path, monkeypatch):
    gives(pages, picture(tmp_path / "a.jpg"))
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *given, timeout, **more: run(*given, timeout=0.001, **more))
    assert pages.get("api/frame", index=0).status_code == 404


def test_the_decoder_has_none_of_the_servers_environment(tmp_path, monkeypatch):
    asked = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: asked.append(k["env"]) or run(*a, **k))
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    assert poster.make_thumbnail(picture(tmp_path / "a.jpg").read_bytes()).startswith(b"\xff\xd8\xff")
    assert "secret" not in str(asked)


def test_an_image_on_object_storage_is_shown(pages, tmp_path, object_store):
    object_store.write("a.jpg", picture(tmp_path / "a.jpg").read_bytes())
    gives(pages, "s3://store@videos/a.jpg")
    assert pages.get("api/frame", index=0).content.startswith(b"\xff\xd8\xff")
