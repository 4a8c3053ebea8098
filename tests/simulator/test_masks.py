"""Both formats of a marked area are equal and lie at the marked points."""

import base64
import io

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from airflow_provider_kling.simulator.masks import mask

PART = st.floats(0, 1, allow_nan=False)
POINTS = st.lists(st.fixed_dictionaries({"x": PART, "y": PART}), min_size=1, max_size=10)


def counts_of(text):
    """The counts, as Kling's page reads them."""
    counts, at = [], 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            character = ord(text[at]) - 48
            value |= (character & 0x1F) << shift
            more, at, shift = bool(character & 0x20), at + 1, shift + 5
        if character & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


def runs(made):
    """Which pixels are marked, column after column, as the runs say."""
    counts = counts_of(made["rle_mask"]["counts"])
    assert min(counts) >= 0
    return b"".join(bytes([255 * (index % 2)]) * count for index, count in enumerate(counts))


def picture(made):
    """The same, as the PNG says."""
    image = Image.open(io.BytesIO(base64.b64decode(made["png_mask"]["base64"])))
    assert list(image.size[::-1]) == made["png_mask"]["size"] == made["rle_mask"]["size"]
    return image.transpose(Image.Transpose.TRANSPOSE).tobytes()


@settings(max_examples=60, deadline=None)
@given(points=POINTS, width=st.integers(1, 90), height=st.integers(1, 90))
def test_the_runs_and_the_image_mark_the_same_pixels(points, width, height):
    made = mask(points, width=width, height=height)
    assert runs(made) == picture(made)


def test_a_mark_lies_in_the_middle_of_its_area_counted_from_the_top_left():
    pixels = picture(mask([{"x": 0.25, "y": 0.75}], width=80, height=40))
    marked = {divmod(place, 40) for place, pixel in enumerate(pixels) if pixel}
    across, down = {x for x, _ in marked}, {y for _, y in marked}
    assert (min(across) + max(across)) / 2 == 20
    assert (min(down) + max(down) + 1) / 2 == 30
    assert len(across) == 9
