"""The secret by which an account's callbacks are signed: what is one, and the key that it holds. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import Any

#: What Kling's console shows before the base64: https://www.standardwebhooks.com.
PREFIX = "whsec_"

#: The most characters of base64; a key of that scheme has at most 64 bytes, which are 88 characters.
MAX_CHARACTERS = 1024


#: The fewest bytes of a key: the text None of a template without a value is base64, too, of three.
MIN_BYTES = 4


def key_of(secret: Any) -> bytes:
    """
    Return the key of a webhook secret; empty when it holds none.

    :param secret: ``whsec_`` and base64, with or without the prefix, with or without the padding at its end.
    """
    text = secret.strip().removeprefix(PREFIX) if isinstance(secret, str) else ""
    if not text or len(text) > MAX_CHARACTERS:
        return b""
    bare = text.rstrip("=")
    try:
        # A wrong padding says nothing about the key; a digit too many does.
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if len(key) >= MIN_BYTES else b""
