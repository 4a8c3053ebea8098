"""JSON Lines that survive whatever a prompt holds."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kling.batch import files

HALF = "half \ud83d of it"
HOSTILE = [
    *("a\u2028b", "a\u2029b", "a\u0085b", "a\x1cb\x0bc\x0cd", HALF),
    *("a\r\nb\nc", "獅子 🦁", "\ufeff", "\x00"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_written_is_read(tmp_path, text):
    uri = str(tmp_path / "plan.jsonl")
    lines = [{"prompt": text, "number": number} for number in range(3)]
    files.write_lines(uri, lines, None)
    assert files.read_lines(uri, None) == lines
    assert (tmp_path / "plan.jsonl").read_text(encoding="utf-8").splitlines() == [json.dumps(line) for line in lines]


@pytest.mark.parametrize("text", [text for text in HOSTILE if text != HALF])
def test_what_others_write_raw_is_read(tmp_path, text):
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (json.dumps({"prompt": text}, ensure_ascii=False) + "\r\n\r\n").encode() * 2)
    assert files.read_lines(str(path), None) == [{"prompt": text}] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \n', r"line 2 of .* is not JSON"),
        (b'{"a": 1}\n[1]\n', r"line 2 of .* is not a JSON object"),
        (b'{"a": 1}\n\n{"a": "\xff"}', r"line 3 of .* is not JSON"),
        (b'{"a": 1}\n' + b"[" * 200_000, r"line 2 of .* is not JSON"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path, content, message):
    path = tmp_path / "items.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        files.read_lines(str(path), None)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ValueError, match="has more than 1 MiB"):
        files.read_lines(str(path), None, max_bytes=1 << 20)


def test_a_file_that_is_missing_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_lines(str(tmp_path / "none.jsonl"), None)
    assert not files.exists(str(tmp_path / "none.jsonl"), None)
