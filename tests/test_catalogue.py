"""Every product of the catalogue, by its row: checked, submitted, waited for and stored; and its operator."""

from __future__ import annotations

import inspect
from decimal import Decimal

import pytest
from support import PHOTOGRAPH, FakeTaskInstance, advice_first, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling import operators
from airflow_provider_kling.api import solutions
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators.at_once import KlingAtOnceOperator
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.prices import estimate
from airflow_provider_kling.simulator.products import PRODUCTS as SIMULATED

IMAGE = str(PHOTOGRAPH)
VIDEO = "https://media.example.com/clip.mp4"
FEATURE = {"video_url": VIDEO, "refer_type": "feature"}
SOUND = "https://media.example.com/voice.mp3"
FACE = {
    "face_id": "0",
    "sound_file": SOUND,
    "sound_start_time": 0,
    "sound_end_time": "3000",
    "sound_insert_time": 1000,
}

SPOKEN = {"video_id": "1", "text": "Hello", "voice_id": "girl"}

#: What a plain request of each product says.
REQUESTS = {
    "image2video": {"image": IMAGE, "prompt": "It moves", "duration": 3},
    "text2video": {"prompt": "A paper boat", "duration": 3},
    "omni-video": {
        "prompt": "<<<image_1>>> at night",
        "image_list": [IMAGE, {"image_url": IMAGE}],
        "aspect_ratio": "16:9",
        "duration": 3,
    },
    "video-extend": {"video_id": "929960000000000001"},
    "advanced-lip-sync": {
        "session_id": "8400000000000001",
        "face_choose": [FACE],
    },
    "avatar/image2video": {"image": IMAGE, "sound_file": SOUND},
    "effects": {"effect_scene": "squish", "input": {"image": IMAGE, "duration": 5}},
    "motion-control": {"image_url": IMAGE, "video_url": VIDEO, "character_orientation": "image", "mode": "std"},
    "multi-image2video": {"image_list": [IMAGE], "prompt": "They meet"},
    "images/generations": {"prompt": "A paper boat"},
    "omni-image": {"prompt": "<<<image_1>>> at night", "image_list": [{"image": IMAGE}], "resolution": "4k"},
    "multi-image2image": {"subject_image_list": [IMAGE, {"subject_image": IMAGE}]},
    "editing/expand": {"image": IMAGE, **{f"{side}_expansion_ratio": 0.2 for side in ("up", "down", "left", "right")}},
    "kolors-virtual-try-on": {"human_image": IMAGE, "cloth_image": IMAGE},
    "tts": {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"},
    "text-to-audio": {"prompt": "Rain", "duration": 5},
    "video-to-audio": {"video_url": VIDEO, "sound_effect_prompt": "Rain"},
    "multi-elements": {"session_id": "8400000000000002", "edit_mode": "swap", "image_list": [IMAGE], "prompt": "A fox"},
    "identify-face": {"video_url": VIDEO},
    "lip-sync": {"input": {"video_url": VIDEO, "text": "Hello", "voice_id": "girl", "voice_speed": "1.5"}},
    "image-recognize": {"image": IMAGE},
    "custom-voices": {"voice_name": "mine", "voice_url": SOUND},
    "advanced-custom-elements": {
        "element_name": "Fox",
        "element_description": "A red fox",
        "reference_type": "image_refer",
        "element_image_list": {"frontal_image": IMAGE, "refer_images": [IMAGE]},
        "tag_list": ["o_102"],
    },
    "ai-multi-shot": {"element_frontal_image": IMAGE},
    "solutions": {"solution": "talking-agent"},
}

#: Those of which the simulator makes results from what is on this machine alone.
SERVED = [
    endpoint
    for endpoint, product in PRODUCTS.items()
    if product.path in {row.path for row in SIMULATED.values()}
    and "example.com" not in str(REQUESTS[endpoint])
    and "video_id" not in REQUESTS[endpoint]
    and endpoint not in ("multi-image2video", "multi-elements", "solutions")
]

#: One operator for each product.
OPERATORS = {
    cls.product.endpoint: cls
    for cls in (getattr(operators, name) for name in operators.__all__)
    if isinstance(cls, type) and issubclass(cls, KlingTaskOperator) and cls is not KlingTaskOperator
}


def test_every_product_has_an_operator_and_a_request():
    assert set(OPERATORS) == set(PRODUCTS) == set(REQUESTS)


@pytest.mark.parametrize("endpoint", PRODUCTS)
def test_a_plain_request_passes_and_a_retired_product_warns(endpoint):
    product = PRODUCTS[endpoint]
    warnings = [advice_first(warning) for warning in prepare(product, REQUESTS[endpoint]).warnings]
    assert [warning for warning in warnings if product.notice not in warning and "retired" not in warning] == []
    assert bool(warnings) is bool(product.notice)


@pytest.mark.parametrize("endpoint", PRODUCTS)
def test_what_a_product_needs_is_asked_for(endpoint):
    product = PRODUCTS[endpoint]
    with pytest.raises(errors.KlingValidationError) as caught:
        prepare(product, {})
    problems = [advice_first(problem) for problem in caught.value.problems]
    for name in product.required:
        assert any(problem.startswith(f"Give {name}: it is missing") for problem in problems), name
    if product.either:
        both = {**REQUESTS[endpoint], **dict.fromkeys(product.either, "https://media.example.com/x")}
        with pytest.raises(errors.KlingValidationError, match="Keep one of"):
            prepare(product, both)


@pytest.mark.parametrize("endpoint", PRODUCTS)
def test_every_field_of_a_product_is_an_argument_an_attribute_and_a_template_field(endpoint):
    cls = OPERATORS[endpoint]
    made = cls(task_id="x")
    for name in (*cls.product.arguments, *cls.template_fields):
        assert hasattr(made, name)
    assert set(cls.product.arguments) <= set(cls.template_fields)
    assert set(cls.product.media_fields) <= set(cls.redacted_fields)
    own = {
        name
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if parameter.kind.name == "KEYWORD_ONLY"
    }
    assert own - set(getattr(cls, "session_arguments", ())) == set(cls.product.arguments)
    assert all(f":param {name}:" in cls.__doc__ for name in own)
    assert issubclass(cls, KlingAtOnceOperator) is (cls.product.answers != "task")


@pytest.mark.parametrize("endpoint", SERVED)
def test_a_product_is_submitted_waited_for_and_stored(kling, tmp_path, endpoint):
    ti = FakeTaskInstance()
    where = {"output_uri": f"{tmp_path}/", "deferrable": False, "poll_interval": 0.05}
    manifest = OPERATORS[endpoint](task_id="make", **REQUESTS[endpoint], **where).execute({"ti": ti})
    assert manifest["endpoint"] == endpoint
    assert bool(manifest["files"]) is (endpoint != "advanced-custom-elements"), "an element has no file"
    assert len(list(tmp_path.iterdir())) == len(manifest["files"])
    assert kling.requests(method="POST")[0]["path"] == PRODUCTS[endpoint].path


@pytest.mark.parametrize(
    ("endpoint", "fields", "advice"),
    [
        ("editing/expand", {"up_expansion_ratio": 2}, "Lower the expansion ratios"),
        ("editing/expand", {f"{side}_expansion_ratio": 0 for side in ("up", "down", "left", "right")}, "Raise an exp"),
        ("omni-video", {"aspect_ratio": None}, "Give aspect_ratio"),
        ("omni-video", {"prompt": None}, "Write a prompt"),
        ("omni-video", {"image_list": [{"image_url": IMAGE, "type": "middle"}]}, "Give an image's type"),
        ("omni-video", {"image_list": [{"image_url": IMAGE, "type": "end_frame"}]}, "Give one of image_list the type"),
        (
            "omni-video",
            {"image_list": [{"image_url": IMAGE, "type": kind} for kind in ("first_frame", "end_frame")] + [IMAGE]},
            "Keep two of image_list",
        ),
        (
            "advanced-lip-sync",
            {"face_choose": [{**FACE, "sound_end_time": 1999}]},
            "Give face_choose[0] at least 2 sec",
        ),
        ("effects", {"input": {}}, "Give input as {'image': …}"),
        ("effects", {"input": {"image": IMAGE, "images": [IMAGE]}}, "Give input as {'image': …}"),
        ("effects", {"input": {"image": "missing.png"}}, "Check the path of input.image"),
        ("omni-video", {"image_list": [IMAGE] * 7, "element_list": [1]}, "Drop some of element_list"),
        ("omni-video", {"image_list": [IMAGE] * 5, "video_list": [FEATURE]}, "Drop some of image_list"),
        ("omni-video", {"video_list": [FEATURE], "sound": "on"}, "Set sound='off', or leave video_list out"),
        ("omni-video", {"video_list": [VIDEO]}, "Leave aspect_ratio out"),
        ("omni-video", {"video_list": [FEATURE, FEATURE]}, "Give video_list as a list of 1"),
        ("omni-video", {"video_list": [IMAGE]}, "Copy video_list[0].video_url to object storage"),
        ("omni-video", {"model_name": "kling-video-o1", "duration": 15}, "Give duration as 3 to 10"),
        ("omni-video", {"model_name": "kling-video-o1", "sound": True}, "Change model"),
        ("omni-image", {"model_name": "kling-image-o1"}, "Change model, or set resolution='2k'"),
        ("omni-image", {"image_list": [IMAGE] * 11}, "Give image_list as a list of 1 to 10"),
        ("omni-image", {"image_list": [IMAGE] * 6, "element_list": [1, 2, 3, 4, 5]}, "Drop some of element_list"),
        ("omni-image", {"image_list": ["missing.png"]}, "Check the path of image_list[0].image"),
        ("multi-image2image", {"subject_image_list": [{}]}, "Give subject_image_list as a list of 1 to 4"),
        ("text-to-audio", {"duration": 2.9}, "Give duration as a number from 3 to 10"),
        ("text-to-audio", {"prompt": "x" * 201}, "Shorten prompt to 200 characters"),
        ("video-to-audio", {"video_url": IMAGE}, "Copy video_url to object storage"),
        ("video-to-audio", {"asmr_mode": "loud"}, "Give asmr_mode as True or False"),
        ("avatar/image2video", {"mode": "4k"}, "Give mode as 'std' or 'pro'"),
        ("motion-control", {"element_list": [1, 2]}, "Drop some of element_list"),
        ("motion-control", {"model_name": "kling-v2-6", "element_list": [1]}, "Change model or mode, or leave element"),
        ("motion-control", {"keep_original_sound": "maybe"}, "Give keep_original_sound as 'yes' or 'no'"),
        ("advanced-lip-sync", {"face_choose": [{"face_id": "0"}]}, "Give face_choose[0] one of audio_id or sound_file"),
        ("advanced-lip-sync", {"face_choose": []}, "Give face_choose: it is missing"),
        ("multi-elements", {"edit_mode": "removal"}, "Give image_list none of the images"),
        ("multi-elements", {"image_list": [IMAGE, IMAGE]}, "Give image_list 1 of the images"),
        ("multi-elements", {"edit_mode": "change"}, "Give edit_mode as 'addition', 'swap' or 'removal'"),
        ("multi-elements", {"image_list": [], "edit_mode": "addition"}, "Give image_list 1 or 2 of the images"),
        ("lip-sync", {"input": {"video_url": VIDEO}}, "Give input one video, and a text, audio_url or audio_file"),
        ("lip-sync", {"input": {"video_id": "1", "text": "x" * 121, "voice_id": "g"}}, "Give input.text 1 to 120"),
        ("lip-sync", {"input": {"video_id": "1", "text": "x"}}, "Give input.voice_id"),
        ("lip-sync", {"input": {**SPOKEN, "voice_speed": 3}}, "Give input.voice_speed from 0.8 to 2.0"),
        ("lip-sync", {"input": {**SPOKEN, "voice_language": "fr"}}, "Give input.voice_language as 'zh' or 'en'"),
        ("lip-sync", {"input": {"video_id": "1", "audio_url": IMAGE}}, "Copy input.audio_url to object storage"),
        ("lip-sync", {"input": "{"}, "Give input as a list or dict"),
        ("custom-voices", {"voice_name": "x" * 21}, "Shorten voice_name to 20 characters"),
        ("custom-voices", {"voice_url": None}, "Give voice_url or video_id"),
        ("custom-voices", {"voice_url": IMAGE}, "Copy voice_url to object storage"),
        ("advanced-custom-elements", {"reference_type": "video_refer"}, "Leave element_image_list out"),
        ("advanced-custom-elements", {"element_image_list": None}, "Give element_image_list"),
        ("advanced-custom-elements", {"element_image_list": {"frontal_image": IMAGE}}, "Give frontal_image and 1 to 3"),
        (
            "advanced-custom-elements",
            {"element_image_list": {"frontal_image": IMAGE, "refer_images": [IMAGE, "missing.png"]}},
            "Check the path of element_image_list.refer_images[1].image_url",
        ),
        ("advanced-custom-elements", {"tag_list": ["o_1"]}, "Give tag_list ids from o_101 to o_108"),
        ("ai-multi-shot", {"element_frontal_image": "missing.png"}, "Check the path of element_frontal_image"),
        ("solutions", {"solution": "a/b/c"}, "Give solution the name in the path of its page"),
        ("solutions", {"callback_url": "https://h.example/" + "x" * 1024}, "Shorten callback_url to 1024 characters"),
        ("identify-face", {"video_url": IMAGE}, "Copy video_url to object storage"),
        ("multi-image2video", {"image_list": [IMAGE] * 5}, "Give image_list as a list of 1 to 4"),
    ],
)
def test_what_kling_would_refuse_is_refused_before_it_is_sent(endpoint, fields, advice):
    with pytest.raises(errors.KlingValidationError) as caught:
        prepare(PRODUCTS[endpoint], {**REQUESTS[endpoint], **fields})
    assert next(advice_first(problem) for problem in caught.value.problems).startswith(advice)


def test_a_first_frame_decides_the_aspect_ratio():
    fields = {"prompt": "It moves", "image_list": [{"image_url": IMAGE, "type": "first_frame"}]}
    assert prepare(PRODUCTS["omni-video"], fields).warnings == ()


def test_the_image_of_an_effect_is_loaded_and_no_fingerprint_shows_it():
    prepared = prepare(PRODUCTS["effects"], {**REQUESTS["effects"], "input": f'{{"image": "{IMAGE}", "duration": 5}}'})
    assert prepared.body["input"].keys() == {"image", "duration"}
    assert (prepared.body["input"]["image"][:4], prepared.body["input"]["duration"]) == ("/9j/", "5")
    assert prepared.content["input"]["image"].startswith("sha256:")


def test_a_packaged_scenario_accepts_the_documented_fields_and_is_found_again(kling, monkeypatch, no_waiting):
    connect(monkeypatch, kling, api_key=True)
    kling.fault("cut_after", operation="create")
    extra = {"scene": {"words": ["Hello"]}, "negative_prompt": "rain", "options": {"later": 1}}
    fields = {"solution": "talking-agent", "watermark_info": True, "extra_body": extra}
    manifest = made("solutions", **fields)
    (task,) = kling.tasks()
    assert (manifest["task_id"], len(manifest["videos"])) == (task["task_id"], 1)
    sent = kling.requests(method="POST", path="/solutions/talking-agent")[0]["body"]
    assert sent.pop("options") == {
        "external_task_id": task["external_task_id"],
        "watermark": {"enabled": True},
        "later": 1,
    }
    assert sent == {"scene": {"words": ["Hello"]}, "negative_prompt": "rain"}
    assert [task.task_id for task in KlingHook().list_tasks("solutions")] == [manifest["task_id"]]


def test_the_name_of_a_packaged_scenario_may_have_two_parts(kling, monkeypatch, no_waiting):
    connect(monkeypatch, kling, api_key=True)
    manifest = made("solutions", solution="e-commerce/clothing_dupe", watermark_info=True)
    sent = kling.requests(method="POST", path="/solutions/e-commerce/clothing_dupe")[0]["body"]
    assert sent["options"]["watermark_info"] == {"enabled": True}
    assert "watermark" not in sent["options"]
    assert (len(manifest["images"]), len(manifest["videos"])) == (2, 1)
    request = solutions.create(PRODUCTS["solutions"], {"solution": "e-commerce/clothing_dupe"})
    assert request.path == "/solutions/e-commerce/clothing_dupe"


def test_a_packaged_scenario_needs_an_api_key(kling):
    with pytest.raises(errors.KlingConfigurationError, match="Give the connection an API key"):
        made("solutions")
    assert kling.requests(method="POST") == []


def test_values_become_klings():
    body = prepare(PRODUCTS["text-to-audio"], {"prompt": "Rain", "duration": "5s"}).body
    assert (body["duration"], type(body["duration"])) == (5.0, float)
    assert prepare(PRODUCTS["text-to-audio"], {"prompt": "Rain", "duration": 3.5}).body["duration"] == 3.5
    fields = {**REQUESTS["motion-control"], "keep_original_sound": False}
    assert prepare(PRODUCTS["motion-control"], fields).body["keep_original_sound"] == "no"
    body = prepare(PRODUCTS["advanced-lip-sync"], REQUESTS["advanced-lip-sync"]).body
    assert body["face_choose"][0]["sound_end_time"] == 3000
    fields = {**REQUESTS["omni-image"], "result_type": "series", "series_amount": 4}
    assert prepare(PRODUCTS["omni-image"], fields).body["series_amount"] == "4"
    body = prepare(PRODUCTS["multi-image2image"], REQUESTS["multi-image2image"]).body
    assert [set(item) for item in body["subject_image_list"]] == [{"subject_image"}] * 2


def test_a_series_amount_without_a_series_is_a_warning():
    (warning,) = prepare(PRODUCTS["omni-image"], {**REQUESTS["omni-image"], "series_amount": 4}).warnings
    assert warning.startswith("Set result_type='series', or leave series_amount out")


def made(endpoint: str, **fields):
    """What an operator that waits on its worker returns."""
    fields = {**REQUESTS[endpoint], **fields}
    where = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
    given = {name: value for name, value in fields.items() if value is not None}
    return OPERATORS[endpoint](task_id="make", **given, **where).execute({"ti": FakeTaskInstance()})


def test_a_result_can_be_the_input_of_another_product(kling, tmp_path):
    video = made("text2video")["videos"][0]["id"]
    with_sound = made("video-to-audio", video_url=None, video_id=video, output_uri=f"{tmp_path}/")
    assert {file["uri"].rpartition(".")[2] for file in with_sound["files"]} >= {"mp4"}
    sound = made("text-to-audio")["audios"][0]["id"]
    assert made("avatar/image2video", sound_file=None, audio_id=sound)["videos"]


@pytest.mark.kling_simulator(retired="accept")
def test_a_retired_product_that_a_relay_serves_still_works(kling):
    assert made("multi-image2video")["videos"]
    video = made("text2video", model_name="kling-v1", duration=5)["videos"][0]["id"]
    assert made("video-extend", video_id=video)["videos"]


@pytest.mark.parametrize(
    ("endpoint", "units"),
    [("tts", "0.05"), ("text-to-audio", "0.25"), ("video-to-audio", "0.25"), ("multi-image2image", "16")],
)
def test_what_a_product_costs_is_known_before_it_is_paid_for(endpoint, units):
    product = PRODUCTS[endpoint]
    assert estimate(product, prepare(product, REQUESTS[endpoint]).body).units == Decimal(units)


@pytest.mark.parametrize("endpoint", SERVED)
def test_no_product_costs_more_than_was_estimated(kling, endpoint):
    product = PRODUCTS[endpoint]
    found = estimate(product, prepare(product, REQUESTS[endpoint]).body)
    charged = Decimal(made(endpoint)["units"])
    assert found.units in (None, charged)


def _with_ids(product):
    """Requests with a place for each id, and for each other name that Kling gives; the place and the request."""
    fields = REQUESTS[product.endpoint]
    for name in product.by_name:
        if name in ("model_name", "effect_scene") or (name.endswith("_id") and name != "external_task_id"):
            yield name, lambda value, name=name: {**fields, name: value}
    for key in ("face_id", "audio_id") if "face_choose" in fields else ():
        yield f"face_choose[0].{key}", lambda value, key=key: {**fields, "face_choose": [{**FACE, key: value}]}
    for key in ("video_id", "voice_id") if product.endpoint == "lip-sync" else ():
        yield f"input.{key}", lambda value, key=key: {"input": {**SPOKEN, key: value}}
    if "voice_list" in product.by_name:
        yield "voice_list[0]", lambda value: {**fields, "sound": "on", "voice_list": [value]}


IDS = [
    (endpoint, place, request)
    for endpoint in REQUESTS
    if endpoint in PRODUCTS
    for place, request in _with_ids(PRODUCTS[endpoint])
]


@pytest.mark.parametrize(("endpoint", "place", "request_of"), IDS, ids=[f"{name} {place}" for name, place, _ in IDS])
def test_an_id_has_a_bound_and_a_type(endpoint, place, request_of):
    for value in ("x" * 257, "x" * 1_000_000, {"id": "1"}, ["1"], 1.5, True):
        with pytest.raises(errors.KlingValidationError) as caught:
            prepare(PRODUCTS[endpoint], request_of(value))
        about = [advice_first(problem) for problem in caught.value.problems if f"Give {place} as" in problem]
        assert about, caught.value.problems
        assert len(str(caught.value)) < 2000
    problems = []
    try:
        prepare(PRODUCTS[endpoint], request_of("x" * 256))
    except errors.KlingValidationError as error:
        problems = error.problems
    assert not [problem for problem in problems if f"Give {place} as" in problem]


def test_every_product_with_an_id_has_one_of_these_places():
    assert {endpoint for endpoint, _, _ in IDS} >= {
        *("advanced-lip-sync", "avatar/image2video", "effects", "tts", "video-extend", "video-to-audio"),
        *("multi-elements", "identify-face", "lip-sync", "custom-voices", "advanced-custom-elements"),
    }
