"""
The fingerprint of every field, pinned.

A task that is in flight while the package is upgraded is found again only if the new version prints the same content
alike. A row that has to change here is a change that pays again below Airflow 3.3: say so in the changelog.
"""

from __future__ import annotations

import base64

import pytest

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.submission.identity import fingerprint

OPERATORS = {cls.endpoint: cls for cls in (KlingImageToVideoOperator, KlingTextToVideoOperator)}
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
VALUES = {
    "image": PIXEL,
    "image_tail": "https://example.com/tail.png?v=2&X-Amz-Signature=abc",
    "static_mask": PIXEL,
    "dynamic_masks": [{"mask": PIXEL, "trajectories": [{"x": "1", "y": 2}, {"x": 3, "y": 4}]}],
    "prompt": " Größe: a boat ",
    "negative_prompt": "blur",
    "model_name": " kling-v2-6 ",
    "mode": "professional",
    "resolution": 1080,  # another word for the same: the same print
    "duration": "10s",
    "cfg_scale": "0.5",
    "sound": True,
    "voice_list": ["v1"],
    "element_list": [160, "161"],
    "multi_shot": "yes",
    "shot_type": "Customize",
    "multi_prompt": '[{"index": "1", "prompt": "p", "duration": 5}]',
    "camera_control": {"type": "Simple", "config": {"zoom": "5"}},
    "watermark_info": True,
    "aspect_ratio": "16 : 9",
    "extra_body": {"new_field": [1, None, {"a": "ü"}]},
}

#: Their first 16 digits, of a request with the prompt "x" and one field as in VALUES.
FINGERPRINTS = {
    "image2video": {
        "image": "e03daf13e9eddec7",
        "image_tail": "b1e4d061fdd26899",
        "static_mask": "e72d7df6c5f92604",
        "dynamic_masks": "8ead248e908b557c",
        "prompt": "ed3d7f390292c991",
        "negative_prompt": "db2787872666f1ce",
        "model_name": "f5b2576cbdc4b8e3",
        "mode": "fc09235c42078993",
        "resolution": "fc09235c42078993",
        "duration": "fc966981222c3a4f",
        "cfg_scale": "5a19029ede713fa0",
        "sound": "9fc96e03a24f6677",
        "voice_list": "19364559e7dda423",
        "element_list": "6568275169a2347a",
        "multi_shot": "f8b0b40c2d64dc19",
        "shot_type": "d34955dccd40aa0c",
        "multi_prompt": "9a54a590a176c6d8",
        "camera_control": "e5c5a90099eed7d3",
        "watermark_info": "cd847e3c7b6b5830",
        "aspect_ratio": "a9d795a1edc1c92d",
        "extra_body": "fbef6de04920cd9a",
    },
    "text2video": {
        "prompt": "670ec34d02fc51fb",
        "negative_prompt": "26813525eea6074b",
        "model_name": "6e574366c69c441e",
        "mode": "190fcef67be7a7b8",
        "resolution": "190fcef67be7a7b8",
        "duration": "2e53506e56c82d76",
        "aspect_ratio": "91ac2042bee6db94",
        "cfg_scale": "20ec061a20772089",
        "sound": "df333cc1f9b3f044",
        "voice_list": "18e3f26a9cbc5907",
        "multi_shot": "0fc0662df58b938e",
        "shot_type": "dcf660226668ec63",
        "multi_prompt": "cf13f28cf415735a",
        "camera_control": "99c51079c2d3fab4",
        "watermark_info": "dfa2c068410b4922",
        "extra_body": "b9ea650dbb6d4146",
    },
}


def content_of(endpoint, name):
    extra, fields = (VALUES[name], {}) if name == "extra_body" else (None, {name: VALUES[name]})
    return prepare(PRODUCTS[endpoint], {"prompt": "x", **fields}, extra_body=extra, validate="off").content


@pytest.mark.parametrize(
    ("endpoint", "name"), [(endpoint, name) for endpoint, rows in FINGERPRINTS.items() for name in rows]
)
def test_no_field_is_encoded_otherwise_than_in_the_last_release(endpoint, name):
    content = content_of(endpoint, name)
    of_content = fingerprint(account="kling_default@https://x", endpoint=endpoint, content=content)
    assert of_content[:16] == FINGERPRINTS[endpoint][name], content


@pytest.mark.parametrize("endpoint", FINGERPRINTS)
def test_every_field_is_pinned(endpoint):
    assert set(FINGERPRINTS[endpoint]) == {*OPERATORS[endpoint].product.arguments, "extra_body"}
