"""Each field of eight products with values that nobody means: sent as JSON, or refused in sentences."""

from __future__ import annotations

import datetime as dt
import decimal
import json

import pytest
from support import advice_first
from test_catalogue import REQUESTS

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS

SECRET = "hidden-word"


class NoText:
    """Its text cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


ITSELF: list = []
ITSELF.append(ITSELF)

ODD = {
    "numbers": [float("nan"), float("inf"), -0.0, 0, -1, 10**400, True, 1.5, decimal.Decimal("sNaN"), 1j],
    "words": [
        "",
        "   ",
        "\u200b",
        "None",
        "null",
        "nan",
        "undefined",
        "{{ x }}",
        "x" * 1_000_000,
        "[1, 2]",
        '{"a": 1}',
    ],
    "characters": ["a\x00b", "a\x1b[31m", "a\ud83d", "\udc00", "a\u202eb", "\u0665", "🦁"],
    "types": [b"abc", bytearray(b"x"), {"a": 1}, {}, [[1]], [None], [], {1, 2}, {1: 2}, ..., int, object(), NoText()],
    "deep": [ITSELF, json.loads("[" * 90 + "]" * 90), {"\ud800": 1}, dt.date(2026, 1, 1), dt.timedelta(1)],
    "places": ["file:///etc/passwd", "/proc/self/environ", "/dev/zero", "../../etc/passwd", "data:image/png;base64,AA"],
    "links": [
        *("http://localhost/x", "https://[::1", "https://h.example:99999/x", "javascript:alert(1)"),
        *(f"s3://key:{SECRET}@bucket/x", f"https://u:{SECRET}@h.example/x", f"https://h.example/x?Signature={SECRET}"),
    ],
}

PLACES = [
    (endpoint, field)
    for endpoint in (
        *("avatar/image2video", "text2video", "images/generations", "editing/expand"),
        *("multi-image2image", "multi-image2video", "text-to-audio", "video-to-audio"),
    )
    for field in PRODUCTS[endpoint].by_name
]

#: What excludes a field.
OTHERS = {"audio_id": "sound_file", "video_id": "video_url"}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(("endpoint", "field"), PLACES)
def test_an_odd_value_is_sent_as_json_or_refused_in_sentences(endpoint, field, kind):
    plain = {name: value for name, value in REQUESTS[endpoint].items() if name != OTHERS.get(field)}
    for value in ODD[kind]:
        for validate in ("strict", "off"):
            sentences, body = _prepare(endpoint, {**plain, field: value}, validate)
            json.dumps(body, allow_nan=False).encode()
            assert all(len(advice_first(sentence)) < 1000 for sentence in sentences)
            assert SECRET not in "".join(sentences)


def _prepare(endpoint, fields, validate):
    """What is said of a request, and its body where it is not refused."""
    try:
        prepared = prepare(PRODUCTS[endpoint], fields, validate=validate)
    except KlingValidationError as error:
        return error.problems, None
    return prepared.warnings, prepared.body
