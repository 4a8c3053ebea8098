"""Which bytes a player asks for."""

from __future__ import annotations

import pytest

from airflow_provider_kling.plugins.byte_range import MAX_BYTES, ByteRange, OutOfRangeError, byte_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (0, 9)),
        ("bytes=10-", (10, 99)),
        ("bytes=-10", (90, 99)),
        ("bytes=-1000", (0, 99)),
        ("bytes=90-1000", (90, 99)),
        ("bytes=99-99", (99, 99)),
        ("Bytes = 0 - 9", (0, 9)),
    ],
)
def test_one_part_is_sent_as_it_is_asked_for(header, part):
    assert byte_range(header, 100) == ByteRange(*part)


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=-", "bytes=9-0", "bytes=0-1,4-5", "items=0-9", "bytes=a-b", "bytes=٣-٤", "bytes=0-9" + " " * 99],
)
def test_what_a_server_may_pass_over_is_the_whole_file(header):
    assert byte_range(header, 100) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=999999-", 100), ("bytes=0-", 0), ("bytes=-0", 9)]
)
def test_a_part_behind_the_end_is_an_error(header, size):
    with pytest.raises(OutOfRangeError):
        byte_range(header, size)


def test_a_long_part_is_cut_and_the_player_asks_again():
    size = 10 * MAX_BYTES
    first = byte_range("bytes=0-", size)
    assert first.length == MAX_BYTES
    assert byte_range(f"bytes={first.end + 1}-", size).start == MAX_BYTES
    assert first.header(size) == f"bytes 0-{MAX_BYTES - 1}/{size}"
