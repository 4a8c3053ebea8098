"""Any bytes in place of an image, a sound or a video are checked quickly and with little memory."""

from __future__ import annotations

import io
import itertools
import struct
import subprocess
import sys
import time
import wave
import zlib

import pytest
from PIL import Image

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.products import image_header
from airflow_provider_kling.results import picture, sound
from airflow_provider_kling.results.media_info import MediaInfo, read_media_info

#: Generous: the machine is busy. Without a bound these took from six seconds to more than two minutes.
SOON = 5.0


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, more: bytes = b"", bits: int = 1) -> bytes:
    """Black, however large; ``more`` stands before the pixels."""
    row, packer = b"\0" * (width * bits // 8 + 2), zlib.compressobj(9)
    pixels = b"".join(map(packer.compress, itertools.repeat(row, height))) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, min(bits, 8), 0 if bits <= 8 else 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", pixels) + chunk(b"IEND")


def jpeg_of_scans(count: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(stream, "JPEG", progressive=True)
    whole = stream.getvalue()
    scan = whole[whole.rfind(b"\xff\xda") : -2]
    return whole[:-2] + scan * count + whole[-2:]


def wav(announced: int, samples: int = 8000) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * samples)
    content = bytearray(stream.getvalue())
    content[40:44] = struct.pack("<I", announced)
    return bytes(content)


def judged(tmp_path, name: str, content: bytes) -> MediaInfo | str:
    path = tmp_path / name
    path.write_bytes(content)
    began = time.perf_counter()
    try:
        return read_media_info(path, path.suffix[1:])
    except KlingResultError as error:
        return error.message
    finally:
        assert time.perf_counter() - began < SOON


@pytest.mark.parametrize(
    ("name", "content", "why"),
    {
        "a JPEG of three thousand scans": ("a.jpg", lambda: jpeg_of_scans(3000), "more than 100 scans"),
        "two million empty chunks": (
            "a.png",
            lambda: png(10, 10, chunk(b"teSt") * 2_000_000),
            "more than 20000 chunks",
        ),
        "3,600 million pixels": ("a.png", lambda: png(60_000, 60_000), "more pixels than any result"),
        "200 MB of packed text": (
            "a.png",
            lambda: png(10, 10, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))),
            "cut, or was never one",
        ),
        "a million tiny frames": ("a.mp3", lambda: (b"\xff\xf3\x14\xc4" + bytes(20)) * 1_200_000, "frames"),
        "a tag beyond the end": ("a.mp3", lambda: b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(99), "no duration"),
        "three million parts": ("a.wav", lambda: b"RIFF\0\0\0\0WAVE" + b"JUNK\0\0\0\0" * 3_000_000, "do not fit"),
    }.values(),
    ids=lambda value: value if isinstance(value, str) and "." in value else None,
)
def test_what_takes_long_to_read_is_refused_soon(tmp_path, name, content, why):
    assert why in judged(tmp_path, name, content())


def test_an_image_that_is_too_large_to_decode_is_kept_and_takes_little_memory(tmp_path):
    (tmp_path / "a.png").write_bytes(png(8900, 8900, bits=32))
    program = (
        "import resource, sys, pathlib, PIL.PngImagePlugin\n"
        "from airflow_provider_kling.results.picture import size_of_picture\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(size_of_picture(pathlib.Path(sys.argv[1])))\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.png")]
    size, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:2]
    assert size == "(8900, 8900)"
    assert int(megabytes) < 100, "302 when every pixel is decoded"
    assert "cut" in judged(tmp_path, "b.png", (tmp_path / "a.png").read_bytes()[:-20])


def test_an_image_of_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(10, 10, chunk(b"teSt", bytes(1000))))
    with pytest.raises(KlingResultError, match="more than 0 MB"):
        picture.size_of_picture(path, most=1000)
    assert picture.size_of_picture(path) == (10, 10)


def test_ordinary_images_have_fewer_parts(tmp_path):
    assert judged(tmp_path, "a.jpg", jpeg_of_scans(20)) == MediaInfo(0.0, 4000, 4000)
    assert judged(tmp_path, "a.png", png(10, 10, chunk(b"teSt") * 10_000)) == MediaInfo(0.0, 10, 10)
    assert (
        image_header.why_slow_to_read(b"") == image_header.why_slow_to_read(b"\x89PNG\r\n\x1a\n" + b"\xff" * 100) == ""
    )


def test_the_image_of_a_dag_author_is_refused_soon_too():
    began = time.perf_counter()
    loaded = load_image(png(300, 300, chunk(b"teSt") * 500_000), field="image")
    assert (loaded.header, "20000 chunks" in loaded.problem) == (None, True)
    assert time.perf_counter() - began < SOON


@pytest.mark.parametrize("announced", [0xFFFFFFFF, 0])
def test_a_sound_whose_encoder_did_not_know_its_length_is_whole(tmp_path, announced):
    assert judged(tmp_path, "a.wav", wav(announced)) == MediaInfo(1.0)


def test_a_sound_that_is_cut_is_still_refused(tmp_path):
    assert "cut" in judged(tmp_path, "a.wav", wav(16_002))
    assert "no duration" in judged(tmp_path, "b.wav", wav(0, samples=0))


def test_an_mp3_of_half_an_hour_is_one(tmp_path):
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    assert sound.MAX_FRAMES > 70_000
    assert judged(tmp_path, "a.mp3", frame * 10_000) == MediaInfo(pytest.approx(261.2, abs=0.1))


@pytest.mark.parametrize("options", ["frag_keyframe+empty_moov", "dash"])
def test_a_fragmented_video_without_a_duration_is_kept(tmp_path, options):
    import av

    with av.open(str(tmp_path / "real.mp4"), "w", options={"movflags": options}) as video:
        stream = video.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(48):
            video.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64)))))
        video.mux(stream.encode())
    real = (tmp_path / "real.mp4").read_bytes()
    assert judged(tmp_path, "a.mp4", real) == MediaInfo(0.0)
    assert "cut" in judged(tmp_path, "b.mp4", real[:-10])
    assert "duration" in judged(tmp_path, "c.mp4", real.replace(b"moof", b"free"))
