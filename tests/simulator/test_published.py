"""The simulator reproduces each published or recorded response of Kling field by field."""

import re
from pathlib import Path

import pytest
import yaml

from .support import I2V, IMAGE, MODEL, T2V, TAIL, eventually, token
from .support_operations import BODIES, INIT, OPERATIONS, video
from .test_callbacks import Receiver

PUBLISHED = yaml.safe_load((Path(__file__).parent / "published.yaml").read_text())
ANSWERS, REFUSALS = PUBLISHED["answers"], PUBLISHED["refusals"]

TURBO = "/text-to-video/kling-3.0-turbo"
FILM = {"prompt": "a cat", "settings": {"resolution": "1080p"}}
MINE = {"external_task_id": "mine"}
MARKED = {"watermark_info": {"enabled": True}}
RISK = "Failure to pass the risk control system"
NO_FILE = "Something went wrong when we tried to get the contents of the file."

#: What an answer may have besides what its example shows, because examples of the same kind of answer show it.
MORE = {
    "watermark_info.enabled", "final_unit_deduction", "final_balance_deduction.quota", "task_status_msg",
    "final_balance_deduction.list_price", "task_info", "task_result.series_images[].watermark_url",
}  # fmt: skip


def kind(value):
    """What a leaf of JSON is, in the words of the file."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "ms" if 10**12 <= value < 10**13 else "number"
    if value is None:
        return "null"
    if value in ([], {}):
        return "none" if value == [] else "empty"
    patterns = {"link": r"https?://.+", "digits": r"\d{12,}", "decimal": r"-?\d+(\.\d+)?"}
    return next((name for name, pattern in patterns.items() if re.fullmatch(pattern, value)), "text")


def leaves(value, path=""):
    """Every leaf of JSON, by its place."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, kind(value)


def classic(kling, path, *, finish=True, failure="", **body):
    """Make a task, end it, and look at it."""
    task_id = kling.send("POST", path, json=body).json()["data"]["task_id"]
    if finish:
        kling.simulator.finish(task_id, failure=failure)
    return kling.get(f"{path}/{task_id}")


def named(kling, name, **body):
    """The same for a product, with an id of its own."""
    return classic(kling, OPERATIONS[name]["path"], **BODIES[name](kling), **MINE, **body)


def unnamed(kling, name):
    """The same without an id."""
    return classic(kling, OPERATIONS[name]["path"], **BODIES[name](kling))


def at_once(kling, name, **body):
    """Ask for something that is in the answer."""
    return kling.send("POST", OPERATIONS[name]["path"], json=body)


def create_v2(kling, *, finish=True, failure="", **options):
    """Create a task of the second generation, end it and read it."""
    task_id = kling.send("POST", TURBO, json=FILM | {"options": options}).json()["data"]["id"]
    if finish:
        kling.simulator.finish(task_id, failure=failure)
    return kling.get("/tasks", task_ids=task_id)


def processing(kling, response):
    """Look again when the task of an answer is under way."""
    data = response.json()["data"]
    kling.simulator.advance(3600 * 0.06)
    return kling.get("/tasks", task_ids=data[0]["id"]) if isinstance(data, list) else kling.get(f"{I2V}/mine")


def two_in_a_list(kling):
    """A list with a task that is done and one that is under way."""
    named(kling, "image2video", **MARKED)
    kling.create()
    return kling.get(I2V, pageNum=1, pageSize=30)


def both_generations(kling):
    """One look at a task of each generation."""
    newer = create_v2(kling, external_task_id="n").json()["data"][0]["id"]
    return kling.get("/tasks", task_ids=f"{newer},{named(kling, 'images-generations').json()['data']['task_id']}")


def first_page(kling):
    """A page that is not the last."""
    for name in "ab":
        create_v2(kling, external_task_id=name)
    return kling.send("POST", "/tasks", json={"limit": 1})


def bill(kling, which):
    """A report of what a film cost."""
    create_v2(kling)
    return at_once(kling, f"account-billing-{which}", start_time=1, end_time=10**14)


def costs(kling):
    """The packs of the account."""
    return kling.get("/account/costs", start_time=1, end_time=2)


