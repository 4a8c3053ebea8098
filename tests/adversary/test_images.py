"""Invalid files, unavailable storage, damaged images, and image content that must not be shown."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import socket
import types
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support import PHOTOGRAPH, advice_first

from airflow_provider_kling.exceptions import KlingError, KlingStorageError
from airflow_provider_kling.operators import (
    KlingImageToVideoBatchOperator,
    KlingImageToVideoOperator,
    KlingTextToVideoOperator,
)
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.formatting import is_inline
from airflow_provider_kling.products.media import MAX_IMAGE_BYTES, FileLoadError, InlineImage
from airflow_provider_kling.products.problem import Request
from airflow_provider_kling.products.rules import check
from airflow_provider_kling.products.video import IMAGE2VIDEO


def failure(value) -> str:
    with pytest.raises(FileLoadError) as caught:
        load_image(value, field="image")
    return advice_first(str(caught.value))


def ways(path) -> list:
    """Every way to name a local file."""
    return [str(path), Path(path), f"file://{path}", ObjectStoragePath(f"file://{path}")]


# What is no file


@pytest.mark.parametrize("way", range(4))
def test_a_pipe_is_refused_and_never_waited_for(tmp_path, way):
    os.mkfifo(tmp_path / "pipe.png")
    assert "is not a file" in failure(ways(tmp_path / "pipe.png")[way])


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused_and_never_read(device, way):
    assert "is not a file" in failure(ways(device)[way])


@pytest.mark.parametrize("way", range(4))
def test_a_folder_is_refused(tmp_path, way):
    assert "is not a file" in failure(ways(tmp_path)[way])


@pytest.mark.parametrize("way", range(4))
def test_a_socket_is_refused(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)  # the name of a socket has a short limit
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.png")
        assert "image=" in failure(ways(tmp_path / "s.png")[way])


@pytest.mark.parametrize("way", range(4))
def test_links_are_followed_and_their_loops_are_named(tmp_path, way):
    (tmp_path / "link.jpg").symlink_to(PHOTOGRAPH)
    assert load_image(ways(tmp_path / "link.jpg")[way], field="image").header.width == 640
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert "image=" in failure(ways(tmp_path / "loop.jpg")[way])
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert "there is no such file" in failure(ways(tmp_path / "gone.jpg")[way])


@pytest.mark.parametrize("way", range(4))
def test_a_huge_file_is_refused_by_its_first_ten_megabytes(tmp_path, way):
    with (tmp_path / "huge.png").open("wb") as stream:
        stream.truncate(2**40)
    assert "10 MB" in failure(ways(tmp_path / "huge.png")[way])


# Storage


def stored(error: Exception | None = None, endless: bool = False):
    class Storage(MemoryFileSystem):
        def _open(self, path, mode="rb", **kwargs):
            if error:
                raise error
            return Endless() if endless else super()._open(path, mode, **kwargs)

    return Storage()


class Endless(io.RawIOBase):
    asked = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert 0 < size <= MAX_IMAGE_BYTES + 1
        return b"\0" * size


class UnknownStorageError(Exception):
    """Storages have errors of their own that are no OSError."""


SIGNED = "at https://user:secret@s3.example/cat.png?X-Amz-Signature=secret"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(SIGNED),
        TimeoutError(SIGNED),
        OSError(5, SIGNED),
        UnknownStorageError(SIGNED),
        RuntimeError("x" * 10_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_storage_that_is_away_is_an_error_that_a_retry_may_fix(error):
    attach("memory", conn_id=f"away_{type(error).__name__}", fs=stored(error))
    with pytest.raises(KlingStorageError) as caught:
        prepare(IMAGE2VIDEO, {"image": "memory://b/cat.png"}, image_conn_id=f"away_{type(error).__name__}")
    text = str(caught.value)
    assert caught.value.transient
    assert text.startswith("Retry when the storage of image answers: nothing was sent or paid.\n")
    assert "secret" not in text
    assert len(text) < 500
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("error", [PermissionError("no"), IsADirectoryError("no"), ValueError("bad bucket name")])
def test_an_error_that_a_retry_would_repeat_is_a_problem_of_the_request(error):
    attach("memory", conn_id=f"never_{type(error).__name__}", fs=stored(error))
    with pytest.raises(FileLoadError, match="cannot be read"):
        load_image("memory://b/cat.png", field="image", conn_id=f"never_{type(error).__name__}")


def test_no_more_than_the_limit_is_read_of_a_stored_image():
    attach("memory", conn_id="endless", fs=stored(endless=True))
    with pytest.raises(FileLoadError, match="10 MB"):
        load_image("memory://b/cat.png", field="image", conn_id="endless")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE, errno.ETIMEDOUT])
def test_a_network_disk_that_is_away_is_an_outage_too(monkeypatch, number):
    def away(*_):
        raise OSError(number, "away")

    monkeypatch.setattr("airflow_provider_kling.preparation.files.os.open", away)
    with pytest.raises(KlingStorageError, match="Retry when the storage of image answers"):
        load_image(PHOTOGRAPH, field="image")


# Damaged pictures


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((40, 30), 50).save(stream, kind)
    return stream.getvalue()


PICTURES = {kind: picture(kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")}
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(sorted(PICTURES)), edits=EDITS, head=st.booleans(), cut=st.floats(0, 1), more=st.binary())
def test_a_damaged_image_is_a_problem_or_an_image_and_never_a_crash(kind, edits, head, cut, more):
    content = bytearray(PICTURES[kind])
    size = min(len(content), 64) if head else len(content)
    for place, byte in edits:
        content[int(place * (size - 1))] = byte
    damaged = bytes(content[: max(1, int(cut * len(content)))]) + more
    loaded = load_image(damaged, field="image")
    assert bool(loaded.header) is not bool(loaded.problem)
    images = {"image": loaded, "static_mask": loaded, "dynamic_masks[0].mask": load_image(PHOTOGRAPH, field="x")}
    body = {"image": "x", "static_mask": "x", "dynamic_masks": [{"mask": "x", "trajectories": []}]}
    for problem in check(Request(IMAGE2VIDEO, body, images)):
        advice_first(problem.sentence)


def test_an_image_without_pixels_is_none():
    content = bytearray(PICTURES["BMP"])
    content[18:22] = bytes(4)  # the width
    loaded = load_image(bytes(content), field="image")
    assert loaded.header is None
    assert loaded.problem


# One rule for loading and for redacting

TEXT = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
SMALL = base64.b64encode(PICTURES["PNG"]).decode()


def wrapped(text: str, width: int, end: str = "\n") -> str:
    return end.join(text[i : i + width] for i in range(0, len(text), width))


CONTENT = [
    PHOTOGRAPH.read_bytes(),
    bytearray(PHOTOGRAPH.read_bytes()),
    memoryview(PHOTOGRAPH.read_bytes()),
    TEXT,
    SMALL,
    wrapped(TEXT, 76),
    wrapped(TEXT, 64, "\r\n"),
    wrapped(SMALL, 40),
    f"\n  {SMALL}\n",
    TEXT.replace("+", "-").replace("/", "_"),
    f"data:image/jpeg;base64,{TEXT}",
    f"DATA:image/png;charset=utf-8;name=a.png;Base64,{wrapped(SMALL, 76)}",
    "data:;base64,AAAA",
    "data:image/png;base64," + SMALL.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D"),
    "data:image/png;x={{ y }};base64," + SMALL,
    *(base64.b64encode(content).decode() for content in PICTURES.values()),
]


@pytest.mark.parametrize("value", CONTENT, ids=range(len(CONTENT)))
def test_what_is_loaded_as_content_is_redacted(value):
    assert load_image(value, field="image").digest
    assert isinstance(redact_images(value), InlineImage)
    assert load_image(redact_images(value), field="image") == load_image(value, field="image")


@pytest.mark.parametrize(
    "value",
    [
        "https://x.example/" + "a" * 5000,
        "memory://bucket/" + "A" * 5000,
        "/data/" + "A" * 200 + "/cat.png",
        "a sentence of plain words without any dot or comma " * 100,
        "word " * 2000,
        "{{ params.image }}",
        "data:image/png;base64,{{ params.image }}",
        "data: image/png;base64," + SMALL,
        "Data: a chart that grows, and grows",
        "Qk0_is_a_name.jpg",
        "x" * 255,
        "короткий текст " * 400,
    ],
)
def test_what_is_not_content_is_neither_redacted_nor_decoded(value):
    assert redact_images(value) is value
    if not value.startswith("https"):
        with pytest.raises((FileLoadError, KlingError)):
            load_image(value, field="image")


LONG = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()


@pytest.mark.parametrize(
    "value",
    [
        f'"{LONG}"',
        f"\ufeff{LONG}",
        f"image: {LONG}",
        f'{{"image": "{LONG}',
        f"<img src='data:image/jpeg;base64,{LONG}'>",
        str(PHOTOGRAPH.read_bytes()),
    ],
    ids=["quotes", "byte order mark", "a word before", "half of a JSON text", "HTML", "bytes as Python prints them"],
)
def test_content_that_nobody_can_load_shows_nowhere_either(value):
    assert redact_images(value) is not value
    assert len(repr(redact_images(value))) < 100
    assert LONG[:40] not in failure(value)
    assert "\\xff\\xd8" not in failure(value)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("/9jiVBORw0KGgoAQk+=-_ \n\r.:,;{<data") | st.characters(codec="utf-8"), max_size=400))
def test_the_loader_and_the_redactor_never_disagree(text):
    try:
        loaded = load_image(text, field="image")
    except FileLoadError:
        return
    assert loaded.digest is None or Path(text.strip()).exists() or is_inline(text)


def test_content_is_redacted_wherever_it_stands():
    nested = {
        "list": [{"url": TEXT}],
        "tuple": (SMALL, b"\x89PNG"),
        "set": {SMALL},
        "frozenset": frozenset({(SMALL,)}),
        "mapping": types.MappingProxyType({"a": [SMALL]}),
        "json": json.dumps({"a": [TEXT]}),
        "json in json": json.dumps({"a": json.dumps([TEXT])}),
        "words": "a cat",
    }
    hidden = redact_images(nested)
    for part in (TEXT[:60], SMALL[:60], "x89PNG"):
        assert part not in str(hidden)
    assert hidden["words"] == "a cat"
    assert nested["list"][0]["url"] is TEXT


@pytest.mark.parametrize(
    "value",
    ["/no/such", "/dev/zero", "<html>", "é" * 5000, "/9j/" + "." * 99, "data:x", "no://x", b"", 5, b"x" * (11 << 20)],
    ids=range(10),
)
def test_the_longest_name_of_a_place_still_leaves_room_for_what_to_do(value):
    with pytest.raises(FileLoadError) as caught:
        load_image(value, field="dynamic_masks[99].mask")
    advice_first(str(caught.value))


def test_what_is_too_deep_to_look_through_shows_nothing():
    deep: list = [TEXT]
    for _ in range(100_000):
        deep = [deep]
    assert TEXT[:60] not in str(redact_images(deep))
    twice: list = [TEXT]
    twice += [twice, twice]
    assert TEXT[:60] not in str(redact_images(twice))
    assert TEXT[:60] not in str(redact_images("[" * 500 + f'"{TEXT}"' + "]" * 500))


def test_many_items_of_a_batch_are_looked_through():
    items = [{"image": "https://x.example/a.png", "prompt": "a cat"} for _ in range(50_000)]
    assert redact_images(items) == items


@pytest.mark.parametrize("cls", [KlingImageToVideoOperator, KlingTextToVideoOperator, KlingImageToVideoBatchOperator])
def test_an_image_in_extra_body_is_redacted_by_the_constructor_and_after_rendering(cls):
    more = {"items": [], "output_uri": "file:///x/"} if cls is KlingImageToVideoBatchOperator else {"prompt": "x"}
    operator = cls(task_id="x", extra_body={"images": [{"url": TEXT}]}, **more)
    assert TEXT[:60] not in str(operator.extra_body)
    operator = cls(task_id="x", extra_body={"images": [{"url": "{{ picture }}"}]}, **more)
    operator.render_template_fields({"picture": TEXT})
    assert isinstance(operator.extra_body["images"][0]["url"], InlineImage)
