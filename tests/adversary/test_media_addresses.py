"""Addresses of images and masks: impossible, private and public ones."""

from __future__ import annotations

import pytest
from support_fields import animate, refused

NOWHERE = [
    "https://",
    "https:///x.jpg",
    "https://exa mple/x",
    "https://.",
    "https://a..b/x",
    "https://x.example:99999/x",
    "https://x.example:0/x",
    "https://x.example:port/x",
    "https://[::1",
    "https://[not-an-ip]/x",
    "https://999.1.1.1/x",
    "https://a\\@b.example/x",
    "https://x.example/a\nb",
    "https://-a.example/x",
    f"https://{'a' * 64}.example/x",
    f"https://x.example/{'a' * 9000}",
]


PRIVATE = [
    "https://10.0.0.5/x.jpg",
    "https://localhost/x",
    "https://127.0.0.1:8080/x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://169.254.1.1/x",
    "https://[::1]/x",
    "https://[fe80::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://nas.local/x",
    "https://host.docker.internal/x",
    "https://minio:9000/bucket/x",
    "https://LOCALHOST./x",
    "https://100.64.0.1/x",
    "https://224.0.0.1/x",
    "https://192.0.0.192/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[fe80::1%25eth0]/x",
]


PUBLIC = [
    "https://x.example/a.png?X-Amz-Signature=a%2Fb&c=d#e",
    "https://my_bucket.s3.amazonaws.com/cat.jpg",
    "https://münchen.example/k%C3%A4tzchen.jpg",
    "https://उदाहरण.परीक्षा/x",
    "https://1.1.1.1/x",
    "https://[2606:4700::1111]/x",
    "https://x.example:8443/x",
    "https://x.example./x",
    "HTTPS://X.EXAMPLE/x",
]


@pytest.mark.parametrize("url", NOWHERE)
@pytest.mark.parametrize("name", ["image", "callback_url", "image_tail"])
def test_an_address_that_nobody_can_open_is_refused(url, name):
    assert f"Give {name} as an http(s) URL that Kling can open" in refused(model_name="kling-v9", **{name: url})


def test_the_address_of_a_mask_is_checked_too():
    masks = [{"mask": "https://.", "trajectories": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}]
    assert "Give dynamic_masks[0].mask as an http(s) URL" in refused(model_name="kling-v9", dynamic_masks=masks)


@pytest.mark.parametrize("url", PRIVATE)
@pytest.mark.parametrize("name", ["image", "callback_url"])
def test_an_address_that_only_this_network_can_open_is_a_warning(url, name):
    warnings = animate(**{name: url}).warnings
    assert any(warning.startswith(f"Put {name} where Kling can open it:") for warning in warnings)


@pytest.mark.parametrize("url", PUBLIC)
@pytest.mark.parametrize("name", ["image", "callback_url"])
def test_a_public_address_is_accepted_without_a_warning(url, name):
    assert animate(**{name: url}).warnings == ()


def test_a_login_in_an_address_is_a_warning_that_does_not_repeat_it():
    (warning,) = animate(image="https://user:secret@x.example/a.png").warnings
    assert warning.startswith("Take the login out of image:")
    assert "secret" not in warning
