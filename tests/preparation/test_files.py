"""Which values are images, how they are read, and the errors for invalid ones."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import json
import os
import pickle
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from airflow.serialization.helpers import serialize_template_field
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image
from support import advice_first

from airflow_provider_kling.exceptions import KlingStorageError
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.media import MAX_IMAGE_BYTES, FileLoadError, InlineImage

ROCKET = Path(__file__).parents[2] / "example_dags" / "images" / "rocket.jpg"
PHOTO = ROCKET.read_bytes()
BASE64 = base64.b64encode(PHOTO).decode()
DIGEST = hashlib.sha256(PHOTO).hexdigest()
SUMMARY = f"<inline image: image/jpeg, 640x427, 112525 bytes, sha256 {DIGEST[:12]}…>"


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 300)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, kind)
    return stream.getvalue()


def failure(value, **kwargs) -> str:
    with pytest.raises(FileLoadError) as caught:
        load_image(value, field="image", **kwargs)
    return advice_first(str(caught.value))


@pytest.mark.parametrize(
    "value",
    [
        PHOTO,
        bytearray(PHOTO),
        memoryview(PHOTO),
        BASE64,
        f"  {BASE64}\n",
        "\n".join(BASE64[i : i + 76] for i in range(0, len(BASE64), 76)),
        "\r\n".join(BASE64[i : i + 64] for i in range(0, len(BASE64), 64)),
        base64.urlsafe_b64encode(PHOTO).decode(),
        f"data:image/jpeg;base64,{BASE64}",
        f"DATA:image/jpeg;charset=x;BASE64,{BASE64}",
        str(ROCKET),
        ROCKET,
        f"file://{ROCKET}",
        ObjectStoragePath(f"file://{ROCKET}"),
        InlineImage(PHOTO),
        InlineImage(BASE64),
        InlineImage(f"data:image/jpeg;base64,{BASE64}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_way_to_give_an_image_reaches_kling_as_the_same_raw_base64(value):
    loaded = load_image(value, field="image")
    assert loaded.payload == BASE64
    assert loaded.digest == DIGEST
    assert (loaded.header.format, loaded.header.width, loaded.header.height) == ("jpeg", 640, 427)
    assert loaded.header.bytes == len(PHOTO)
    assert loaded.header.complete


@pytest.mark.parametrize(
    "url", ["https://x.example/cat.jpg?sig=1", "HTTP://x.example/cat", " https://127.0.0.1:1/none "]
)
def test_a_url_is_passed_on_and_never_opened(url):
    loaded = load_image(url, field="image")
    assert (loaded.payload, loaded.digest, loaded.header) == (url.strip(), None, None)


def test_a_relative_path_is_found_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "cat.png").write_bytes(picture())
    monkeypatch.chdir(tmp_path)
    assert load_image("cat.png", field="image").header.format == "png"


def test_an_existing_file_wins_over_base64_of_the_same_letters(tmp_path, monkeypatch):
    name = BASE64[:100].replace("/", "A")
    (tmp_path / name).write_bytes(picture())
    monkeypatch.chdir(tmp_path)
    assert load_image(name, field="image").header.format == "png"


def test_an_object_storage_uri_is_read_with_the_given_connection():
    filesystem = MemoryFileSystem()
    filesystem.pipe("/bucket/cat.png", picture())
    attach("memory", conn_id="pictures", fs=filesystem)
    loaded = load_image("memory://bucket/cat.png", field="image", conn_id="pictures")
    assert loaded.header.width == 400


@pytest.mark.parametrize("uri", ["foo://bar/key", "x-y://[::", "file://" + "a" * 300, "file://\0", "a" * 300 + "/\0"])
def test_an_address_that_cannot_exist_is_refused_with_a_message(uri):
    assert "image=" in failure(uri)


def test_a_storage_outage_is_not_called_a_bad_request():
    class Unreachable(MemoryFileSystem):
        def _open(self, path, mode="rb", **kwargs):
            raise ConnectionResetError("storage is down: https://s3.example/key.png%3FX-Amz-Signature%3Dsecret")

    attach("memory", conn_id="unreachable", fs=Unreachable())
    with pytest.raises(KlingStorageError, match="nothing was sent or paid") as caught:
        load_image("memory://bucket/cat.png", field="image", conn_id="unreachable")
    assert caught.value.transient
    assert "ConnectionResetError: storage is down" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unknown_storage_is_refused_with_a_hint_at_its_provider_package():
    text = failure("nowhere://aws_default@bucket/key.png?X-Amz-Signature=secret")
    assert "image='nowhere://" in text
    assert "provider package" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "value", ["nope.png", "/no/such/cat.jpg", "file:///no/such/cat.jpg", Path("/no/such/cat.jpg"), "cat"]
)
def test_a_missing_file_is_named(value):
    text = failure(value)
    assert "there is no such file" in text
    assert str(value)[-3:] in text


def test_a_directory_is_not_an_image(tmp_path):
    assert "is not a file" in failure(str(tmp_path))
    # The words depend on the release of the storage library.
    text = failure(f"file://{tmp_path}")
    assert "cannot be read" in text or "is not a file" in text


def test_a_device_is_not_read_at_all():
    assert "is not a file" in failure("/dev/zero")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.png").touch()
    assert "is empty" in failure(tmp_path / "empty.png")


def test_a_file_without_read_permission_is_named(tmp_path, monkeypatch):
    path = tmp_path / "locked.png"
    path.write_bytes(picture())
    refused = os.open

    def locked(name, *args, **kwargs):
        if str(name) == str(path):
            # Not chmod: root may read everything.
            raise PermissionError(errno.EACCES, "Permission denied", str(name))
        return refused(name, *args, **kwargs)

    monkeypatch.setattr("airflow_provider_kling.preparation.files.os.open", locked)
    assert "cannot be read" in failure(path)


def test_ten_megabytes_pass_and_one_byte_more_does_not(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(picture().ljust(MAX_IMAGE_BYTES, b"\0"))
    assert load_image(path, field="image").header.bytes == MAX_IMAGE_BYTES
    with path.open("ab") as stream:
        stream.write(b"\0")
    assert "10485760 bytes (10 MB)" in failure(path)


def test_a_sparse_file_of_a_terabyte_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as stream:
        stream.truncate(2**40)
    assert "10 MB" in failure(str(path))


def test_base64_of_more_than_ten_megabytes_is_refused():
    assert "10 MB" in failure(InlineImage("A" * (MAX_IMAGE_BYTES * 2 + 1)))
    assert "10 MB" in failure(b"\0" * (MAX_IMAGE_BYTES + 1))


@pytest.mark.parametrize(
    "value",
    [
        BASE64[:-1],
        f"data:image/png;base64,{BASE64[:401]}",
        "data:image/png;base64,%%%",
        InlineImage("/9j/" + "é" * 90),
        "not base64! " * 400,
        "/9j/" + "." * 60,
    ],
)
def test_bad_base64_is_refused_without_repeating_it(value):
    text = failure(value)
    assert "is not valid base64" in text
    assert BASE64[:20] not in text


@pytest.mark.parametrize("value", ["data:image/png,abc", "data:", "data:image/png;base64"])
def test_a_data_uri_without_base64_is_refused(value):
    assert "data: URI without" in failure(value)


@pytest.mark.parametrize("value", [5, {"url": "x"}, ["a"], None, 1.5, True])
def test_a_value_of_another_type_is_refused(value):
    assert f"type {type(value).__name__}" in failure(value)


def test_html_text_is_called_html():
    assert "is HTML" in failure("<!doctype html><html></html>")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n <!DOCTYPE html><html>login</html>", "HTML or XML page"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "HEIC, AVIF or video"),
        (PHOTO[:20], "damaged or cut"),
        (picture()[:20], "damaged or cut"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 64, "damaged or cut"),
        (b"garbage" * 9, "is not a picture"),
    ],
)
def test_content_that_is_not_an_image_is_named_in_the_error(content, reason):
    loaded = load_image(content, field="image")
    assert loaded.header is None
    assert reason in loaded.problem


def test_a_decompression_bomb_is_recognised_from_its_header():
    header = bytearray(picture())
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    assert "decompression bomb" in load_image(bytes(header), field="image").problem


@pytest.mark.parametrize("content", [PHOTO[: len(PHOTO) // 2], picture("PNG", (900, 900))[:-20]])
def test_an_image_without_its_end_is_known_to_be_cut(content):
    assert load_image(content, field="image").header.complete is False


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF", "PNG", "JPEG"])
def test_the_format_is_read_from_the_content(kind):
    assert load_image(picture(kind), field="image").header.format == kind.lower()


def test_a_phone_s_jpeg_with_a_second_image_inside_is_a_jpeg():
    stream = io.BytesIO()
    first, second = Image.new("RGB", (400, 300)), Image.new("RGB", (400, 300))
    first.save(stream, "MPO", save_all=True, append_images=[second])
    assert load_image(stream.getvalue(), field="image").header.format == "jpeg"


@pytest.mark.parametrize("content", [PHOTO, BASE64, f"data:image/jpeg;base64,{BASE64}"])
def test_inline_content_shows_itself_as_one_line(content):
    inline = InlineImage(content)
    assert str(inline) == repr(inline) == inline.serialize() == SUMMARY
    assert f"{[inline]}" == f"[{SUMMARY}]"
    assert serialize_template_field(inline, "image") == SUMMARY
    assert pickle.loads(pickle.dumps(inline)) == inline
    assert inline.content == content


def test_content_that_is_not_an_image_has_a_line_too():
    assert str(InlineImage("data:image/png;base64,%%%")) == "<inline image: not base64, 25 characters>"
    assert "unknown format, 3 bytes" in str(InlineImage(b"abc"))


def test_equal_content_is_equal():
    assert InlineImage(PHOTO) == InlineImage(PHOTO)
    assert len({InlineImage(PHOTO), InlineImage(PHOTO)}) == 1
    assert InlineImage(PHOTO) != PHOTO


@pytest.mark.parametrize("value", [PHOTO, bytearray(PHOTO), BASE64, f"data:image/jpeg;base64,{BASE64}", "data:x"])
def test_image_content_is_redacted(value):
    assert isinstance(redact_images(value), InlineImage)


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "https://x.example/" + "a" * 400,
        "s3://bucket/" + "a" * 400,
        "/9j/short",
        "cat.png",
        "{{ params.image }}",
        "data:image/png;base64,{{ params.image }}",
        "{% if x %}" + "a" * 400,
        ROCKET,
        '[{"mask": "https://x.example/m.png"}]',
        "[not json",
        InlineImage(b"x"),
    ],
)
def test_addresses_templates_and_everything_else_stay_as_they_are(value):
    assert redact_images(value) is value


def test_masks_are_redacted_inside_lists_objects_and_json_text():
    masks = [{"mask": BASE64, "trajectories": [{"x": 1, "y": 2}]}, {"mask": "https://x.example/m.png"}]
    for value in (masks, json.dumps(masks)):
        hidden = redact_images(value)
        assert isinstance(hidden[0]["mask"], InlineImage)
        assert hidden[0]["trajectories"] == [{"x": 1, "y": 2}]
        assert hidden[1] == masks[1]
        assert BASE64[:40] not in str(hidden)
    assert masks[0]["mask"] is BASE64


def test_redacting_twice_changes_nothing():
    once = redact_images([{"mask": BASE64}])
    assert redact_images(once) == once
