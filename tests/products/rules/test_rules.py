"""Each rule that needs no model table, with valid and invalid requests."""

from __future__ import annotations

import pytest
from support import advice_first

from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.problem import Request
from airflow_provider_kling.products.rules import check
from airflow_provider_kling.products.rules.camera import MOVEMENTS, TYPES

URL = "https://x.example/a.png"
IMAGE = {"model_name": "kling-v3", "image": URL, "prompt": "a cat"}
TEXT = {"model_name": "kling-v3", "prompt": "a cat"}


def found(product="image2video", severity="error", **changes):
    body = {**(IMAGE if product == "image2video" else TEXT), **changes}
    body = {name: value for name, value in body.items() if value is not None}
    problems = check(Request(PRODUCTS[product], body))
    assert all(advice_first(problem.sentence) for problem in problems)
    return [problem for problem in problems if problem.severity == severity]


def sentence(product="image2video", severity="error", **changes):
    (problem,) = found(product, severity, **changes)
    return problem.sentence


@pytest.mark.parametrize("product", ["image2video", "text2video"])
def test_a_plain_request_has_no_problem(product):
    assert found(product) == found(product, severity="warning") == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("model_name", ["kling-v3", "kling-v99"], [3, ["kling-v3"]]),
        ("prompt", ["x", "x" * 2500], [3, {}, "x" * 2501]),
        ("negative_prompt", ["x" * 2500], [3, "x" * 2501]),
        ("mode", ["std", "pro", "4k", "new"], [3, True]),
        ("duration", ["5", "10", "99"], [5, "five", "5.5", "-5", "", "\u0665"]),
        ("sound", ["on", "off"], [True, "loud", 1]),
        ("cfg_scale", [0, 1, 0.5, 0.0], ["high", True, -0.01, 1.01, 7.0, [0.5]]),
        (
            "watermark_info",
            [{"enabled": True}, {"enabled": False}],
            [True, {}, {"enabled": "yes"}, {"enabled": True, "x": 1}],
        ),
        (
            "callback_url",
            ["https://x.example/hook", "http://10.0.0.1:8080/a?b=c"],
            ["ftp://x", "x.example", 3, "https://", "https:///a"],
        ),
        ("external_task_id", ["a", "A-b_9", "x" * 64], ["a b", "x" * 65, "ä", 3, "a\n"]),
    ],
)
def test_each_field_takes_its_values_and_no_others(name, good, bad):
    for value in good:
        assert found(**{name: value}) == [], value
    for value in bad:
        assert [problem.field for problem in found(**{name: value})] == [name], value


def test_a_message_names_the_field_the_value_and_what_is_allowed():
    assert sentence(sound="loud") == "Give sound as 'on' or 'off', or as True or False: sound='loud' is not a switch."


def test_cfg_scale_of_seven_is_explained_with_the_other_tools_scale():
    assert "ComfyUI" in sentence(cfg_scale=7.0)


@pytest.mark.parametrize("value", ["16:9", "9:16", "1:1"])
def test_text_takes_three_aspect_ratios(value):
    assert found("text2video", aspect_ratio=value) == []


@pytest.mark.parametrize("value", ["4:3", 1.5, "16/9"])
def test_text_takes_no_other_aspect_ratio(value):
    assert "'16:9', '9:16' or '1:1'" in sentence("text2video", aspect_ratio=value)


def test_an_image_or_a_last_frame_is_needed():
    assert "image is missing" in sentence(image=None)
    assert found(image=None, image_tail=URL) == []


@pytest.mark.parametrize(
    "pair",
    [("image_tail", "static_mask"), ("image_tail", "dynamic_masks"), ("image_tail", "camera_control"),
     ("static_mask", "camera_control"), ("dynamic_masks", "camera_control")],
)  # fmt: skip
def test_last_frame_masks_and_camera_exclude_each_other(pair):
    values = {
        "image_tail": URL,
        "static_mask": URL,
        "dynamic_masks": [{"mask": URL, "trajectories": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}],
        "camera_control": {"type": "down_back"},
    }
    assert f"{pair[0]} and {pair[1]} exclude each other" in sentence(**{name: values[name] for name in pair})
    for name in pair:
        assert found(**{name: values[name]}) == []


def test_static_and_dynamic_masks_go_together():
    path = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]
    assert found(static_mask=URL, dynamic_masks=[{"mask": URL, "trajectories": path}]) == []


