"""Owners of voices and elements: the account, or Kling, whose presets every account can use."""

from __future__ import annotations

from typing import Final

#: ``owned_by`` of what the account created.
OWNER: Final = "930800000000000000"

#: Kling's preset voices by id: one, as in its published example.
OFFICIAL_VOICES: Final = {"829824295735410756": {"voice_name": "official voice", "owned_by": "kling"}}
