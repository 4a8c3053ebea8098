"""Sounds: a tone of the requested length, as MP3, as WAV, or as the AAC track of a video."""

from __future__ import annotations

import array
import math
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import av

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

SAMPLE_RATE: Final = 44_100

#: Samples in an AAC frame; an MP3 frame has 1152, and its encoder splits the input itself.
FRAME: Final = 1024

ENCODERS: Final = {"mp3": "libmp3lame", "wav": "pcm_s16le"}


def make_sound(recipe: dict[str, Any], *, form: str) -> bytes:
    """Encode the sound that ``recipe`` describes.

    :param recipe: ``seconds``, or the ``duration`` of the video that it belongs to.
    :param form: ``mp3`` or ``wav``.
    """
    # A file and not a buffer: the length in a WAV's header is written last.
    with tempfile.TemporaryDirectory(prefix="kling-simulator-") as directory:
        path = Path(directory) / f"result.{form}"
        with av.open(str(path), "w") as container:
            stream = cast("AudioStream", container.add_stream(ENCODERS[form], rate=SAMPLE_RATE, layout="mono"))
            add_tone(container, stream, recipe.get("seconds") or recipe["duration"], spare=0)
        return path.read_bytes()


def add_tone(container: OutputContainer, stream: AudioStream, seconds: float, *, spare: int = 2) -> None:
    """Fill ``stream`` with a tone.

    :param spare: frames to leave out, because the encoder's delay would make the sound longer than the video.
    """
    step = 2 * math.pi * 220 / SAMPLE_RATE
    resampler = av.AudioResampler(format=stream.format, layout="mono", rate=SAMPLE_RATE)
    last = int(seconds * SAMPLE_RATE) - spare * FRAME
    for first in range(0, last, FRAME):
        count = FRAME if spare else min(FRAME, last - first)
        samples = array.array("f", (0.1 * math.sin(step * n) for n in range(first, first + count)))
        frame = av.AudioFrame(format="fltp", layout="mono", samples=count)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
        for resampled in resampler.resample(frame):
            container.mux(stream.encode(resampled))
    container.mux(stream.encode(None))