@pytest.mark.parametrize("name", ["static_mask", "dynamic_masks"])
def test_a_mask_needs_the_image_it_marks(name):
    path = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]
    value = URL if name == "static_mask" else [{"mask": URL, "trajectories": path}]
    assert any("needs image" in item.sentence for item in found(image=None, image_tail=URL, **{name: value}))


# Prompt and shots


def test_text_needs_a_prompt_and_an_image_only_should_have_one():
    assert "prompt is missing" in sentence("text2video", prompt=None)
    assert found(prompt=None) == []
    assert "prompt is missing" in sentence(prompt=None, severity="warning")


@pytest.mark.parametrize("model", ["kling-v1", "kling-v2-5-turbo", "kling-v2-6", "kling-2.6"])
def test_models_before_the_third_generation_take_an_image_alone(model):
    assert found(model_name=model, prompt=None, severity="warning") == []


def shot(index=1, prompt="a", duration="5", **more):
    return {"index": index, "prompt": prompt, "duration": duration, **more}


def custom(items, product="text2video", **changes):
    return found(
        product, **{"prompt": None, "multi_shot": True, "shot_type": "customize", "multi_prompt": items, **changes}
    )


@pytest.mark.parametrize("product", ["image2video", "text2video"])
def test_custom_shots_need_no_prompt(product):
    assert custom([shot()], product) == []
    assert custom([shot(1, duration="2"), shot(2, duration="4")], product, duration="6") == []


def test_one_to_six_shots_are_taken():
    six = [shot(index, duration="1") for index in range(1, 7)]
    assert custom(six, duration="6") == []
    assert "7 items" in custom([*six, shot(7, duration="1")], duration="7")[0].sentence
    assert "0 items" in custom(None)[0].sentence
    assert "the value 'x'" in custom("x")[0].sentence


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (shot(0), "the index 1"),
        (shot(2), "the index 1"),
        (shot(True), "the index 1"),
        (shot("1"), "the index 1"),
        (shot(prompt="x" * 513), "513 characters"),
        (shot(prompt=" "), "1 characters"),
        (shot(prompt=None), "no text"),
        (shot(duration="0"), "at least 1"),
        (shot(duration=5), "at least 1"),
        (shot(extra=1), "is not a shot"),
        ({"index": 1}, "is not a shot"),
        ("x", "is not a shot"),
    ],
)
def test_a_wrong_shot_is_named(item, reason):
    (problem,) = custom([item])
    assert "multi_prompt[0]" in problem.sentence
    assert reason in problem.sentence


def test_the_shots_must_fill_the_duration():
    assert "last 4 s together" in custom([shot(duration="4")])[0].sentence
    assert custom([shot(prompt="x" * 512, duration="10")], duration="10") == []


def test_several_shots_need_a_type():
    assert "shot_type is missing" in sentence("text2video", multi_shot=True)
    assert found("text2video", multi_shot=True, shot_type="intelligence") == []
    assert any(item.field == "shot_type" for item in found(multi_shot=True, shot_type="auto"))


@pytest.mark.parametrize("product", ["image2video", "text2video"])
def test_intelligence_needs_a_prompt_everywhere(product):
    assert "intelligence" in sentence(product, prompt=None, multi_shot=True, shot_type="intelligence")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("shot_type", {"shot_type": "customize"}),
        ("multi_prompt", {"multi_prompt": [shot()]}),
        ("multi_prompt", {"multi_prompt": [shot()], "multi_shot": True, "shot_type": "intelligence"}),
        ("prompt", {"multi_prompt": [shot()], "multi_shot": True, "shot_type": "customize"}),
    ],
)
def test_what_kling_ignores_is_a_warning(name, changes):
    (problem,) = found(severity="warning", **changes)
    assert problem.field == name
    assert "is ignored by Kling" in problem.sentence
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("prompt", "lists", "warned"),
    [
        ("<<<voice_1>>> speaks", {"voice_list": [{"voice_id": "a"}], "sound": "on"}, False),
        ("<<<voice_2>>> speaks", {"voice_list": [{"voice_id": "a"}], "sound": "on"}, True),
        ("<<<voice_1>>> speaks", {}, True),
        ("<<<voice_0>>> speaks", {"voice_list": [{"voice_id": "a"}], "sound": "on"}, True),
        ("<<<element_1>>> runs", {"element_list": [{"element_id": 1}]}, False),
        ("<<<element_3>>> runs", {"element_list": [{"element_id": 1}, {"element_id": 2}]}, True),
        ("<<<image_1>>> moves", {}, False),
    ],
)
def test_a_reference_without_its_entry_is_a_warning(prompt, lists, warned):
    assert bool(found(prompt=prompt, severity="warning", **lists)) is warned
    assert found(prompt=prompt, **lists) == []


