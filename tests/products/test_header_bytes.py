"""The reader of plain headers against Pillow, which it must never contradict."""

from __future__ import annotations

import io
import random
import subprocess
import sys

import pytest
from PIL import Image
from support import PHOTOGRAPH

from airflow_provider_kling.products import image_header
from airflow_provider_kling.products.header_bytes import MAX_PIXELS, plain

JPEG = ({}, {"progressive": True}, {"quality": 5, "optimize": True}, {"exif": Image.Exif(), "comment": b"a comment"})
PNG = ({}, {"optimize": True}, {"dpi": (72, 72)})


def written(mode: str, kind: str, size=(37, 21), **options) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


PLAIN = [
    *(written(mode, "JPEG", **options) for mode in ("L", "RGB", "CMYK") for options in JPEG),
    *(written(mode, "PNG", **options) for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "I;16") for options in PNG),
    PHOTOGRAPH.read_bytes(),
]


def pillows(data: bytes, monkeypatch) -> tuple:
    with monkeypatch.context() as patch:
        patch.setattr(image_header, "plain", lambda _data: None)
        return image_header.read_header(data)


@pytest.mark.parametrize("data", PLAIN, ids=range(len(PLAIN)))
def test_a_plain_file_is_read_as_pillow_reads_it(data, monkeypatch):
    assert plain(data) is not None, "else Pillow is imported for the usual case"
    assert image_header.read_header(data) == pillows(data, monkeypatch)


@pytest.mark.parametrize("data", PLAIN[::4], ids=range(len(PLAIN[::4])))
def test_a_file_that_was_cut_is_judged_as_pillow_judges_it(data, monkeypatch):
    for end in {*range(min(len(data), 700)), len(data) - 1, len(data) - 2, len(data) - 20}:
        cut = data[:end]
        assert image_header.read_header(cut) == pillows(cut, monkeypatch), end


@pytest.mark.parametrize("data", PLAIN[::3], ids=range(len(PLAIN[::3])))
def test_a_damaged_file_is_never_taken_for_another_size(data, monkeypatch):
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(data)
        damaged[chance.randrange(min(len(data), 700))] = chance.randrange(256)
        if found := plain(bytes(damaged)):
            header, _problem = pillows(bytes(damaged), monkeypatch)
            assert header is not None
            assert found == (header.format, header.width, header.height)


def test_the_rest_is_pillows(monkeypatch):
    for data in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", written("RGB", "WEBP"), written("RGB", "GIF")):
        assert plain(data) is None
        assert image_header.read_header(data) == pillows(data, monkeypatch)
    side = int(MAX_PIXELS**0.5) + 1
    assert plain(written("1", "PNG", size=(side, side))) is None


def test_pillow_is_not_imported_for_a_photograph():
    program = (
        "import sys; from airflow_provider_kling.preparation.files import load_image; "
        f"load_image({str(PHOTOGRAPH)!r}, field='image'); print('PIL' in sys.modules)"
    )
    response = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert response.stdout.strip().splitlines()[-1] == "False"


def test_a_plain_beginning_does_not_hide_a_file_that_takes_long_to_decode():
    scans = PHOTOGRAPH.read_bytes() + b"\xff\xda" * (image_header.MAX_SCANS + 1)
    assert plain(scans) is not None
    header, problem = image_header.read_header(scans)
    assert header is None
    assert "scans" in problem
