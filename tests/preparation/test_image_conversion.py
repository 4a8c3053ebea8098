"""Pictures that Kling would not take, converted on request: real files, opened again."""

from __future__ import annotations

import base64
import hashlib
import io
import random

import pytest
from PIL import Image, ImageCms

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation import image_conversion
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.media import MAX_IMAGE_BYTES
from airflow_provider_kling.products.video import IMAGE2VIDEO


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    return saved(Image.new("RGB", (640, 480), "red"), "JPEG", exif=exif)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize(
    ("data", "format_", "size", "word"),
    [
        (saved(Image.new("RGB", (640, 480), "blue"), "WEBP"), "JPEG", (640, 480), "WEBP"),
        (saved(Image.new("RGBA", (640, 480), (1, 2, 3, 4)), "WEBP", lossless=True), "PNG", (640, 480), "WEBP"),
        (saved(Image.new("RGB", (640, 480), "blue"), "GIF"), "JPEG", (640, 480), "GIF"),
        (saved(Image.new("CMYK", (640, 480)), "JPEG"), "JPEG", (640, 480), "CMYK"),
        (saved(Image.new("I;16", (640, 480), 40000), "PNG"), "JPEG", (640, 480), "8 bits"),
        (rotated(), "JPEG", (480, 640), "upright"),
    ],
    ids=["webp", "webp with transparency", "gif", "cmyk", "16 bits", "rotated"],
)
def test_what_kling_does_not_take_is_converted(data, format_, size, word):
    converted = image_conversion.convert_image(data)
    picture = opened(converted.data)
    assert (picture.format, picture.size) == (format_, size)
    assert picture.getexif().get(0x0112, 1) == 1
    assert word in converted.changes


def test_sixteen_bits_keep_their_brightness():
    picture = opened(image_conversion.convert_image(saved(Image.new("I;16", (640, 480), 128 * 257), "PNG")).data)
    assert abs(picture.convert("L").getpixel((5, 5)) - 128) <= 2


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_what_is_too_large_becomes_smaller_and_keeps_its_proportions(kind):
    data = saved(noise(2400, 2000), kind)
    assert len(data) > MAX_IMAGE_BYTES
    converted = image_conversion.convert_image(data)
    assert len(converted.data) <= MAX_IMAGE_BYTES
    width, height = opened(converted.data).size
    assert abs(width / height - 1.2) < 0.01


def test_a_transparent_image_that_is_too_large_is_scaled_with_a_warning():
    picture = noise(2400, 2000).convert("RGBA")
    picture.putalpha(200)
    converted = image_conversion.convert_image(saved(picture, "PNG"))
    assert len(converted.data) <= MAX_IMAGE_BYTES
    assert "scaled from 2400x2000" in converted.changes
    assert opened(converted.data).mode == "RGBA"


def test_what_kling_takes_stays_as_it_is():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (saved(noise(400, 300), "JPEG", icc_profile=profile), saved(noise(400, 300), "PNG")):
        assert image_conversion.convert_image(data) == (data, "")


def test_what_is_not_an_image_and_what_is_cut_or_too_big_to_decode_stays_for_the_checks():
    whole = saved(noise(400, 300), "WEBP")
    for data in (b"<html>", whole[:40], b""):
        assert image_conversion.convert_image(data) == (data, "")
    assert image_conversion.convert_image(whole, most_pixels=1000) == (whole, "")


def test_conversion_is_opt_in_and_logged():
    fields = {"image": saved(Image.new("RGB", (640, 480), "blue"), "WEBP"), "prompt": "It moves"}
    with pytest.raises(KlingValidationError, match="Convert image to JPEG or PNG"):
        prepare(IMAGE2VIDEO, fields)
    prepared = prepare(IMAGE2VIDEO, fields, fit="shrink")
    assert opened(base64.b64decode(prepared.body["image"])).format == "JPEG"
    (line,) = [warning for warning in prepared.warnings if "changed, as" in warning]
    assert "WEBP" in line
    with pytest.raises(KlingValidationError, match="fit"):
        prepare(IMAGE2VIDEO, fields, fit="stretch")


def test_a_converted_image_is_known_by_the_one_that_was_given():
    """Another version of Pillow encodes other bytes; a retry with it must find what was paid for."""
    data = saved(Image.new("RGB", (640, 480), "blue"), "WEBP")
    assert load_image(data, field="image", fit="shrink").digest == hashlib.sha256(data).hexdigest()
    prepared = prepare(IMAGE2VIDEO, {"image": data, "prompt": "It moves"}, fit="shrink")
    assert prepared.content["image"] == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_file_is_read_to_its_own_limit_only(tmp_path):
    path = tmp_path / "sparse.png"
    with path.open("wb") as stream:
        stream.truncate(image_conversion.MAX_SOURCE_BYTES + 5)
    with pytest.raises(KlingValidationError, match="Scale image down"):
        prepare(IMAGE2VIDEO, {"image": str(path), "prompt": "It moves"}, fit="shrink")
