"""Every row of the capability map: what it lists passes, what it does not list is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from support import advice_first

from airflow_provider_kling.products import capabilities
from airflow_provider_kling.products.capabilities import FEATURES, RESTRICTIONS, problems, table
from airflow_provider_kling.products.capability_map import is_certain
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.video import IMAGE2VIDEO, TEXT2VIDEO

IMAGE, TAIL = "https://x.example/a.png", "https://x.example/b.png"

#: What asks for each feature.
ASKS = {
    "end_frame": {"image_tail": TAIL},
    "end_frame_only": {"image": None, "image_tail": TAIL},
    "motion_brush": {"static_mask": IMAGE},
    "camera_control": {"camera_control": {"type": "down_back"}},
    "audio": {"sound": "on"},
    "voice_control": {"sound": "on", "voice_list": [{"voice_id": "1"}]},
    "multi_shot": {"multi_shot": True},
    "elements": {"element_list": [{"element_id": 1}]},
    "series": {"result_type": "series"},
    "four_k": {"resolution": "4k"},
    "image_reference": {"image": IMAGE, "image_reference": "face"},
}

#: Models that make videos; images, and what is as long as a video that comes in, have no duration.
VIDEO_ROWS = [row for row in table().rows if row.durations]

CASES = [
    pytest.param(row, mode, duration, id=f"{row.model}-{row.product}-{mode or 'any'}-{duration}s")
    for row in VIDEO_ROWS
    for mode in row.modes or (None,)
    for duration in row.durations
]


def body_of(row, mode, duration, **more):
    body = {"model_name": row.model, "mode": mode, "duration": duration, **more}
    if row.product == "image2video":
        body = {"image": IMAGE, **body}
    return {name: value for name, value in body.items() if value is not None}


def errors_of(product, body):
    found = problems(PRODUCTS[product], body)
    assert all(advice_first(problem.sentence) for problem in found)
    if is_certain(body.get("model_name")):
        return [problem for problem in found if problem.severity == "error"]
    # What relays say is no reason to refuse.
    assert {problem.severity for problem in found} == {"warning"}
    assert "only what relays say" in found[0].sentence
    return found[1:]


def test_every_feature_has_a_request_that_asks_for_it():
    assert set(ASKS) == {feature.name for feature in FEATURES}


@pytest.mark.parametrize(("row", "mode", "duration"), CASES)
def test_the_plain_request_of_every_row_passes(row, mode, duration):
    assert errors_of(row.product, body_of(row, mode, duration)) == []


@pytest.mark.parametrize("feature", sorted(ASKS))
@pytest.mark.parametrize(("row", "mode", "duration"), CASES)
def test_a_feature_passes_exactly_where_the_map_lists_it(row, mode, duration, feature):
    body = body_of(row, mode, duration, **ASKS[feature])
    found = errors_of(row.product, body)
    fields = {field for item in FEATURES if item.name == feature for field in item.fields}
    about = [problem for problem in found if problem.field in fields]
    value = row.features.get(feature, False)
    if value == "simple only":
        assert "type 'simple'" in about[0].sentence
        body["camera_control"] = {"type": "simple", "config": {"pan": 1}}
        about = errors_of(row.product, body)
    assert bool(about) is not bool(value)
    if not value:
        assert row.model in about[0].sentence


@pytest.mark.parametrize("duration", [str(seconds) for seconds in range(16)])
@pytest.mark.parametrize("mode", ["std", "pro", "4k"])
@pytest.mark.parametrize(("model", "product"), sorted({(row.model, row.product) for row in VIDEO_ROWS}))
def test_every_mode_and_duration_passes_exactly_where_the_map_lists_it(model, product, mode, duration):
    rows = [row for row in table().rows if (row.model, row.product) == (model, product)]
    offered = any((not row.modes or mode in row.modes) and duration in row.durations for row in rows)
    found = errors_of(product, body_of(rows[0], mode, duration))
    disputed = model == "kling-v2-6" and duration in ("3", "4", "6", "7", "8", "9") and mode != "4k"
    assert bool(found) is not (offered or disputed)
    if disputed:
        found = [
            item for item in problems(PRODUCTS[product], body_of(rows[0], mode, duration)) if item.field == "duration"
        ]
        assert "sources disagree" in found[0].sentence
    for problem in found:
        assert problem.field in ("mode", "duration")
        assert model in problem.sentence


@pytest.mark.parametrize("model", ["kling-v2-6", "kling-2.6"])
def test_an_end_frame_that_is_silent_only_clashes_with_sound_once(model):
    body = {"model_name": model, "mode": "pro", "image": IMAGE, "image_tail": TAIL, "sound": "on"}
    (found,) = errors_of("image2video", body)
    assert "Set sound='off'" in found.sentence
    assert errors_of("image2video", {**body, "sound": "off"}) == []


@pytest.mark.parametrize("name", sorted(name for name, model in table().models.items() if model.retired))
def test_a_retired_model_is_a_warning_with_its_date_and_a_live_replacement(name):
    model = table().models[name]
    for row in table().rows:
        if row.model != name or row.product in model.live_for:
            continue
        body = body_of(row, None, "5" if row.durations else None)
        found = [item for item in problems(PRODUCTS[row.product], body) if "retired" in item.sentence]
        assert [item.severity for item in found] == ["warning"]
        assert "2026-09-15" in found[0].sentence
        replacement = model.replacement if row.durations else "kling-v3"
        assert repr(replacement) in found[0].sentence
        assert table().models[replacement].retired is None


@pytest.mark.parametrize(
    "row", [row for row in table().rows if not row.durations], ids=lambda row: f"{row.model}-{row.product}"
)
def test_an_image_model_takes_what_its_row_lists(row):
    for name in ("elements", "image_reference", "series", "four_k"):
        found = errors_of(row.product, {"model_name": row.model, **ASKS[name]})
        assert bool(found) is not bool(row.features.get(name)), row
    assert errors_of(row.product, {"model_name": row.model, "resolution": "2k", "n": 9}) == []


def test_a_model_that_lives_on_for_images_is_retired_for_videos_only():
    assert problems(PRODUCTS["images/generations"], {"model_name": "kling-v2-1"}) == []
    (found,) = problems(IMAGE2VIDEO, {"model_name": "kling-v2-1"})
    assert "was retired by Kling on 2026-09-15" in found.sentence


def test_what_no_image_model_but_one_takes_names_that_one():
    (found,) = errors_of("images/generations", {"model_name": "kling-v3", **ASKS["image_reference"]})
    assert found.sentence.startswith("Change model, or leave image_reference out: kling-v3 does not take")
    assert found.sentence.endswith("for images/generations (image_reference='face'); kling-v2-1 takes it.")


@pytest.mark.parametrize(
    "name", sorted({row.model for row in VIDEO_ROWS if table().is_live(row, table().models[row.model].generation)})
)
def test_a_live_model_is_not_warned_about(name):
    row = next(row for row in table().rows if row.model == name)
    assert problems(PRODUCTS[row.product], body_of(row, row.modes[0], "5")) == []


def test_nothing_about_an_unknown_model_is_certain():
    body = {"model_name": "kling-v9", "mode": "8k", "duration": "99", "sound": "on", "image_tail": TAIL}
    (found,) = problems(IMAGE2VIDEO, body)
    assert found.severity == "warning"
    assert f"not in the table of {table().as_of}" in found.sentence


@pytest.mark.parametrize(
    ("model", "product", "other"),
    [
        ("kling-v3-omni", "image2video", "omni-video"),
        ("kling-video-o1", "text2video", "omni-video"),
        ("kling-3.0-omni", "text2video", "omni-video"),
        ("kling-v1-5", "text2video", "image2video"),
        ("kling-v2-1", "text2video", "image2video"),
    ],
)
def test_a_model_of_another_product_is_refused(model, product, other):
    found = errors_of(product, {"model_name": model, "image": IMAGE})
    assert [problem.field for problem in found] == ["model_name"]
    assert f"only {other}" in found[0].sentence


@pytest.mark.parametrize("model", ["kling-v2-master", "kling-v2-1-master"])
def test_mode_has_no_effect_on_a_master_model(model):
    found = problems(TEXT2VIDEO, {"model_name": model, "mode": "pro"})
    assert [(item.field, item.severity) for item in found if item.field == "mode"] == [("mode", "warning")]


@pytest.mark.parametrize(
    "name", ["kling-v2-master", "kling-v2-1", "kling-v2-1-master", "kling-v2-5-turbo", "kling-v2-6"]
)
def test_cfg_scale_has_no_effect_on_the_second_generation_of_models(name):
    found = [
        item for item in problems(IMAGE2VIDEO, {"model_name": name, "cfg_scale": 0.5}) if item.field == "cfg_scale"
    ]
    assert [item.severity for item in found] == ["warning"]


@pytest.mark.parametrize("name", ["kling-v1", "kling-v1-6", "kling-v3"])
def test_cfg_scale_is_not_warned_about_elsewhere(name):
    assert not [
        item for item in problems(IMAGE2VIDEO, {"model_name": name, "cfg_scale": 0.5}) if item.field == "cfg_scale"
    ]


def test_the_defaults_std_and_five_seconds_decide_when_mode_and_duration_are_left_out():
    (found,) = errors_of("image2video", {"model_name": "kling-v2-5-turbo", "image": IMAGE, "image_tail": TAIL})
    assert "mode 'std' at 5 s" in found.sentence
    assert "kling-v2-5-turbo (mode pro)" in found.sentence


@pytest.mark.parametrize("ask", [{"static_mask": IMAGE}, {"dynamic_masks": [{}]}])
def test_the_motion_brush_is_gone_from_every_live_model(ask):
    (found,) = errors_of("image2video", {"model_name": "kling-v3", "image": IMAGE, **ask})
    assert "no live model takes it since 2026-09-15" in found.sentence
    assert "describe it in the prompt" in found.sentence


def test_a_feature_that_no_model_of_the_product_had_is_refused_without_a_date():
    (found,) = errors_of("text2video", {"model_name": "kling-v3", "voice_list": [{"voice_id": "1"}]})
    assert "no live model takes it." in found.sentence


def test_a_model_that_always_generates_sound_warns_when_it_is_off():
    found = problems(TEXT2VIDEO, {"model_name": "kling-3.0-turbo", "sound": "off"})
    assert [(item.field, item.severity) for item in found] == [("sound", "warning")]


@pytest.mark.parametrize("body", [{}, {"model_name": 7}, {"model_name": "kling-v3", "mode": [], "duration": {}}])
def test_values_of_a_wrong_shape_are_left_to_the_other_checks(body):
    assert errors_of("text2video", body) == []


def test_the_table_is_complete_and_dated():
    dt.date.fromisoformat(table().as_of)
    assert len(VIDEO_ROWS) >= 41, "a row was lost"
    for row in table().rows:
        assert row.model in table().models
        assert "read 20" in row.source
        assert set(row.features) <= set(ASKS)
        assert all(value is True or value in RESTRICTIONS for value in row.features.values())


def test_the_table_is_read_once():
    assert table() is table()


def test_a_model_that_has_no_row_yet_is_sent_with_a_warning(monkeypatch):
    known = capabilities.table()
    model = known.models["kling-v3"]._replace(released="2026-12")
    added = known._replace(models={**known.models, "kling-next": model})
    monkeypatch.setattr(capabilities, "table", lambda: added)
    (found,) = capabilities.problems(PRODUCTS["image2video"], {"model_name": "kling-next", "duration": "7"})
    assert found.severity == "warning"
    assert "has no row for model_name='kling-next'" in found.sentence
