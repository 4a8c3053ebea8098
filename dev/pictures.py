"""``make pictures``: the pictures of the documentation, made again from what the simulator makes."""

from __future__ import annotations

import array
import base64
import io
from typing import Any

import av
import requests
from PIL import Image, ImageDraw

from airflow_provider_kling.simulator import KlingSimulator
from dev.drawings import draw_all, film_all
from dev.local_airflow.settings import REPOSITORY

PICTURES = REPOSITORY / "docs" / "_static"
EXAMPLES = REPOSITORY / "example_dags"
IMAGES, FILES = EXAMPLES / "images", EXAMPLES / "files"
# The first, the middle and the last moment of a film.
PARTS = (0.0, 0.5, 1.0)
GAP, HEIGHT, WIDTH = 8, 240, 320
WAVE_SECONDS = 0.05
BOAT = "A paper boat in a puddle, macro shot"


def main() -> None:
    """Write what the examples take, and a sheet for the quickstart and for each page of a family."""
    draw_all(IMAGES)
    film_all(IMAGES, FILES)
    with KlingSimulator(video_size="small", retired="accept") as kling:
        studio = Studio(kling)
        rocket = studio.video("videos/image2video", model_name="kling-v3", image=_encoded("rocket"))
        frames = {part: frame_at(rocket["content"], part) for part in PARTS}
        save_sheet("quickstart", list(frames.values()))
        save_sheet("video", _between(studio))
        save_sheet("audio", [frames[0.5], wave(studio.sound_track(rocket["id"]))])
        save_sheet("images", _images(studio))
        save_sheet("clips", _clips(studio))
        save_sheet("faces", _faces(studio))


class Studio:
    """Asks the simulator for results, as any client does."""

    def __init__(self, kling: KlingSimulator) -> None:
        self._kling = kling
        self._headers = {"Authorization": f"Bearer {kling.api_key}"}

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        """The result of a request: of a task when it is done, or of an answer that holds it."""
        address = f"{self._kling.url}/v1/{path}"
        answer = requests.post(address, json=body, headers=self._headers, timeout=30).json()
        if answer["code"]:
            raise RuntimeError(f"{path}: {answer['message']}")
        made = dict(answer["data"])
        if made.get("task_status") == "submitted":
            self._kling.finish(made["task_id"])
            made = requests.get(f"{address}/{made['task_id']}", headers=self._headers, timeout=30).json()["data"]
        return dict(made.get("task_result") or made)

    def video(self, path: str, **body: Any) -> dict[str, Any]:
        """A video: what Kling says of it, and its content."""
        (made,) = self.make(path, **body)["videos"]
        return {**made, "content": _fetch(made["url"])}

    def picture(self, path: str, **body: Any) -> Image.Image:
        """The first image of a result."""
        return Image.open(io.BytesIO(_fetch(self.make(f"images/{path}", **body)["images"][0]["url"])))

    def sound_track(self, video_id: str) -> bytes:
        """The sound track of a video."""
        return _fetch(self.make("audio/video-to-audio", video_id=video_id, bgm_prompt="Calm")["audios"][0]["url_wav"])


def _between(studio: Studio) -> list[Image.Image]:
    """Three frames of a video between two pictures."""
    ends = {"image": _encoded("rocket"), "image_tail": _encoded("presenter")}
    made = studio.video("videos/image2video", model_name="kling-v3", mode="pro", **ends)
    return [frame_at(made["content"], part) for part in (0.0, 0.75, 1.0)]


def _images(studio: Studio) -> list[Image.Image]:
    """A picture of words, one of another picture, and one that has grown."""
    rocket, sides = _encoded("rocket"), {"up_expansion_ratio": 0, "down_expansion_ratio": 0}
    return [
        studio.picture("generations", model_name="kling-v3", prompt=BOAT, aspect_ratio="1:1"),
        studio.picture("omni-image", prompt="<<<image_1>>> at night", image_list=[{"image": rocket}]),
        studio.picture("editing/expand", image=rocket, left_expansion_ratio=0.3, right_expansion_ratio=0.3, **sides),
    ]


