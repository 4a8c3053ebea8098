"""Image content is redacted for the UI, and sent as it was."""

from __future__ import annotations

import json

from support_fields import URL, animate

from airflow_provider_kling.preparation.redaction import redact_images
from airflow_provider_kling.products.media import InlineImage


def test_a_prompt_of_plain_text_is_never_read_as_an_image():
    prompt = "a cat runs over the field and then it sleeps " * 20
    items = redact_images([{"image": URL, "prompt": prompt, "dynamic_masks": "[]"}])
    assert items[0]["prompt"] == prompt
    assert animate(prompt=prompt, extra_body=redact_images({"x": prompt})).body["x"] == prompt


def test_an_image_in_extra_body_is_redacted_and_sent_as_it_is():
    text = "/9j/" + "A" * 400
    extra = {"image_list": [{"image_url": text}], "note": json.dumps([{"image": f"data:image/png;base64,{text}"}])}
    hidden = redact_images(extra)
    assert text[:40] not in str(hidden)
    assert isinstance(hidden["image_list"][0]["image_url"], InlineImage)
    assert animate(extra_body=hidden).body == animate(extra_body=extra).body
