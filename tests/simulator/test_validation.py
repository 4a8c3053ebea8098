"""Every error for an invalid body, and keys that are ignored."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kling.simulator.catalogue import load_catalogue
from airflow_provider_kling.simulator.context import Context
from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.products import PRODUCTS

from .support import I2V, IMAGE, T2V, TAIL

MASK = {"dynamic_masks": [{"mask": IMAGE, "trajectories": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}]}
V1 = {"model_name": "kling-v1"}
V15 = {"model_name": "kling-v1-5", "mode": "pro"}
V26 = {"model_name": "kling-v2-6", "mode": "pro"}
V3 = {"model_name": "kling-v3"}
PRO = {"mode": "pro"}
SHOTS = V3 | {"multi_shot": True, "shot_type": "customize"}
TUPLE = "model/mode/duration"
SIMPLE = {"type": "simple", "config": {"zoom": 5}}
RETIRED = ["kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master"]
CAMERA = "camera_control is only supported in std mode with 5s duration and kling-v1"


def shot(index, duration="5", **more):
    return {"index": index, "prompt": "x", "duration": duration} | more


#: Texts that Kling was seen to send.
OBSERVED = [
    ({"image": None}, "image can not be null"),
    ({"image": ""}, "image can not be null"),
    ({"image": f"data:image/png;base64,{IMAGE}"}, "File is not in a valid base64 format"),
    ({"image": IMAGE[:-1]}, "File is not in a valid base64 format"),
    ({"image": "/home/me/cat.png:"}, "File is not in a valid base64 format"),
    (PRO | {"image_tail": "no base64!"}, "File is not in a valid base64 format"),
    ({"image_tail": TAIL}, f"{TUPLE}(kling-v2-5-turbo/std/5) is not supported with image_tail"),
    (V26 | {"mode": "std", "image_tail": TAIL}, f"{TUPLE}(kling-v2-6/std/5) is not supported with image_tail"),
    ({"model_name": "kling-v1-6"} | MASK, "kling-v1-6 is not supported with motion brush"),
    ({"static_mask": IMAGE}, "kling-v2-5-turbo is not supported with motion brush"),
    ({"mode": "professional"}, "mode value 'professional' is invalid"),
    ({"model_name": "kling-v9"}, "model is not supported"),
    (V1 | {"mode": "pro", "camera_control": SIMPLE}, CAMERA),
    ({"duration": "99"}, "duration value '99' is invalid"),
]

#: Texts in the same style that nobody published.
IN_STYLE = [
    ({"image": 5}, "image value type is invalid, expected string"),
    ({"duration": 5}, "duration value type is invalid, expected string"),
    ({"duration": "7"}, f"{TUPLE}(kling-v2-5-turbo/std/7) is not supported"),
    ({"mode": "4k"}, f"{TUPLE}(kling-v2-5-turbo/4k/5) is not supported"),
    ({"prompt": "x" * 2501}, "prompt length must be less than or equal to 2500"),
    ({"negative_prompt": "x" * 2501}, "negative_prompt length must be less than or equal to 2500"),
    ({"cfg_scale": 1.5}, "cfg_scale value '1.5' is invalid, must be between 0 and 1"),
    ({"cfg_scale": True}, "cfg_scale value type is invalid, expected number"),
    ({"watermark_info": True}, "watermark_info value type is invalid, expected object"),
    ({"watermark_info": {"enabled": "yes"}}, "watermark_info.enabled value type is invalid, expected boolean"),
    ({"external_task_id": 7}, "external_task_id value type is invalid, expected string"),
    (
        PRO | {"image": None, "image_tail": TAIL},
        f"{TUPLE}(kling-v2-5-turbo/pro/5) is not supported with image_tail only",
    ),
    (V1 | {"duration": "10"} | MASK, f"{TUPLE}(kling-v1/std/10) is not supported with motion brush"),
    (
        V1 | MASK | {"image_tail": TAIL},
        "image_tail, static_mask/dynamic_masks and camera_control are mutually exclusive",
    ),
    (V1 | {"dynamic_masks": MASK["dynamic_masks"] * 7}, "dynamic_masks size must be less than or equal to 6"),
    (V1 | {"dynamic_masks": ["x"]}, "dynamic_masks[0] value type is invalid, expected object"),
    (V1 | {"dynamic_masks": [{"trajectories": []}]}, "dynamic_masks[0].mask can not be null"),
    (
        V1 | {"dynamic_masks": [{"mask": IMAGE, "trajectories": [{"x": 1, "y": 2}]}]},
        "dynamic_masks[0].trajectories size must be between 2 and 77",
    ),
    (
        V1 | {"dynamic_masks": [{"mask": IMAGE, "trajectories": [{"x": 0.5, "y": 2}] * 2}]},
        "dynamic_masks[0].trajectories value type is invalid, expected integer x and y",
    ),
    ({"camera_control": SIMPLE}, CAMERA),
    (
        {"camera_control": {"type": "spin"}},
        "camera_control.type value 'spin' is invalid, allowed values: "
        "simple, down_back, forward_up, right_turn_forward, left_turn_forward",
    ),
    (
        V15 | {"camera_control": {"type": "down_back"}},
        CAMERA,
    ),
    (
        V15 | {"duration": "10", "camera_control": SIMPLE},
        CAMERA,
    ),
    (
        V15 | {"camera_control": {"type": "simple"}},
        "camera_control.config is required when camera_control.type is simple",
    ),
    (
        V15 | {"camera_control": {"type": "simple", "config": {"zoom": 5, "pan": 1}}},
        "camera_control.config must have exactly one non-zero value",
    ),
    (
        V15 | {"camera_control": {"type": "simple", "config": {"zoom": 11}}},
        "camera_control.config.zoom value '11' is invalid, must be between -10 and 10",
    ),
    ({"sound": "loud"}, "sound value 'loud' is invalid, allowed values: on, off"),
    ({"sound": "on"}, f"{TUPLE}(kling-v2-5-turbo/std/5) is not supported with sound"),
    (V26 | {"mode": "std", "sound": "on"}, f"{TUPLE}(kling-v2-6/std/5) is not supported with sound"),
    (
        V26 | {"sound": "on", "image_tail": TAIL},
        f"{TUPLE}(kling-v2-6/pro/5) is not supported with image_tail and sound",
    ),
    (V3 | {"voice_list": [{"voice_id": "v"}]}, f"{TUPLE}(kling-v3/std/5) is not supported with voice_list"),
    (V26 | {"voice_list": [{"voice_id": "v"}]}, "voice_list is only supported when sound is on"),
    (V26 | {"voice_list": [{"voice_id": "v"}] * 3}, "voice_list size must be less than or equal to 2"),
    (V26 | {"voice_list": [{}]}, "voice_list[0].voice_id can not be null"),
    ({"element_list": [{"element_id": 1}]}, f"{TUPLE}(kling-v2-5-turbo/std/5) is not supported with element_list"),
    (V3 | {"element_list": [{"element_id": 1}] * 4}, "element_list size must be less than or equal to 3"),
    (
        V3 | {"element_list": [{"element_id": "cat"}]},
        "element_list[0].element_id value type is invalid, expected integer",
    ),
    (V3 | {"element_list": [{}]}, "element_list[0].element_id can not be null"),
    ({"multi_shot": True}, f"{TUPLE}(kling-v2-5-turbo/std/5) is not supported with multi_shot"),
    ({"multi_shot": "true"}, "multi_shot value type is invalid, expected boolean"),
    (V3 | {"multi_shot": True}, "shot_type can not be null"),
    (
        V3 | {"multi_shot": True, "shot_type": "x"},
        "shot_type value 'x' is invalid, allowed values: customize, intelligence",
    ),
    (V3 | {"multi_shot": True, "shot_type": "intelligence"}, "prompt can not be null"),
    (SHOTS, "multi_prompt size must be between 1 and 6"),
    (SHOTS | {"multi_prompt": ["x"]}, "multi_prompt[0] value type is invalid, expected object"),
    (SHOTS | {"multi_prompt": [shot(0)]}, "multi_prompt[0].index value '0' is invalid"),
    (
        SHOTS | {"multi_prompt": [shot(1, prompt="x" * 513)]},
        "multi_prompt[0].prompt length must be less than or equal to 512",
    ),
    (SHOTS | {"multi_prompt": [shot(1, "0")]}, "multi_prompt[0].duration value '0' is invalid"),
    (
        SHOTS | {"multi_prompt": [shot(1, "2"), shot(2, "2")]},
        "the sum of multi_prompt durations must be equal to duration",
    ),
]

TEXT = [
    ({"prompt": " "}, "prompt can not be null"),
    ({"aspect_ratio": "99:1"}, "aspect_ratio value '99:1' is invalid, supported values: 16:9, 9:16, 1:1"),
    ({"model_name": "kling-v2-6", "sound": "on"}, f"{TUPLE}(kling-v2-6/std/5) is not supported with sound"),
    (
        V26 | {"sound": "on", "voice_list": [{"voice_id": "v"}]},
        f"{TUPLE}(kling-v2-6/pro/5) is not supported with voice_list",
    ),
    (
        V1 | {"camera_control": {"type": "down_back", "config": {"zoom": 1}}},
        "camera_control.config is only supported when camera_control.type is simple",
    ),
]


@pytest.fixture(scope="module")
def kling():
    """One server for all refusals: nothing is created. Retired models are accepted, to reach their own rules."""
    from airflow_provider_kling.simulator import KlingSimulator

    from .support import Client

    with KlingSimulator(retired="accept", seconds=3600, concurrency=1000) as simulator:
        yield Client(simulator)


@pytest.mark.parametrize(("body", "message"), OBSERVED + IN_STYLE)
def test_image2video_refuses_with_klings_message_and_creates_nothing(kling, body, message):
    before = len(kling.simulator.tasks())
    assert kling.refusal(kling.image2video(**body)) == (400, 1201, message)
    assert len(kling.simulator.tasks()) == before


@pytest.mark.parametrize(("body", "message"), TEXT)
def test_text2video_refuses_with_klings_message(kling, body, message):
    assert kling.refusal(kling.text2video(**body)) == (400, 1201, message)


@pytest.mark.parametrize(
    "body",
    [
        PRO | {"image_tail": TAIL},
        PRO | {"image_tail": TAIL, "duration": "10"},
        V26 | {"image_tail": TAIL},
        V26 | {"sound": "on", "voice_list": [{"voice_id": "v"}]},
        V3 | {"image_tail": TAIL, "sound": "on", "duration": "15", "mode": "4k"},
        V3 | {"element_list": [{"element_id": 860000000000000001}]},
        SHOTS | {"multi_prompt": [shot(1, "2"), shot(2, "3")]},
        V15 | {"image": None, "image_tail": TAIL},
        V15 | {"camera_control": SIMPLE},
        V1 | MASK,
        {"model_name": "kling-v2-master", "mode": "pro"},
        {"prompt": None, "cfg_scale": 0, "negative_prompt": "blur"},
    ],
)
def test_image2video_accepts_what_the_capability_map_allows(kling, body):
    assert kling.image2video(**body).json()["message"] == "SUCCEED"


@pytest.mark.parametrize("model", ["kling-v2-1", "kling-3.0-turbo", "kling-v3-turbo", "kling-o1"])
def test_a_model_of_another_api_is_1203(kling, model):
    refusal = (404, 1203, "not supported for this API")
    assert kling.refusal(kling.text2video(model_name=model)) == refusal


@pytest.mark.parametrize("model", ["kling-v2", "kling-v3-omni", "kling-v9"])
def test_a_model_that_the_classic_video_paths_do_not_know_is_1201(kling, model):
    assert kling.refusal(kling.text2video(model_name=model)) == (400, 1201, "model is not supported")


def test_unknown_keys_and_aspect_ratio_of_image2video_are_ignored(kling):
    assert kling.image2video(aspect_ratio="99:1", surprise={"a": 1}).status_code == 200


def test_the_field_model_is_ignored_and_the_default_model_is_retired(start):
    kling = start()
    body = {"model": "kling-v3", "image": IMAGE}
    response = kling.send("POST", I2V, json=body)
    message = "The model 'kling-v1' has been discontinued and is no longer available."
    assert kling.refusal(response) == (400, 1201, message)


@pytest.mark.parametrize("model", RETIRED)
def test_every_retired_model_is_refused(start, model):
    kling = start()
    message = f"The model '{model}' has been discontinued and is no longer available."
    assert kling.refusal(kling.image2video(model_name=model)) == (400, 1201, message)


def test_the_code_of_a_retired_model_is_a_setting(start):
    assert start(retired_code=1203).image2video(model_name="kling-v1").status_code == 404


def test_a_retired_model_is_used_when_the_settings_accept_it(start):
    kling = start(retired="accept")
    response = kling.send("POST", I2V, json={"image": IMAGE})
    assert response.json()["code"] == 0
    assert kling.simulator.tasks()[0]["model"] == "kling-v1"


def test_the_id_of_an_element_may_be_digits_unless_switched_off(start):
    classic = {"model_name": "kling-v3", "element_list": [{"element_id": "7"}]}
    omni = {"prompt": "x", "aspect_ratio": "16:9", "element_list": [{"element_id": "7"}]}
    new = {"contents": [{"type": "first_frame", "url": IMAGE}, {"type": "element", "element_id": "7"}]}
    for digits, known, status in (("accept", (7,), 200), ("refuse", (7,), 400), ("accept", (8,), 400)):
        kling = start(element_digits=digits, known_elements=known)
        assert kling.image2video(**classic).status_code == status
        assert kling.send("POST", "/v1/videos/omni-video", json=omni).status_code == status
        assert kling.send("POST", "/image-to-video/kling-3.0", json=new).status_code == status


def test_an_image_of_the_second_generation_may_be_a_data_uri_unless_switched_off(start):
    uri = f"data:image/png;base64,{IMAGE}"
    new = {"contents": [{"type": "first_frame", "url": uri}]}
    for uris, status in (("accept", 200), ("refuse", 400)):
        kling = start(data_uris=uris)
        assert kling.send("POST", "/image-to-video/kling-3.0", json=new).status_code == status
        assert IMAGE not in kling.get("/_simulator/requests").text
        assert kling.refusal(kling.image2video(image=uri)) == (400, 1201, "File is not in a valid base64 format")
    kling = start()
    kling.send("POST", "/image-to-video/kling-3.0", json=new)
    (task,) = kling.simulator.tasks()
    assert kling.simulator.finish(task["task_id"])["status"] == "succeed"


def test_an_unknown_element_is_refused_when_the_known_ones_are_listed(start):
    kling = start(known_elements=(7,))
    body = {"model_name": "kling-v3", "element_list": [{"element_id": 8}]}
    assert kling.refusal(kling.image2video(**body)) == (400, 1201, "Element id not found: 8")
    assert kling.image2video(**(body | {"element_list": [{"element_id": 7}]})).status_code == 200


def test_an_image_over_ten_megabytes_is_refused_and_one_of_ten_is_not(kling):
    limit = 10 * 1024 * 1024
    over, exact = (base64.b64encode(bytes(size)).decode() for size in (limit + 1, limit))
    assert kling.refusal(kling.image2video(image=over))[2] == "image size must be less than or equal to 10MB"
    assert kling.image2video(image=exact).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_a_body_that_is_not_json_object_is_1200(kling, body):
    response = kling.send("POST", T2V, data=body)
    assert (response.status_code, response.json()["code"]) == (400, 1200)


FIELDS = [
    "model_name", "image", "image_tail", "mode", "duration", "prompt", "negative_prompt", "cfg_scale", "sound",
    "multi_shot", "shot_type", "multi_prompt", "static_mask", "dynamic_masks", "camera_control", "voice_list",
    "element_list", "aspect_ratio", "watermark_info", "callback_url", "external_task_id", "input", "image_list",
    "video_list", "face_choose", "series_amount", "n", "result_type", "reference_type", "element_image_list",
    "contents", "settings", "options", "tag_list", "edit_mode", "session_id", "video_url", "video_id", "points",
]  # fmt: skip
WORDS = [
    "kling-v1", "kling-v1-5", "kling-v2-6", "kling-v3", "std", "pro", "4k", "5", "10", "on", "off", IMAGE,
    "http://127.0.0.1:9/x", "series", "auto", "first_frame", "image_refer",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-20, 20) | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5)
KEYS = st.sampled_from([
    "index", "prompt", "duration", "mask", "trajectories", "x", "y", "type", "config", "zoom", "image_url", "url",
    "video_url", "text", "mode", "images", "audio_type", "resolution", "audio",
])  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


@settings(max_examples=300, deadline=None)
@given(body=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8), product=st.sampled_from(sorted(PRODUCTS)))
def test_any_body_is_either_a_request_with_a_price_or_an_error(body, product):
    context = Context(catalogue=load_catalogue(), refuse_retired=False)
    known = {"model_name": "kling-v3", "image": IMAGE, "prompt": "x"} | body
    refusal = None
    try:
        request = PRODUCTS[product].task_request(known, context, scale=1, seconds=None)
    except KlingError as error:
        refusal = error
    if refusal is None:
        assert request.price >= 0
        assert request.seconds > 0 or PRODUCTS[product].at_once
    else:
        assert (refusal.code, refusal.http_status) in {(1201, 400), (1203, 404)}


#: Fields of other types than Kling's pages say, and whether they can be read as those.
SCALARS = [
    ({"duration": 5}, True),
    ({"duration": 5.0}, True),
    ({"cfg_scale": "0.5"}, True),
    ({"watermark_info": {"enabled": "true"}}, True),
    ({"external_task_id": 7}, True),
    ({"duration": 99}, False),
    ({"duration": True}, False),
    ({"cfg_scale": "much"}, False),
    ({"watermark_info": {"enabled": "yes"}}, False),
    ({"image": {}}, False),
]


@pytest.mark.parametrize(("fields", "readable"), SCALARS)
def test_a_classic_path_converts_numbers_and_texts_only_where_switched_on(start, fields, readable):
    assert start().image2video(**fields).json()["code"] == 1201
    converting = start(scalars="convert")
    assert converting.image2video(**fields).json()["code"] == (0 if readable else 1201)


def test_a_converted_external_id_finds_the_task(start):
    kling = start(scalars="convert")
    kling.image2video(external_task_id=7)
    assert kling.get(f"{I2V}/7").json()["data"]["task_info"] == {"external_task_id": "7"}


def test_the_second_generation_converts_nothing(start):
    kling = start(scalars="convert")
    body = {"prompt": "a boat", "settings": {"resolution": 720}}
    assert kling.send("POST", "/text-to-video/kling-3.0-turbo", json=body).json()["code"] == 1201
