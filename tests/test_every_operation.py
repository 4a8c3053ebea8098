"""
Every operation of Kling's API is reached from the client, for real, against the simulator.

The list is ``docs/operations.yaml``, from which the documentation's table is made; the simulator has a list of its own.
Videos and sounds are given by link, so the simulator speaks HTTPS here.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import PHOTOGRAPH, FakeTaskInstance, connect

from airflow_provider_kling import operators
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.products.catalogue import PRODUCTS, V2_PRODUCTS
from airflow_provider_kling.simulator import KlingSimulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIST = Path(__file__).parents[1] / "docs" / "operations.yaml"
OPERATIONS: dict[str, dict[str, str]] = {row["id"]: row for row in yaml.safe_load(LIST.read_text())["operations"]}
IMAGE = str(PHOTOGRAPH)
SIDES = ("up", "down", "left", "right")

#: What nothing in the package reaches yet.
GAPS: set[str] = set()


class Account:
    """One account at a simulator, and what the operations need of it."""

    def __init__(self, simulator: KlingSimulator) -> None:
        self.simulator = simulator
        self.hook = KlingHook()
        self.run = uuid.uuid4().hex
        self._kept: dict[str, Any] = {}

    def make(self, operator: str, **fields: Any) -> dict[str, Any]:
        """Run an operator to its end."""
        where = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
        # Each test is a run of its own: in the same one, an operator would adopt what another test has paid for.
        ti = FakeTaskInstance(run_id=self.run)
        return dict(getattr(operators, operator)(task_id="make", **fields, **where).execute({"ti": ti}))

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several operations need is made once; the simulator counts it once, too."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @property
    def video(self) -> dict[str, Any]:
        """A video of a V1 model, which every product takes."""
        fields = {"prompt": "A paper boat", "model_name": "kling-v1"}
        return self.once("video", lambda: self.make("KlingTextToVideoOperator", **fields)["videos"][0])

    @property
    def sound(self) -> dict[str, Any]:
        fields = {"prompt": "Rain", "duration": 5}
        return self.once("sound", lambda: self.make("KlingTextToAudioOperator", **fields)["audios"][0])

    @property
    def face(self) -> dict[str, Any]:
        times = {"sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}
        return {"face_id": "0", "audio_id": self.sound["id"], **times}

    @property
    def session(self) -> str:
        """A session with the faces of the video."""
        return str(self.make("KlingIdentifyFaceOperator", video_id=self.video["id"])["task_id"])

    @property
    def selection(self) -> str:
        """A session in which areas of the video are marked."""
        return self.hook.selections.open(video_id=self.video["id"]).session_id


#: What a plain request of each operator says.
REQUESTS: dict[str, Callable[[Account], dict[str, Any]]] = {
    "KlingImageToVideoOperator": lambda _: {"image": IMAGE, "prompt": "It moves"},
    "KlingTextToVideoOperator": lambda _: {"prompt": "A paper boat"},
    "KlingOmniVideoOperator": lambda _: {"prompt": "<<<image_1>>>", "image_list": [IMAGE], "aspect_ratio": "1:1"},
    "KlingMultiImageToVideoOperator": lambda _: {"image_list": [IMAGE, IMAGE], "prompt": "They meet"},
    "KlingMotionControlOperator": lambda account: {
        "image_url": IMAGE, "video_url": account.video["url"], "character_orientation": "image", "mode": "std",
    },
    "KlingVideoExtensionOperator": lambda account: {"video_id": account.video["id"]},
    "KlingLipSyncOperator": lambda account: {"session_id": account.session, "face_choose": [account.face]},
    "KlingIdentifyFaceOperator": lambda account: {"video_url": account.video["url"]},
    "KlingOneCallLipSyncOperator": lambda account: {
        "input": {"video_url": account.video["url"], "audio_url": account.sound["url"]},
    },
    "KlingMultiElementsOperator": lambda account: {
        "session_id": account.selection, "edit_mode": "swap", "image_list": [IMAGE], "prompt": "A fox",
    },
    "KlingImageRecognitionOperator": lambda _: {"image": IMAGE},
    "KlingCustomVoiceOperator": lambda account: {"voice_name": "mine", "voice_url": account.sound["url"]},
    "KlingCustomElementOperator": lambda _: {
        "element_name": "Fox", "element_description": "A red fox", "reference_type": "image_refer",
        "element_image_list": {"frontal_image": IMAGE, "refer_images": [IMAGE]},
    },
    "KlingSolutionOperator": lambda _: {"solution": "talking-agent", "extra_body": {"scene": {"words": "Hello"}}},
    "KlingMultiShotOperator": lambda _: {"element_frontal_image": IMAGE},
    "KlingAvatarOperator": lambda account: {"image": IMAGE, "sound_file": account.sound["url"]},
    "KlingEffectsOperator": lambda _: {"effect_scene": "squish", "input": {"image": IMAGE}},
    "KlingTextToSpeechOperator": lambda _: {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"},
    "KlingTextToAudioOperator": lambda _: {"prompt": "Rain", "duration": 3.5},
    "KlingVideoToAudioOperator": lambda account: {"video_url": account.video["url"]},
    "KlingImageGenerationOperator": lambda _: {"prompt": "A paper boat"},
    "KlingOmniImageOperator": lambda _: {"prompt": "<<<image_1>>> at night", "image_list": [IMAGE]},
    "KlingMultiImageToImageOperator": lambda _: {"subject_image_list": [IMAGE]},
    "KlingImageExpansionOperator": lambda _: {"image": IMAGE, **{f"{side}_expansion_ratio": 0.2 for side in SIDES}},
    "KlingVirtualTryOnOperator": lambda _: {"human_image": IMAGE, "cloth_image": IMAGE},
}  # fmt: skip


def create(account: Account, operation: dict[str, str]) -> None:
    """Make a task with the operator; a path of the second generation ends with the model."""
    path = operation["call"].split()[1]
    fields = REQUESTS[operation["by"]](account)
    model = {} if path.startswith("/v1/") or "{" in path else {"model_name": path.rpartition("/")[2]}
    account.make(operation["by"], **{**fields, **model})


def endpoint_of(operation: dict[str, str]) -> str:
    path = operation["call"].split()[1].removesuffix("/{id}")
    return next(name for name, product in PRODUCTS.items() if product.path == path)


def task(account: Account, operation: dict[str, str]) -> None:
    """Read a task of this product, by its id; it fails where there is none."""
    endpoint = endpoint_of(operation)
    made = account.hook.list_tasks(endpoint) or [_made(account, endpoint)]
    assert account.hook.get_task(made[0].task_id, endpoint).task_id == made[0].task_id


def _made(account: Account, endpoint: str) -> Any:
    create(account, next(row for row in OPERATIONS.values() if row["call"] == f"POST {PRODUCTS[endpoint].path}"))
    return account.hook.list_tasks(endpoint)[0]


def tasks(account: Account, operation: dict[str, str]) -> None:
    """List the tasks of this product."""
    assert isinstance(account.hook.list_tasks(endpoint_of(operation)), list)


def tasks_by_id(account: Account, _operation: dict[str, str]) -> None:
    """Read tasks of two products with one request."""
    _ = account.video, account.sound
    made = [account.hook.list_tasks(name)[0] for name in ("text2video", "text-to-audio")]
    refs = [TaskRef(one.endpoint, one.task_id) for one in made]
    assert {ref.task_id for ref in account.hook.get_tasks(refs)} == {one.task_id for one in made}


def list_of_all_tasks(account: Account, _operation: dict[str, str]) -> None:
    """List the tasks of the second generation."""
    assert isinstance(account.hook.list_tasks(next(iter(V2_PRODUCTS))), list)


def costs(account: Account, _operation: dict[str, str]) -> None:
    assert account.hook.account_costs()


def report(name: str) -> Callable[[Account, dict[str, str]], None]:
    def walk(account: Account, _operation: dict[str, str]) -> None:
        _ = account.video
        lines = list(getattr(account.hook.billing, name)(1, 10**14))
        assert bool(lines) is (name == "units"), "the account pays with a pack"

    return walk


def presets(name: str) -> Callable[[Account, dict[str, str]], None]:
    def walk(account: Account, _operation: dict[str, str]) -> None:
        assert [made.owned_by for made in getattr(account.hook, name).presets()] == ["kling"]

    return walk


def voice(account: Account, _operation: dict[str, str]) -> None:
    made = account.make("KlingCustomVoiceOperator", **REQUESTS["KlingCustomVoiceOperator"](account))["voices"][0]
    assert made["voice_id"] in [one.voice_id for one in account.hook.voices.own()]
    assert account.hook.voices.delete(made["voice_id"])
    assert not account.hook.voices.delete(made["voice_id"]), "it is gone"


def element(by: str) -> Callable[[Account, dict[str, str]], None]:
    def walk(account: Account, _operation: dict[str, str]) -> None:
        fields = REQUESTS["KlingCustomElementOperator"](account)
        made = account.make("KlingCustomElementOperator", **fields)["elements"][0]
        assert made["element_id"] in [one.element_id for one in account.hook.elements.own()]
        assert account.hook.elements.delete(made["element_id"], by=by)

    return walk


def selection(call: str) -> Callable[[Account, dict[str, str]], None]:
    def walk(account: Account, _operation: dict[str, str]) -> None:
        sessions = account.hook.selections
        session = sessions.open(video_url=account.video["url"]).session_id
        marks = () if call in ("clear", "preview") else (3, [(0.5, 0.5)])
        getattr(sessions, call)(session, *marks)

    return walk


def opened(account: Account, _operation: dict[str, str]) -> None:
    session = account.hook.selections.open(video_id=account.video["id"])
    assert (session.frames, session.fps, session.width, session.height) == (151, 30.0, 320, 180)
    assert session.video_url


#: How an operation of the list is walked, by its call or by what reaches it; an operator makes a task.
WALKS: dict[str, Callable[[Account, dict[str, str]], None]] = {
    "KlingHook.get_task": task,
    "KlingHook.list_tasks": tasks,
    "KlingHook.get_tasks": tasks_by_id,
    "POST /tasks": list_of_all_tasks,
    "KlingHook.account_costs": costs,
    "KlingHook.billing.units": report("units"),
    "KlingHook.billing.money": report("money"),
    "KlingHook.voices.presets": presets("voices"),
    "KlingHook.elements.presets": presets("elements"),
    "KlingHook.voices.delete": voice,
    "POST /v1/general/delete-elements": element("images"),
    "KlingHook.elements.delete": element("videos"),
    "KlingHook.selections.open": opened,
    **{f"KlingHook.selections.{call}": selection(call) for call in ("add", "remove", "clear", "preview")},
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[KlingSimulator]:
    chosen = {"seconds": 0.05, "video_size": "small", "retired": "accept", "tls": True}
    with KlingSimulator(**chosen, concurrency=500, image_concurrency=500) as started:
        yield started


@pytest.fixture
def account(simulator: KlingSimulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    extra = {"allow_private_urls": True, "timeout_seconds": 20, "verify": str(simulator.certificate)}
    connect(monkeypatch, simulator, api_key=True, extra=extra)
    return Account(simulator)


def answered(simulator: KlingSimulator, call: str, since: int) -> list[int]:
    """The HTTP statuses that this operation was answered with."""
    method, _, path = call.partition(" ")
    pattern = re.sub(r"\\{[a-z]+\\}", "[^/]+", re.escape(path))
    requests = simulator.requests()[since:]
    return [entry["status"] for entry in requests if entry["method"] == method and re.fullmatch(pattern, entry["path"])]


def test_the_list_is_whole_and_names_what_there_is():
    assert len(OPERATIONS) == 94
    assert set(OPERATIONS) >= GAPS
    calls = [row["call"] for row in OPERATIONS.values()]
    assert len(set(calls)) == len(calls)
    paths = {product.path if name != "solutions" else "/solutions/{solution}" for name, product in PRODUCTS.items()}
    assert paths <= {call.removeprefix("POST ") for call in calls}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in GAPS])
def test_the_client_reaches_the_operation_and_the_simulator_serves_it(account, simulator, name):
    operation = OPERATIONS[name]
    walk = WALKS.get(operation["call"]) or WALKS.get(operation["by"], create)
    since = len(simulator.requests())
    walk(account, operation)
    statuses = answered(simulator, operation["call"], since)
    assert statuses, f"{operation['by']} did not send {operation['call']}"
    assert statuses[0] < 400, statuses
