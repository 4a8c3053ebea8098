"""Images and motion-brush paths, with real pictures."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from support import advice_first

from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.products.formatting import counted, joined, shown
from airflow_provider_kling.products.problem import Request
from airflow_provider_kling.products.rules import check
from airflow_provider_kling.products.rules.trajectories import TrajectoryError, is_normalised, to_pixels
from airflow_provider_kling.products.video import IMAGE2VIDEO

PATH = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]


def loaded(width=400, height=400, kind="PNG"):
    stream = io.BytesIO()
    Image.new("L", (width, height)).save(stream, kind)
    return load_image(stream.getvalue(), field="image")


def found(body=None, severity="error", **images):
    images = {place.replace("__", "[0]."): image for place, image in images.items()}
    body = {"model_name": "kling-v3", "image": "x", "prompt": "x", **(body or {})}
    request = Request(IMAGE2VIDEO, body, images)
    return [advice_first(problem.sentence) for problem in check(request) if problem.severity == severity]


def masks(*points_lists):
    return {"dynamic_masks": [{"mask": "x", "trajectories": points} for points in points_lists]}


@pytest.mark.parametrize("size", [(300, 300), (750, 300), (300, 750), (4096, 4096), (640, 427)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_within_the_limits_passes(size, kind):
    assert found(image=loaded(*size, kind)) == []


@pytest.mark.parametrize("size", [(299, 400), (400, 299), (1, 1)])
def test_a_side_under_300_pixels_is_refused(size):
    assert any(
        "at least 300 pixels" in sentence and f"{size[0]}x{size[1]}" in sentence
        for sentence in found(image=loaded(*size))
    )


@pytest.mark.parametrize("size", [(751, 300), (300, 751), (2600, 1000)])
def test_proportions_beyond_two_and_a_half_are_refused(size):
    (sentence,) = found(image=loaded(*size))
    assert "1:2.5 to 2.5:1" in sentence


@pytest.mark.parametrize("place", ["image", "image_tail", "static_mask", "dynamic_masks__mask"])
def test_webp_has_its_own_message_on_every_image(place):
    (sentence,) = found(**{place: loaded(kind="WEBP")})
    assert "it is a WebP image, Kling takes JPEG and PNG only" in sentence


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_refused_by_name(kind):
    assert f"is a {kind} image" in found(image=loaded(kind=kind))[0]


def test_content_that_is_not_an_image_is_refused():
    assert found(image=load_image(b"<html>", field="image")) == [
        "Give image as a JPEG or PNG file: it is an HTML or XML page, not an image."
    ]


def test_a_cut_file_and_plain_http_are_warnings():
    stream = io.BytesIO()
    Image.effect_noise((400, 400), 50).save(stream, "JPEG")
    cut = load_image(stream.getvalue()[:-2000], field="image")
    assert "no end marker" in found(image=cut, severity="warning")[0]
    http = load_image("http://x.example/a.png?token=secret", field="image")
    (sentence,) = found(image=http, severity="warning")
    assert "plain http" in sentence
    assert "secret" not in sentence
    assert found(image=cut) == found(image=http) == []


def test_a_mask_has_the_proportions_of_the_image():
    body = {"static_mask": "x", **masks(PATH)}
    pair = {"static_mask": loaded(400, 300), "dynamic_masks__mask": loaded(400, 300)}
    assert found(body, image=loaded(800, 600), **pair) == []
    assert any("needs the proportions" in sentence for sentence in found(body, image=loaded(600, 600), **pair))


def test_all_masks_have_one_size():
    body = {"static_mask": "x", **masks(PATH)}
    sentences = found(body, image=loaded(800, 600), static_mask=loaded(400, 300), dynamic_masks__mask=loaded(800, 600))
    assert sentences == [
        "Save all masks in one size: they differ (static_mask 400x300 and dynamic_masks[0].mask 800x600), and Kling "
        "needs all masks of a request in one size."
    ]


def test_six_masks_are_taken_and_seven_are_too_many():
    assert found(masks(*[PATH] * 6)) == []
    assert "7 masks" in found(masks(*[PATH] * 7))[0]


@pytest.mark.parametrize("item", [5, {}, {"mask": "x"}, {"mask": "x", "trajectories": PATH, "speed": 1}])
def test_a_mask_is_an_image_with_a_path(item):
    assert any("dynamic_masks[0]=" in sentence for sentence in found({"dynamic_masks": [item]}))


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, False), (2, True), (77, True), (78, False)])
def test_a_path_has_2_to_77_points(count, fine):
    points = [{"x": index, "y": 0} for index in range(count)]
    assert (found(masks(points)) == []) is fine


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        ({"x": 401, "y": 0}, "outside the image of 400x400"),
        ({"x": 0, "y": -1}, "outside the image"),
        ({"x": 0.5, "y": 1}, "whole pixels"),
        ({"x": True, "y": 1}, "whole pixels"),
        ({"x": 1}, "is not a point"),
        ({"x": 1, "y": 1, "z": 1}, "is not a point"),
        ([1, 1], "is not a point"),
    ],
)
def test_a_wrong_point_is_named(point, reason):
    (sentence,) = found(masks([{"x": 0, "y": 0}, point]), image=loaded())
    assert "dynamic_masks[0].trajectories[1]" in sentence
    assert reason in sentence


def test_a_negative_point_is_wrong_even_when_the_size_is_not_known():
    assert "is negative" in found(masks([{"x": -1, "y": 0}, *PATH]))[0]
    assert found(masks([{"x": 9999, "y": 0}, *PATH])) == []


def test_a_path_must_be_a_list():
    assert "is not a list" in found(masks("x"))[0]


# Normalised points

HEADER = loaded(641, 427).header


def test_normalised_points_become_pixels_from_the_bottom_left_corner():
    points = [{"x": 0.0, "y": 0.0, "t": 0}, {"x": 0.5, "y": 0.25, "t": 0.5}, {"x": 1.0, "y": 1.0, "t": 1}]
    assert to_pixels(points, HEADER) == [{"x": 0, "y": 0}, {"x": 320, "y": 106}, {"x": 640, "y": 426}]


def test_points_are_put_in_the_order_of_their_times():
    points = [{"x": 0.5, "y": 0.5, "t": 1}, {"x": 0.0, "y": 0.0, "t": 0}]
    assert to_pixels(points, HEADER) == [{"x": 0, "y": 0}, {"x": 320, "y": 213}]
    pixels = [{"x": 20, "y": 20, "t": 2.0}, {"x": 10, "y": 10, "t": 1}]
    assert to_pixels(pixels, None) == [{"x": 10, "y": 10}, {"x": 20, "y": 20}]


def test_whole_pixels_written_as_fractions_become_integers():
    assert to_pixels([{"x": 279.0, "y": 0.0}], None) == [{"x": 279, "y": 0}]


def test_normalised_points_need_the_size_of_the_image():
    with pytest.raises(TrajectoryError, match="size of the image is not known"):
        to_pixels([{"x": 0.5, "y": 0.5}], None)


@pytest.mark.parametrize(
    ("times", "reason"), [((0, None), "some points only"), ((0, "late"), "not a number"), ((1, 1), "same time")]
)
def test_times_that_contradict_each_other_are_refused(times, reason):
    points = [{"x": 0.5, "y": 0.5, **({} if time is None else {"t": time})} for time in times]
    with pytest.raises(TrajectoryError, match=reason):
        to_pixels(points, HEADER)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([{"x": 0, "y": 1}, {"x": 1, "y": 1}], False),
        ([{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}], True),
        ([{"x": 0, "y": 1, "t": 0}, {"x": 1, "y": 1, "t": 1}], True),
        ([{"x": 0.5, "y": 2}], False),
        ([{"x": True, "y": 0.5}], False),
        ([{"x": 0.5}], False),
        ([], False),
        ("x", False),
    ],
)
def test_points_are_normalised_when_all_lie_in_0_to_1_and_pixels_cannot_be_meant(points, expected):
    assert is_normalised(points) is expected


# Wording


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("https://user:pw@x.example/a.png?sig=1#f", "'https://…@x.example/a.png?…'"),
        ("s3://c@b/k?sig=1", "'s3://…@b/k?…'"),
        ("x" * 100, "'" + "x" * 59 + "…'"),
        (b"abc", "<3 bytes>"),
        ("data:image/png;base64,AAAA", "<inline content, 26 characters>"),
        ([1, 2], "<list with 2 items>"),
        ({"a": 1}, "<dict with 1 item>"),
        ([], "[]"),
        (7.0, "7.0"),
        (True, "True"),
        (None, "None"),
        pytest.param(10**5000, "<a very large number>", id="huge"),
    ],
)
def test_a_message_shows_a_value_short_and_without_secrets(value, words):
    assert shown(value) == words


def test_lists_and_counts_read_like_english():
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"], "and") == "a, b and c"
    assert counted(1, "item") == "1 item"
    assert counted(0, "item") == "0 items"