def _clips(studio: Studio) -> list[Image.Image]:
    """Frames of an omni video, of motion control, of an effect and of an extension."""
    rocket, presenter = _encoded("rocket"), _encoded("presenter")
    short = studio.video("videos/image2video", model_name="kling-v1-6", image=rocket)
    dance = studio.video("videos/text2video", model_name="kling-v3", prompt="A dancer")
    first = {"image_url": presenter, "type": "first_frame"}
    made = [
        studio.video("videos/omni-video", model_name="kling-v3-omni", prompt="It waves", image_list=[first]),
        studio.video(
            "videos/motion-control",
            model_name="kling-v3",
            image_url=presenter,
            video_url=dance["url"],
            character_orientation="image",
            mode="std",
        ),
        studio.video("videos/effects", effect_scene="squish", input={"image": rocket}),
        studio.video("videos/video-extend", video_id=short["id"], prompt="It is gone"),
    ]
    return [frame_at(video["content"], 1.0) for video in made]


def _faces(studio: Studio) -> list[Image.Image]:
    """A frame of an avatar and one of a lip sync."""
    presenter = _encoded("presenter")
    words = {"text": "Good evening. The rocket leaves in ten minutes.", "voice_id": "oversea_male1"}
    spoken = studio.make("audio/tts", voice_language="en", **words)["audios"][0]
    avatar = studio.video("videos/avatar/image2video", image=presenter, audio_id=spoken["id"])
    silent = studio.video("videos/image2video", model_name="kling-v3", image=presenter, prompt="It looks at us")
    faces = studio.make("videos/identify-face", video_id=silent["id"])
    choice = {"face_id": faces["face_data"][0]["face_id"], "audio_id": spoken["id"], "sound_start_time": 0}
    choice |= {"sound_end_time": 3000, "sound_insert_time": 0}
    dubbed = studio.video("videos/advanced-lip-sync", session_id=faces["session_id"], face_choose=[choice])
    return [frame_at(avatar["content"], 0.0), frame_at(dubbed["content"], 1.0)]


def _encoded(name: str) -> str:
    return base64.b64encode((IMAGES / f"{name}.jpg").read_bytes()).decode()


def _fetch(url: str) -> bytes:
    answer = requests.get(url, timeout=60)
    answer.raise_for_status()
    return answer.content


def frame_at(video: bytes, part: float) -> Image.Image:
    """The frame at a part of a film."""
    frames = [frame.to_image() for frame in av.open(io.BytesIO(video)).decode(video=0)]
    return frames[round(part * (len(frames) - 1))]


def wave(sound: bytes) -> Image.Image:
    """The first moment of a sound, as a line."""
    with av.open(io.BytesIO(sound)) as container:
        frames = av.AudioResampler(format="s16", layout="mono")
        packed = b"".join(
            bytes(part.planes[0])[: part.samples * 2]
            for frame in container.decode(audio=0)
            for part in frames.resample(frame)
        )
        rate = container.streams.audio[0].rate
    samples = array.array("h", packed)[: int(rate * WAVE_SECONDS)]
    loudest = max(map(abs, samples)) or 1
    points = [(x * WIDTH / len(samples), HEIGHT / 2 * (1 - 0.7 * value / loudest)) for x, value in enumerate(samples)]
    picture = Image.new("RGB", (WIDTH, HEIGHT), "#f4f6f8")
    ImageDraw.Draw(picture).line(points, "#33475b", 2)
    return picture


def save_sheet(name: str, pictures: list[Image.Image]) -> None:
    """Put pictures of one height side by side into a file of the documentation."""
    shown = [picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT)) for picture in pictures]
    sheet = Image.new("RGB", (sum(picture.width + GAP for picture in shown) - GAP, HEIGHT), "white")
    left = 0
    for picture in shown:
        sheet.paste(picture, (left, 0))
        left += picture.width + GAP
    sheet.save(PICTURES / f"{name}.jpg", quality=80)


if __name__ == "__main__":
    main()
