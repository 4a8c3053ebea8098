"""Any bytes in place of a video return a duration or raise an error quickly."""

from __future__ import annotations

import contextlib
import math
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.results.mp4 import MAX_BOXES, seconds_of_video

#: Generous: the machine is busy. Without a bound the worst of these take ten seconds and more.
AT_ONCE = 3.0


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def movie(scale: int = 1000, duration: int = 5041, version: int = 0, more: bytes = b"") -> bytes:
    times = ">QQIQ" if version else ">IIII"
    header = bytes([version, 0, 0, 0]) + struct.pack(times, 0, 0, scale, duration)
    return box(b"ftyp", b"isom") + box(b"moov", box(b"mvhd", header) + box(b"trak") + more) + box(b"mdat", b"\0" * 64)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> bytes:
    import av
    from PIL import Image

    path = tmp_path_factory.mktemp("real") / "real.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(24):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64)))))
        container.mux(stream.encode())
    return path.read_bytes()


def judge(path, content: bytes) -> float | None:
    path.write_bytes(content)
    began = time.perf_counter()
    seconds = None
    with contextlib.suppress(KlingResultError):
        seconds = seconds_of_video(path)
        assert 0 < seconds < math.inf
    assert time.perf_counter() - began < AT_ONCE
    return seconds


@pytest.mark.parametrize("version", [0, 1])
def test_the_duration_is_read(tmp_path, version):
    assert judge(tmp_path / "v.mp4", movie(version=version)) == pytest.approx(5.041)


def test_a_fragmented_video_has_its_duration_elsewhere(tmp_path):
    fragments = box(b"mvex", box(b"mehd", struct.pack(">II", 0, 3000)))
    assert judge(tmp_path / "v.mp4", movie(duration=0, more=fragments)) == pytest.approx(3)


@pytest.mark.parametrize(
    "content",
    {
        "twenty megabytes of tiny boxes": box(b"free") * (20 << 17),
        "the same behind a real start": movie() + box(b"free") * (20 << 17),
        "the same in the header": movie(more=box(b"free") * (20 << 17)),
        "no time scale": movie(scale=0),
        "no duration": movie(duration=0),
        "an unknown duration": movie(duration=0xFFFFFFFF, scale=1),
        "an endless duration": movie(version=1, duration=0xFFFFFFFFFFFFFFFF, scale=1),
        "empty": b"",
        "a page": b"<html>" * 1000,
        "a size of 4": b"\0\0\0\4moov" * 10,
        "a size beyond the end": struct.pack(">I", 1 << 31) + b"moov",
        "a wide size that is small": struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 3),
        "a header alone": box(b"ftyp", b"isom") + box(b"moov"),
        "no header": box(b"ftyp", b"isom") + box(b"mdat", b"\0" * 64),
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_is_not_a_video_is_refused_at_once(tmp_path, content):
    assert judge(tmp_path / "v.mp4", content[1]) is None


def test_a_video_of_many_fragments_is_one(tmp_path):
    assert judge(tmp_path / "v.mp4", movie() + box(b"moof") * (MAX_BOXES - 10)) == pytest.approx(5.041)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_real_video_that_is_cut_is_refused(tmp_path, real, share):
    assert judge(tmp_path / "v.mp4", real) == pytest.approx(1, abs=0.1)
    assert judge(tmp_path / "v.mp4", real[: int(len(real) * share)]) is None


@settings(max_examples=300 * STEPS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=16)), max_size=6))
def test_a_real_video_with_broken_bytes_is_read_or_refused(tmp_path, real, edits):
    content = bytearray(real)
    for place, value in edits:
        start = place % len(content)
        content[start : start + len(value)] = value
    judge(tmp_path / "v.mp4", bytes(content))


@settings(max_examples=300 * STEPS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused(tmp_path, content):
    judge(tmp_path / "v.mp4", content)