def callback(kling, name, body):
    """The last call that a task makes."""
    receiver = Receiver()
    try:
        key = "options" if name.startswith("/") else None
        path = name if key else OPERATIONS[name]["path"]
        extra = MINE | {"callback_url": receiver.url}
        data = kling.send("POST", path, json=body | ({key: extra} if key else extra)).json()["data"]
        failure = RISK if body.get("prompt") == "no" else ""
        kling.simulator.finish(data.get("task_id") or data["id"], failure=failure)
        ends = {"succeed", "succeeded", "failed"}
        found = lambda: [one for one in receiver.bodies() if (one.get("task_status") or one["status"]) in ends]  # noqa: E731
        return eventually(found)[0]
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


#: How each answer is asked for; the settings of the account, where they matter, stand in SETTINGS.
SCENES = {
    "account_billing_balance": lambda kling: bill(kling, "balance"),
    "account_billing_package": lambda kling: bill(kling, "package"),
    "account_costs": costs,
    "account_costs_no_pack": costs,
    "account_costs_trial_pack": costs,
    "callback_classic_failed": lambda kling: callback(kling, "text2video", {"model_name": "kling-v3", "prompt": "no"}),
    "callback_classic_succeed": lambda kling: callback(kling, "text2video", {"model_name": "kling-v3", "prompt": "x"}),
    "callback_new_succeeded": lambda kling: callback(kling, TURBO, FILM),
    "ai_multi_shot_succeed": lambda kling: unnamed(kling, "ai-multi-shot"),
    "element_succeed": lambda kling: named(kling, "advanced-custom-elements"),
    "extend_succeed": lambda kling: named(kling, "video-extend"),
    "identify_face_ok": lambda kling: at_once(kling, "identify-face", video_id=video(kling)["id"]),
    "image_recognize_ok": lambda kling: at_once(kling, "image-recognize", image=IMAGE),
    "image_succeed": lambda kling: named(kling, "images-generations"),
    "list": two_in_a_list,
    "list_empty": lambda kling: kling.get(T2V, pageNum=1, pageSize=30),
    "multi_elements_init_ok": lambda kling: at_once(kling, INIT, video_id=video(kling)["id"]),
    "omni_image_series_succeed": lambda kling: unnamed(kling, "omni-image"),
    "presets_elements": lambda kling: kling.get("/v1/general/advanced-presets-elements"),
    "presets_voices": lambda kling: kling.get("/v1/general/presets-voices"),
    "query_failed_image": lambda kling: classic(
        kling, I2V, model_name=MODEL, image=IMAGE, failure="Image pixel is invalid"
    ),
    "query_failed_moderation": lambda kling: classic(kling, T2V, model_name=MODEL, prompt="no", failure=RISK, **MINE),
    "query_processing": lambda kling: processing(kling, kling.image2video(**MINE)),
    "query_submitted": lambda kling: classic(kling, I2V, model_name=MODEL, image=IMAGE, finish=False, **MINE),
    "query_succeed": lambda kling: named(kling, "image2video", watermark_info={"enabled": True}),
    "query_succeed_null_id": lambda kling: classic(kling, I2V, model_name=MODEL, image=IMAGE, **MARKED),
    "submit_ok": lambda kling: kling.text2video(**MINE),
    "submit_ok_no_external_id": lambda kling: kling.image2video(),
    "text_to_audio_succeed": lambda kling: unnamed(kling, "text-to-audio"),
    "tts_submit_sync": lambda kling: at_once(kling, "tts", text="Hello", voice_id="oversea_male1", voice_language="en"),
    "voice_succeed": lambda kling: unnamed(kling, "custom-voices"),
    "v2_list": first_page,
    "v2_list_empty": lambda kling: kling.send("POST", "/tasks", json={}),
    "v2_query_batch_mixed": both_generations,
    "v2_query_failed": lambda kling: create_v2(kling, failure=NO_FILE),
    "v2_query_processing": lambda kling: processing(kling, create_v2(kling, finish=False, **MINE)),
    "v2_query_succeeded": lambda kling: create_v2(kling, **MINE),
    "v2_query_unknown_id": lambda kling: kling.get("/tasks", task_ids="0000000000000000"),
    "v2_submit_ok": lambda kling: kling.send("POST", TURBO, json=FILM),
    "v2_submit_ok_external_id": lambda kling: kling.send("POST", TURBO, json=FILM | {"options": MINE}),
}

