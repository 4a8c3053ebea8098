"""
The first picture of a video as a JPEG file on standard output; a program, run by :mod:`.poster`.

It decodes what somebody else's server sent, so it is a process of its own: without the worker's secrets in its
environment, and with an end to its time, memory and pictures, whatever the file says. It imports nothing of ours.
"""

from __future__ import annotations

import io
import resource
import sys

#: Seconds of CPU, bytes of memory.
CPU_SECONDS = 10
MEMORY_BYTES = 2 << 30

#: Packets that are looked at for a first picture, and pixels of one: Kling's largest have 3840 x 2160.
MAX_PACKETS = 300
MAX_PIXELS = 40_000_000

#: Pixels of the poster's longer side, and its JPEG quality.
SIDE = 480
QUALITY = 80


def main(path: str) -> None:
    """
    Write the poster of a video to standard output.

    :param path: of the video.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.buffer.write(poster_of(path))


def poster_of(path: str) -> bytes:
    """
    Return the first picture of a video as JPEG.

    :param path: of the video.
    :raises ValueError: when it has none that may be shown.
    """
    import av

    # Named: else a file that only calls itself a video could be a playlist of other files.
    with av.open(path, format="mp4", options={"protocol_whitelist": "file", "enable_drefs": "0"}) as video:
        stream = video.streams.video[0]
        stream.codec_context.thread_count = 1
        for number, packet in enumerate(video.demux(stream)):
            if number > MAX_PACKETS or stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                break
            for frame in packet.decode():
                return _jpeg(frame.to_image())  # type: ignore[no-untyped-call]
    raise ValueError("no picture")


def _jpeg(image: object) -> bytes:
    image.thumbnail((SIDE, SIDE))  # type: ignore[attr-defined]
    target = io.BytesIO()
    image.save(target, "JPEG", quality=QUALITY)  # type: ignore[attr-defined]
    return target.getvalue()


if __name__ == "__main__":
    main(sys.argv[1])
