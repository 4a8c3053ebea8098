"""``make pictures``: create the pictures of the documentation from results of the simulator."""

from __future__ import annotations

import array
import base64
import io
from typing import Any

import av
import requests
from PIL import Image, ImageDraw

from airflow_provider_kling.simulator import KlingSimulator
from dev.drawings import draw_images, render_media
from dev.local_airflow.settings import REPOSITORY

PICTURES = REPOSITORY / "docs" / "_static"
EXAMPLES = REPOSITORY / "example_dags"
IMAGES, FILES = EXAMPLES / "images", EXAMPLES / "files"
# Positions of the first, middle and last frame of a video.
PARTS = (0.0, 0.5, 1.0)
GAP, HEIGHT, WIDTH = 8, 240, 320
WAVE_SECONDS = 0.05
BOAT = "A paper boat in a puddle, macro shot"


def main() -> None:
    """Write the inputs of the examples, and a picture for the quickstart and for each page of a product family."""
    draw_images(IMAGES)
    render_media(IMAGES, FILES)
    with KlingSimulator(video_size="small", retired="accept") as kling:
        client = SimulatorClient(kling)
        rocket = client.video("videos/image2video", model_name="kling-v3", image=_encoded("rocket"))
        frames = {part: frame_at(rocket["content"], part) for part in PARTS}
        save_sheet("quickstart", list(frames.values()))
        save_sheet("video", _between(client))
        save_sheet("audio", [frames[0.5], wave(client.sound_track(rocket["id"]))])
        save_sheet("images", _images(client))
        save_sheet("clips", _clips(client))
        save_sheet("faces", _faces(client))


class SimulatorClient:
    """Requests results from the simulator."""

    def __init__(self, kling: KlingSimulator) -> None:
        self._kling = kling
        self._headers = {"Authorization": f"Bearer {kling.api_key}"}

    def create(self, path: str, **body: Any) -> dict[str, Any]:
        """The result of a request: from the response, or from the task when it has ended."""
        address = f"{self._kling.url}/v1/{path}"
        response = requests.post(address, json=body, headers=self._headers, timeout=30).json()
        if response["code"]:
            raise RuntimeError(f"{path}: {response['message']}")
        result = dict(response["data"])
        if result.get("task_status") == "submitted":
            self._kling.finish(result["task_id"])
            result = requests.get(f"{address}/{result['task_id']}", headers=self._headers, timeout=30).json()["data"]
        return dict(result.get("task_result") or result)

    def video(self, path: str, **body: Any) -> dict[str, Any]:
        """A video: its fields in the result, and ``content``."""
        (result,) = self.create(path, **body)["videos"]
        return {**result, "content": _fetch(result["url"])}

    def picture(self, path: str, **body: Any) -> Image.Image:
        """The first image of a result."""
        return Image.open(io.BytesIO(_fetch(self.create(f"images/{path}", **body)["images"][0]["url"])))

    def sound_track(self, video_id: str) -> bytes:
        """The sound track of a video."""
        return _fetch(self.create("audio/video-to-audio", video_id=video_id, bgm_prompt="Calm")["audios"][0]["url_wav"])


def _between(client: SimulatorClient) -> list[Image.Image]:
    """Three frames of a video between two pictures."""
    ends = {"image": _encoded("rocket"), "image_tail": _encoded("presenter")}
    result = client.video("videos/image2video", model_name="kling-v3", mode="pro", **ends)
    return [frame_at(result["content"], part) for part in (0.0, 0.75, 1.0)]


def _images(client: SimulatorClient) -> list[Image.Image]:
    """An image from text, one from an image, and an expanded one."""
    rocket, sides = _encoded("rocket"), {"up_expansion_ratio": 0, "down_expansion_ratio": 0}
    return [
        client.picture("generations", model_name="kling-v3", prompt=BOAT, aspect_ratio="1:1"),
        client.picture("omni-image", prompt="<<<image_1>>> at night", image_list=[{"image": rocket}]),
        client.picture("editing/expand", image=rocket, left_expansion_ratio=0.3, right_expansion_ratio=0.3, **sides),
    ]


def _clips(client: SimulatorClient) -> list[Image.Image]:
    """Frames of an omni video, of motion control, of an effect and of an extension."""
    rocket, presenter = _encoded("rocket"), _encoded("presenter")
    short = client.video("videos/image2video", model_name="kling-v1-6", image=rocket)
    dance = client.video("videos/text2video", model_name="kling-v3", prompt="A dancer")
    first = {"image_url": presenter, "type": "first_frame"}
    result = [
        client.video("videos/omni-video", model_name="kling-v3-omni", prompt="It waves", image_list=[first]),
        client.video(
            "videos/motion-control",
            model_name="kling-v3",
            image_url=presenter,
            video_url=dance["url"],
            character_orientation="image",
            mode="std",
        ),
        client.video("videos/effects", effect_scene="squish", input={"image": rocket}),
        client.video("videos/video-extend", video_id=short["id"], prompt="It is gone"),
    ]
    return [frame_at(video["content"], 1.0) for video in result]


def _faces(client: SimulatorClient) -> list[Image.Image]:
    """A frame of an avatar and one of a lip sync."""
    presenter = _encoded("presenter")
    words = {"text": "Good evening. The rocket leaves in ten minutes.", "voice_id": "oversea_male1"}
    spoken = client.create("audio/tts", voice_language="en", **words)["audios"][0]
    avatar = client.video("videos/avatar/image2video", image=presenter, audio_id=spoken["id"])
    silent = client.video("videos/image2video", model_name="kling-v3", image=presenter, prompt="It looks at us")
    faces = client.create("videos/identify-face", video_id=silent["id"])
    choice = {"face_id": faces["face_data"][0]["face_id"], "audio_id": spoken["id"], "sound_start_time": 0}
    choice |= {"sound_end_time": 3000, "sound_insert_time": 0}
    dubbed = client.video("videos/advanced-lip-sync", session_id=faces["session_id"], face_choose=[choice])
    return [frame_at(avatar["content"], 0.0), frame_at(dubbed["content"], 1.0)]


def _encoded(name: str) -> str:
    return base64.b64encode((IMAGES / f"{name}.jpg").read_bytes()).decode()


def _fetch(url: str) -> bytes:
    response = requests.get(url, timeout=60)
    response.raise_for_status()
    return response.content


def frame_at(video: bytes, part: float) -> Image.Image:
    """The frame at a fraction of a video."""
    frames = list(av.open(io.BytesIO(video), "r").decode(video=0))
    # PyAV does not annotate it.
    image: Image.Image = frames[round(part * (len(frames) - 1))].to_image()  # type: ignore[no-untyped-call]
    return image


def wave(sound: bytes) -> Image.Image:
    """The waveform of the beginning of a sound."""
    with av.open(io.BytesIO(sound), "r") as container:
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
    """Save images side by side, scaled to one height, as a file of the documentation."""
    shown = [picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT)) for picture in pictures]
    sheet = Image.new("RGB", (sum(picture.width + GAP for picture in shown) - GAP, HEIGHT), "white")
    left = 0
    for picture in shown:
        sheet.paste(picture, (left, 0))
        left += picture.width + GAP
    sheet.save(PICTURES / f"{name}.jpg", quality=80)


if __name__ == "__main__":
    main()
