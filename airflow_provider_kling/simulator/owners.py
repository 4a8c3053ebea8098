"""Who owns voices and elements: the account, or Kling, which offers its own to everybody."""

from __future__ import annotations

from typing import Final

#: The account that owns what it made.
OWNER: Final = "930800000000000000"

#: Kling's voices by their id: one, as in its published example.
OFFICIAL_VOICES: Final = {"829824295735410756": {"voice_name": "official voice", "owned_by": "kling"}}
