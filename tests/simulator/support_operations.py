"""Valid requests of every operation, and the files of their results."""

import io
from importlib import resources

import av
import requests
import yaml
from PIL import Image

from .support import IMAGE

DATA = resources.files("airflow_provider_kling.simulator").joinpath("data/operations.yaml")
OPERATIONS = {row["id"]: row for row in yaml.safe_load(DATA.read_text())["operations"]}
CONTENT_TYPES = {
    "mp4": "video/mp4",
    "png": "image/png",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "srt": "application/x-subrip",
    "ass": "text/x-ssa",
}


TIMES = {"created_at", "updated_at"}
CREATED = {"task_id", "task_status"} | TIMES


def post(kling, name, body):
    response = kling.send("POST", OPERATIONS[name]["path"], json=body)
    payload = response.json()
    assert (response.status_code, payload.get("code")) == (200, 0), payload
    return payload["data"]


def made(kling, name, body):
    task_id = post(kling, name, body)["task_id"]
    kling.simulator.finish(task_id)
    seen = kling.task(task_id, OPERATIONS[name]["path"])
    assert seen["task_status"] == "succeed", seen
    return seen


def video(kling):
    """A video of V1, which every product takes."""
    seen = made(kling, "text2video", {"prompt": "a cat", "model_name": "kling-v1"})
    return seen["task_result"]["videos"][0]


def sound(kling):
    body = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}
    return post(kling, "tts", body)["task_result"]["audios"][0]


def session(kling, name):
    return post(kling, name, {"video_id": video(kling)["id"]})["session_id"]


def face(kling):
    times = {"sound_start_time": 0, "sound_end_time": 2000, "sound_insert_time": 0}
    return {"face_id": "0", "audio_id": sound(kling)["id"]} | times


INIT = "multi-elements.init-selection"


#: A body for each create call.
BODIES = {
    "image2video": lambda _: {"model_name": "kling-v3", "image": IMAGE},
    "text2video": lambda _: {"model_name": "kling-v3", "prompt": "a cat"},
    "omni-video": lambda _: {"prompt": "a cat", "image_list": [{"image_url": IMAGE, "type": "first_frame"}]},
    "multi-image2video": lambda _: {"prompt": "a cat", "image_list": [{"image": IMAGE}, {"image": IMAGE}]},
    "motion-control": lambda kling: {
        "image_url": IMAGE, "video_url": video(kling)["url"], "character_orientation": "image", "mode": "std",
    },
    "video-extend": lambda kling: {"video_id": video(kling)["id"]},
    "multi-elements": lambda kling: {"session_id": session(kling, INIT), "edit_mode": "removal", "prompt": "no cat"},
    "advanced-lip-sync": lambda kling: {
        "session_id": session(kling, "identify-face"), "face_choose": [face(kling)],
    },
    "lip-sync": lambda kling: {
        "input": {"mode": "text2video", "video_id": video(kling)["id"], "text": "hello", "voice_id": "girl"}
    },
    "avatar": lambda kling: {"image": IMAGE, "audio_id": sound(kling)["id"]},
    "effects": lambda _: {"effect_scene": "hug", "input": {"images": [IMAGE, IMAGE]}},
    "text-to-audio": lambda _: {"prompt": "rain", "duration": 3.5},
    "video-to-audio": lambda kling: {"video_url": video(kling)["url"]},
    "custom-voices": lambda kling: {"voice_name": "mine", "voice_url": sound(kling)["url"]},
    "advanced-custom-elements": lambda _: {
        "element_name": "Zhang", "element_description": "test element", "reference_type": "image_refer",
        "element_image_list": {"frontal_image": IMAGE, "refer_images": [{"image_url": IMAGE}]},
        "tag_list": [{"tag_id": "o_102"}],
    },
    "images-generations": lambda _: {"prompt": "a cat"},
    "omni-image": lambda _: {"prompt": "a cat", "model_name": "kling-v3-omni", "result_type": "series"},
    "multi-image2image": lambda _: {"subject_image_list": [{"subject_image": IMAGE}]},
    "images-expand": lambda _: {"image": IMAGE} | dict.fromkeys(
        (f"{side}_expansion_ratio" for side in ("up", "down", "left", "right")), 0.1
    ),
    "ai-multi-shot": lambda _: {"element_frontal_image": IMAGE},
    "virtual-try-on": lambda _: {"human_image": IMAGE, "cloth_image": IMAGE},
}  # fmt: skip


def links(value):
    """Every URL in an answer."""
    if isinstance(value, dict):
        return [link for item in value.values() for link in links(item)]
    if isinstance(value, list):
        return [link for item in value for link in links(item)]
    return [value] if isinstance(value, str) and "/results/" in value else []


def check_file(url):
    """A result must be what its name says."""
    response = requests.get(url, timeout=30)
    assert response.status_code == 200, url
    form = url.partition("?")[0].rpartition(".")[2]
    assert response.headers["Content-Type"] == CONTENT_TYPES[form]
    if form in ("srt", "ass"):
        assert {"srt": "00:00:00,000 --> 00:00:05,000", "ass": "[Script Info]"}[form] in response.text
    elif form == "png":
        Image.open(io.BytesIO(response.content)).load()
    else:
        with av.open(io.BytesIO(response.content)) as container:
            assert next(container.decode(video=0) if form == "mp4" else container.decode(audio=0))
