"""Subtitle files with one line of text."""

from __future__ import annotations

from typing import Final

_LINE: Final = "Subtitle of the simulator"

_SRT: Final = f"1\n00:00:00,000 --> 00:00:05,000\n{_LINE}\n"

_ASS: Final = f"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,56

[Events]
Format: Layer, Start, End, Style, Text
Dialogue: 0,0:00:00.00,0:00:05.00,Default,{_LINE}
"""


def make_subtitles(form: str) -> bytes:
    """The content of a subtitle file.

    :param form: ``srt`` or ``ass``.
    """
    return (_SRT if form == "srt" else _ASS).encode()
