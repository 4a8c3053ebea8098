"""Each request of Kling's pages and of public clients is accepted, or refused with the text that was observed."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from airflow_provider_kling.simulator import KlingSimulator

from .support import IMAGE, Client
from .support_operations import BODIES, INIT, made, session, sound, video

REQUESTS = yaml.safe_load((Path(__file__).parent / "requests.yaml").read_text())["requests"]


def _voice(kling):
    return made(kling, "custom-voices", BODIES["custom-voices"](kling))["task_result"]["voices"][0]["voice_id"]


def _element(kling):
    return made(kling, "advanced-custom-elements", BODIES["advanced-custom-elements"](kling))["task_result"][
        "elements"
    ][0]["element_id"]


#: What the words of the file stand for.
MAKERS = {
    "@image": lambda _: IMAGE,
    "@uri": lambda _: f"data:image/png;base64,{IMAGE}",
    "@picture": lambda kling: made(kling, "images-generations", {"prompt": "x"})["task_result"]["images"][0]["url"],
    "@film": lambda kling: video(kling)["url"],
    "@video": lambda kling: video(kling)["id"],
    "@speech": lambda kling: sound(kling)["url"],
    "@sound": lambda kling: sound(kling)["id"],
    "@face": lambda kling: session(kling, "identify-face"),
    "@edit": lambda kling: session(kling, INIT),
    "@voice": _voice,
    "@element": _element,
    "@digits": lambda kling: str(_element(kling)),
}


def filled(made_once, value):
    """The body with what its words stand for."""
    if isinstance(value, dict):
        return {key: filled(made_once, item) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(made_once, item) for item in value]
    return made_once(value) if isinstance(value, str) and value in MAKERS else value


@pytest.fixture(scope="module")
def kling():
    slots = {"concurrency": 100, "image_concurrency": 100}
    with KlingSimulator(seconds=3600, video_size="small", retired="accept", **slots) as simulator:
        yield Client(simulator)


@pytest.fixture(scope="module")
def made_once(kling):
    return cache(lambda word: MAKERS[word](kling))


@pytest.mark.parametrize("row", REQUESTS, ids=[f"{number}{row['path']}" for number, row in enumerate(REQUESTS)])
def test_a_request_as_others_send_it_is_answered(kling, made_once, row):
    response = kling.send("POST", row["path"], json=filled(made_once, row["body"]))
    if "refused" in row:
        assert kling.refusal(response) == (400, 1201, row["refused"])
        return
    assert (response.status_code, response.json()["code"]) == (200, 0), response.text
    data = response.json()["data"]
    if task := data.get("task_id") or data.get("id"):
        assert kling.simulator.finish(task)["status"] == "succeed", kling.simulator.tasks()[-1]["message"]
