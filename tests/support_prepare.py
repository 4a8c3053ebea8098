"""An image, a mask, and the sentences with which a request is refused."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from support import advice_first

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import Prepared, prepare
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.video import IMAGE2VIDEO

ROCKET = Path(__file__).parents[1] / "example_dags" / "images" / "rocket.jpg"
BASE64 = base64.b64encode(ROCKET.read_bytes()).decode()
URL = "https://x.example/a.png"


def image(**fields) -> Prepared:
    return prepare(IMAGE2VIDEO, {"image": URL, "prompt": "a rocket", **fields})


def refused(product="image2video", validate="strict", extra_body=None, **fields) -> tuple[str, ...]:
    with pytest.raises(KlingValidationError) as caught:
        prepare(PRODUCTS[product], fields, validate=validate, extra_body=extra_body)
    return tuple(map(advice_first, caught.value.problems))


def mask(width: int = 640, height: int = 427) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (width, height)).save(stream, "PNG")
    return stream.getvalue()
