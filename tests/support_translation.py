"""A request prepared for the model that it names, and its body."""

from __future__ import annotations

import pytest

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.generations import serving_product
from airflow_provider_kling.products.translation import translate
from airflow_provider_kling.products.video import IMAGE2VIDEO

ELEMENT = 829836802793406551


URL, TAIL = "https://example.com/first.jpg", "https://example.com/last.jpg"


def prepared(product=IMAGE2VIDEO, **fields):
    given = {"model_name": "kling-3.0", "prompt": "It moves", **({"image": URL} if product is IMAGE2VIDEO else {})}
    return prepare(product, {**given, **fields.pop("fields", {}), **fields})


def sent(product=IMAGE2VIDEO, **fields):
    return translate(serving_product(product, {"model_name": "kling-3.0"}), prepared(product, **fields).body)


def refused(product=IMAGE2VIDEO, validate="strict", extra_body=None, **fields):
    given = {"model_name": "kling-3.0", "prompt": "It moves", **({"image": URL} if product is IMAGE2VIDEO else {})}
    with pytest.raises(KlingValidationError) as caught:
        prepare(product, {**given, **fields}, validate=validate, extra_body=extra_body)
    return str(caught.value)


def items(body, kind):
    return [item for item in body["contents"] if item["type"] == kind]
