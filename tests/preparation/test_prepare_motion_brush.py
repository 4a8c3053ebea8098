"""Paths of the motion brush."""

from __future__ import annotations

import base64
import json

import pytest
from support_prepare import ROCKET, URL, image, mask, refused

POINTS = [{"x": 0.5, "y": 0.7, "t": 0.0}, {"x": 0.5, "y": 0.3, "t": 1.0}]


@pytest.mark.parametrize("as_text", [False, True])
def test_normalised_paths_are_converted_with_the_size_of_a_local_image(as_text):
    masks = [{"mask": base64.b64encode(mask()).decode(), "trajectories": POINTS}]
    masks = json.dumps(masks) if as_text else masks
    prepared = image(image=ROCKET, model_name="kling-v1", dynamic_masks=masks)
    assert prepared.body["dynamic_masks"][0]["trajectories"] == [{"x": 320, "y": 298}, {"x": 320, "y": 128}]
    assert any("bottom-left" in warning for warning in prepared.warnings)


def test_a_path_that_is_not_a_list_of_points_is_named():
    (problem,) = refused(
        image=ROCKET, prompt="x", model_name="kling-v1", dynamic_masks=[{"mask": URL, "trajectories": 5}]
    )
    assert "dynamic_masks[0].trajectories=5 is not a list" in problem


def test_normalised_paths_on_a_link_are_refused_with_the_reason():
    problems = refused(
        image=URL, prompt="x", model_name="kling-v1", dynamic_masks=[{"mask": URL, "trajectories": POINTS}]
    )
    assert problems == (
        "Give the image as a file, or whole pixels: dynamic_masks[0].trajectories has normalised points (0 to 1), and "
        "the size of the image is not known (a URL is not downloaded); pixels count from the bottom-left corner.",
    )


def test_the_motion_brush_on_a_live_model_is_refused_with_what_to_do():
    (problem,) = refused(image=ROCKET, prompt="x", static_mask=mask())
    assert "no live model takes it since 2026-09-15" in problem