#: The console's test of a callback is no answer of the API.
CONSOLE = {"callback_new_test"}

SETTINGS = {
    "account_billing_balance": {"charge": "cash"},
    "account_costs_no_pack": {"charge": "cash"},
    "query_succeed_null_id": {"missing_task_info": "null"},
}


def test_every_published_response_has_a_request():
    assert set(ANSWERS) - CONSOLE == set(SCENES)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_published_response_is_reproduced_field_by_field(start, name):
    kling = start(retired="accept", concurrency=100, image_concurrency=100, **SETTINGS.get(name, {}))
    response = SCENES[name](kling)
    body = response
    if not name.startswith("callback"):
        assert (response.status_code, response.json()["code"], response.json()["message"]) == (200, 0, "SUCCEED")
        body = response.json()["data"]
    found = set(leaves(body))
    assert {(path, words) for path, words in ANSWERS[name].items()} - found == set()
    known = set(ANSWERS[name]) | MORE
    assert {path for path, _ in found if path.removeprefix("[].") not in known and path not in known} == set()


def signed(kling, **claims):
    """A look with a token."""
    return bearer(kling, token(kling.simulator, **claims))


def bearer(kling, word, path=f"{T2V}/1"):
    """A look with some other credential."""
    return kling.send("GET", path, headers={"Authorization": f"Bearer {word}"} if word else {})


def twice(kling):
    """The second of two requests with one id."""
    kling.text2video(external_task_id="v6-1789956049929")
    return kling.text2video(external_task_id="v6-1789956049929")


def full(kling):
    """A request beyond the slots."""
    kling.text2video()
    return kling.text2video()


#: How each refusal is met; the others are what a fault of that code says.
REFUSED = {
    "1001_authorization_empty": lambda kling: bearer(kling, ""),
    "1002_aksk_not_supported": lambda kling: bearer(kling, token(kling.simulator), "/tasks?task_ids=0"),
    "1002_api_key_not_found": lambda kling: bearer(kling, "api-key-kling-" + "0" * 43),
    "1002_malformed_token": lambda kling: bearer(kling, "nonsense"),
    "1003_not_yet_valid": lambda kling: signed(kling, shift=3600),
    "1004_expired": lambda kling: signed(kling, shift=-7200),
    "1102_balance": lambda kling: kling.text2video(),
    "1201_bad_base64": lambda kling: kling.image2video(image="data:image/png;base64,AAAA"),
    "1201_bad_value": lambda kling: kling.send(
        "POST", "/text-to-video/kling-3.0", json={"prompt": "x", "settings": {"resolution": "bogus"}}
    ),
    "1201_capability": lambda kling: kling.image2video(image_tail=TAIL),
    "1201_duplicate_external_task_id": twice,
    "1201_element_not_found": lambda kling: kling.image2video(
        model_name="kling-v3", prompt="x", element_list=[{"element_id": 315187972322559}]
    ),
    "1201_model_discontinued": lambda kling: kling.text2video(model_name="kling-v1"),
    "1201_no_selector": lambda kling: kling.get("/tasks"),
    "1201_task_not_found": lambda kling: kling.get(f"{T2V}/mf-auth-probe-nonexistent"),
    "1201_too_many_ids": lambda kling: kling.get("/tasks", task_ids=",".join(map(str, range(21)))),
    "1303_concurrency": full,
}

ACCOUNTS = {
    "1102_balance": {"units": 0},
    "1201_element_not_found": {"known_elements": ()},
    "1303_concurrency": {"concurrency": 1},
}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_published_refusal_is_reproduced_with_its_text(start, name):
    kling, published = start(**ACCOUNTS.get(name, {})), REFUSALS[name]
    if name not in REFUSED:
        kling.simulator.fault("error", code=published["code"])
    response = REFUSED.get(name, lambda kling: kling.text2video())(kling)
    body = response.json()
    assert body.keys() == {"code", "message", "request_id"}
    assert (response.status_code, body["code"], body["message"]) == tuple(published.values())
