"""Very long values take little time to check, and give short messages."""

from __future__ import annotations

import contextlib
import time

import pytest
from support_fields import NAMES, refused

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.prepare import prepare
from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.video import IMAGE2VIDEO
from airflow_provider_kling.utils._airflow.start_from_trigger import CannotStartInTriggererError, rendered_in_triggerer
from airflow_provider_kling.utils.untrusted import clean_text

NASTY = {
    "dots": "a." * 50_000,
    "schemes": "a://" * 25_000,
    "urls": "https://" + "a" * 100_000 + " ",
    "at": "https://" + "a@" * 50_000,
    "queries": "https://x.example/?" + "&".join(["sig=1"] * 20_000),
    "digits": "1" * 100_000,
    "fraction": "5." + "0" * 100_000 + "x",
    "blanks": "5" + " " * 100_000 + "x",
    "brackets": "[" * 100_000,
    "references": "<<<voice_" * 12_000,
    "pulls": "xcom_pull(" * 50_000,
    "braces": "{{" * 50_000,
    "base64": "/9j/" + "A" * 1_000_000,
    "lines": "\n".join(["A" * 64] * 2_000),
    "labels": "https://" + "a." * 50_000 + "example/x",
    "colons": "https://[" + ":" * 100_000 + "]/x",
    "words": "kling-v2-6 " * 10_000,
}


@pytest.mark.parametrize("shape", sorted(NASTY))
def test_no_field_takes_long_to_check(shape):
    started = time.monotonic()
    text = NASTY[shape]
    for name in [*NAMES, "camera", text]:
        for value in (text, [{text: text, "prompt": text, "mask": text}]):
            with contextlib.suppress(KlingValidationError):
                prepare(IMAGE2VIDEO, {"prompt": "a cat", name: value}, extra_body={"a": text})
    redact_images([text, {"a": text}])
    clean_text(text)
    with contextlib.suppress(CannotStartInTriggererError):
        rendered_in_triggerer("x", text)
    # Less than a second; a single field takes minutes where a regular expression goes back over the text.
    assert time.monotonic() - started < 60


def test_a_message_about_a_long_value_is_short():
    for text in NASTY.values():
        assert all(len(line) < 1000 for line in refused(mode=text, image=text, camera_control=text).splitlines())
