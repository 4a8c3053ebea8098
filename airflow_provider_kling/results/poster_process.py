"""
A small JPEG picture on standard output: of a video, or of a picture; a program, run by :mod:`.poster`.

It decodes what somebody else made, so it is a process of its own: without the worker's secrets in its
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

#: Pixels of a picture that is made smaller: what the operators take at most.
MAX_PICTURE_PIXELS = 80_000_000

#: Pixels of the poster's longer side, and its JPEG quality.
SIDE = 480
QUALITY = 80


def main(path: str) -> None:
    """
    Write the small picture to standard output.

    :param path: of the video; ``-`` for a picture on standard input.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.buffer.write(thumbnail_of(sys.stdin.buffer.read()) if path == "-" else poster_of(path))


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


def thumbnail_of(data: bytes) -> bytes:
    """
    Return a picture as a small JPEG, upright and without what else its file holds, such as where it was taken.

    :param data: a JPEG or PNG file.
    :raises ValueError: when it is none, or too large.
    """
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
        if picture.width * picture.height > MAX_PICTURE_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", (SIDE, SIDE))
        return _jpeg(ImageOps.exif_transpose(picture).convert("RGB"))


def _jpeg(image: object) -> bytes:
    image.thumbnail((SIDE, SIDE))  # type: ignore[attr-defined]
    target = io.BytesIO()
    image.save(target, "JPEG", quality=QUALITY)  # type: ignore[attr-defined]
    return target.getvalue()


if __name__ == "__main__":
    main(sys.argv[1])
