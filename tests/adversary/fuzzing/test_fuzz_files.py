"""Images before they are sent, videos after they were fetched: any bytes."""

from __future__ import annotations

import io

import pytest
from adversary.fuzzing.fuzzer import damaged_bytes, fuzz, obeys
from hypothesis import strategies as st
from PIL import Image

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.video import IMAGE2VIDEO
from airflow_provider_kling.results.mp4 import MAX_SECONDS, seconds_of_video
from airflow_provider_kling.simulator.video import make_video

#: Pillow warns of what it skips; the package hears of it as an error.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((320, 320), 40).convert("RGB").save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_damaged_image(kind):
    def check(data):
        obeys(lambda: prepare(IMAGE2VIDEO, {"image": data, "prompt": "a dog runs"}))

    fuzz(damaged_bytes(_picture(kind)), check, share=0.4)


RECIPE = {"prompt": "x", "ratio": "16:9", "short_side": 720, "fps": 24, "duration": 1, "sound": True}


def _with_other_sizes(film):
    """The same boxes, of which some say that they have another size."""
    places = [at - 4 for kind in (b"ftyp", b"moov", b"mdat", b"mvhd", b"trak", b"free") if (at := film.find(kind)) >= 4]
    sizes = st.sampled_from([0, 1, 7, 8, 15, 16, len(film), 2**31, 2**32 - 1])

    def resize(changes):
        data = bytearray(film)
        for place, size in changes:
            data[place : place + 4] = size.to_bytes(4, "big")
        return bytes(data)

    return st.lists(st.tuples(st.sampled_from(places), sizes), min_size=1, max_size=3).map(resize)


def test_a_damaged_video(tmp_path):
    film = make_video(RECIPE, {}, watermark=False, small=True)
    path = tmp_path / "film.mp4"
    path.write_bytes(film)
    assert seconds_of_video(path) == pytest.approx(1, abs=0.1)

    def check(content):
        path.write_bytes(content)
        seconds = obeys(lambda: seconds_of_video(path))
        assert isinstance(seconds, KlingResultError) or 0 < seconds <= MAX_SECONDS

    head = film[:4096]
    fuzz(st.one_of(damaged_bytes(film), damaged_bytes(head), _with_other_sizes(film), st.binary(max_size=64)), check)
