"""Images and credentials are in no XCom, log, trigger argument or rendered field."""

from __future__ import annotations

import base64

import pytest
from support import PHOTOGRAPH, connect
from support_operators import operator, run

from airflow_provider_kling.products.media import InlineImage
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.mark.parametrize("form", ["bytes", "data", "base64"])
def test_an_images_content_shows_nowhere(kling, ti, form):
    content = PHOTOGRAPH.read_bytes()
    text = base64.b64encode(content).decode()
    image = {"bytes": content, "data": f"data:image/jpeg;base64,{text}", "base64": text}[form]
    made = operator(image=image)
    assert isinstance(made.image, InlineImage)
    assert text[:60] not in repr(made.image) + str(made.image) + str(made.image.serialize())
    made.execute({"ti": ti})
    assert len(kling.tasks()) == 1


def test_an_image_that_a_template_brings_in_is_redacted_before_airflow_shows_it():
    text = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    made = operator(image="{{ picture }}")
    made.render_template_fields({"picture": text})
    assert isinstance(made.image, InlineImage)


@pytest.mark.parametrize("api_key", [True, False])
def test_the_api_key_and_the_secret_show_in_no_xcom_and_no_trigger(kling_simulator, monkeypatch, ti, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    secret = kling_simulator.api_key if api_key else kling_simulator.secret_key
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, prompt="x")
    seen = str(ti.xcoms) + str(caught.value.trigger.serialize()) + repr(caught.value.trigger)
    assert len(kling_simulator.tasks()) == 1, "it was submitted with that key"
    assert secret not in seen
    assert "eyJ" not in seen, "nor a token made of it"
