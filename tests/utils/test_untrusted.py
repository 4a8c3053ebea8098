"""Untrusted text in messages."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kling.utils.untrusted import MAX_CHARACTERS, begins_as_web_link, clean_text, reason, web_link


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        (None, ""),
        ("", ""),
        ("  two \r\n lines\t", "two lines"),
        (7, "7"),
        ("half \ud83d an emoji", "half \N{REPLACEMENT CHARACTER} an emoji"),
        ("\x1b[31mred\x07", "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"),
        ("a\u202eb\u200bc\ufeff", "abc"),
        ("\u2028line\u0085end", "line end"),
        ("see https://h.example/a?Signature=s&x=1 now", "see https://h.example/a?… now"),
        ("proxy http://user:secret@proxy:3128 refused", "proxy http://…@proxy:3128 refused"),
        ("data:image/png;base64," + "A" * 400, "<422 characters>"),
        ("image iVBOR" + "x" * 300 + " is bad", "image <305 characters> is bad"),
    ],
)
def test_what_is_left_of_untrusted_text(given_text, expected):
    assert clean_text(given_text) == expected


@given(st.text(st.characters(), max_size=2000) | st.binary() | st.floats() | st.lists(st.none()))
def test_it_is_short_and_can_be_encoded_whatever_came(value):
    shown = clean_text(value)
    assert len(shown) <= MAX_CHARACTERS
    assert shown.encode("utf-8").decode() == shown
    assert "\n" not in shown


def test_megabytes_are_cut_before_they_are_cleaned():
    began = time.perf_counter()
    shown = clean_text("word " * 1_000_000)
    assert time.perf_counter() - began < 0.5
    assert len(shown) == MAX_CHARACTERS
    assert shown.endswith("…")


def test_a_reason_names_the_class_and_hides_the_signature():
    error = OSError("cannot reach https://h.example/v.mp4?Signature=secret")
    assert reason(error) == "OSError: cannot reach https://h.example/v.mp4?…"
    assert reason(TimeoutError()) == "TimeoutError"


def test_an_object_that_cannot_be_printed_is_named_by_its_class():
    class Odd:
        def __str__(self):
            raise ValueError("no")

    assert clean_text(Odd()) == "<Odd: ValueError>"


@pytest.mark.parametrize("text", ["http://h", "https://", "HTTPS://H.example/x", "http://[", "https://" + "x" * 99])
def test_what_begins_as_a_web_link_is_recognized_at_once(text):
    assert begins_as_web_link(text)


@pytest.mark.parametrize("text", ["", "http:/x", " https://h", "ftp://h", "javascript:x", "xhttps://h", "https:"])
def test_what_begins_otherwise_is_not_a_web_link(text):
    assert not begins_as_web_link(text)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://h.example/v.mp4?Signature=a@b#c@d", "https://h.example/v.mp4?Signature=a@b#c@d"),
        ("HTTPS://h.example/V.mp4?", "HTTPS://h.example/V.mp4?"),
        ("https://user:password@h.example/v.mp4?Signature=a@b", "https://h.example/v.mp4?Signature=a@b"),
        ("http://token@h.example:8443/v.mp4", "http://h.example:8443/v.mp4"),
        ("https://kling.ai:x@y@[2606:4700::1]:443/v", "https://[2606:4700::1]:443/v"),
        ("https://@h.example/v", "https://h.example/v"),
        ("https://h.example:80/@user:password", "https://h.example:80/@user:password"),
        ("https://user:password@/v", ""),
        ("https://user:pass/word@h.example/v", ""),
        ("https://user:password@h.example:99999/v", ""),
        ("https://user\uff20h.example/v", ""),
    ],
)
def test_a_link_is_left_as_it_is_but_for_a_login(link, expected):
    assert web_link(link) == expected