def test_a_reference_inside_a_shot_counts_too():
    shots = [shot(prompt="<<<element_1>>> runs")]
    (problem,) = found(prompt=None, multi_shot=True, shot_type="customize", multi_prompt=shots, severity="warning")
    assert "element_list has 0 entries" in problem.sentence


# Voices and elements

VOICE, ELEMENT = {"voice_id": "a"}, {"element_id": 1}


def test_two_voices_with_sound_are_taken():
    assert found(voice_list=[VOICE, VOICE], sound="on") == []


@pytest.mark.parametrize("changes", [{}, {"sound": "off"}])
def test_voices_need_sound(changes):
    assert "voice_list needs sound='on'" in sentence(voice_list=[VOICE], **changes)


def test_three_voices_are_too_many():
    assert "3 items" in sentence(voice_list=[VOICE] * 3, sound="on")


def test_voices_and_elements_exclude_each_other():
    assert "exclude each other" in sentence(voice_list=[VOICE], element_list=[ELEMENT], sound="on")


@pytest.mark.parametrize("item", [{"voice_id": ""}, {"voice_id": 5}, {}, 5, {"voice_id": "a", "x": 1}])
def test_a_voice_is_an_id_in_text(item):
    assert "voice_list[0]=" in sentence(voice_list=[item], sound="on")


def test_three_elements_are_taken_and_four_are_too_many():
    assert found(element_list=[ELEMENT] * 3) == []
    assert "4 items" in sentence(element_list=[ELEMENT] * 4)


@pytest.mark.parametrize("item", [{"element_id": "x"}, {"element_id": True}, {"element_id": 1.5}, {}, "x", None])
def test_an_element_is_an_id_in_digits(item):
    assert "element_list[0]=" in sentence(element_list=[item])


@pytest.mark.parametrize("name", ["element_list", "voice_list", "dynamic_masks"])
def test_a_list_must_be_a_list(name):
    assert "is not a list" in sentence(**{name: 5}, sound="on")


# Camera


@pytest.mark.parametrize("kind", TYPES[1:])
def test_a_predefined_camera_movement_takes_no_config(kind):
    assert found(camera_control={"type": kind}) == []
    assert found(camera_control={"type": kind, "config": None}) == []
    assert "Leave camera_control.config out" in sentence(camera_control={"type": kind, "config": {"pan": 1}})


@pytest.mark.parametrize("name", MOVEMENTS)
@pytest.mark.parametrize("value", [-10, -0.5, 10, 3])
def test_a_simple_move_takes_one_of_six_movements(name, value):
    others = dict.fromkeys(MOVEMENTS, 0)
    assert found(camera_control={"type": "simple", "config": {name: value}}) == []
    assert found(camera_control={"type": "simple", "config": {**others, name: value}}) == []


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ({"type": "simple"}, "needs a config"),
        ({"type": "simple", "config": 5}, "needs a config"),
        ({"type": "simple", "config": {}}, "moves none"),
        ({"type": "simple", "config": dict.fromkeys(MOVEMENTS, 0)}, "moves none"),
        ({"type": "simple", "config": {"pan": 1, "zoom": 2}}, "moves 'pan' and 'zoom'"),
        ({"type": "simple", "config": {"pan": 10.5}}, "out of range"),
        ({"type": "simple", "config": {"pan": -11}}, "out of range"),
        ({"type": "simple", "config": {"pan": "fast"}}, "out of range"),
        ({"type": "simple", "config": {"pan": 1, "spin": 1}}, "config.spin is unknown"),
        ({"type": "orbit"}, "is unknown"),
        ({}, "type=None is unknown"),
        ({"type": []}, "is unknown"),
        ({"type": "down_back", "speed": 2}, "unknown keys ('speed')"),
        ("down_back", "is not an object"),
    ],
)
def test_a_wrong_camera_is_named(control, reason):
    assert reason in sentence(camera_control=control)
