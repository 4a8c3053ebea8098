"""A request with some fields, and the sentence with which it is refused."""

from __future__ import annotations

import json

import pytest
from support import advice_first

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import Prepared, prepare
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.products.video import IMAGE2VIDEO

URL = "https://x.example/a.png"
NAMES = sorted({name for row in PRODUCTS.values() for name in row.by_name})


def animate(extra_body=None, validate="strict", **fields) -> Prepared:
    prepared = prepare(
        IMAGE2VIDEO, {"image": URL, "prompt": "a cat", **fields}, extra_body=extra_body, validate=validate
    )
    for warning in prepared.warnings:
        advice_first(warning)
    json.dumps(prepared.body, allow_nan=False).encode()
    return prepared


def refused(extra_body=None, validate="strict", **fields) -> str:
    with pytest.raises(KlingValidationError) as caught:
        animate(extra_body, validate, **fields)
    text = "\n".join(map(advice_first, caught.value.problems))
    text.encode()
    return text
