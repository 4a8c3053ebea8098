"""
Makes the ``Authorization`` header from a credential.

Source: authentication page of https://kling.ai/document-api, read 2026-11.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
import json
import re

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.utils.no_value import is_rendered_none

#: Lifetime of a token in seconds; Kling's documentation asks for 30 minutes.
TOKEN_LIFETIME = 1800

#: Characters that no key has. They come from copying it: blanks, line breaks, quotes, invisible ones, an ellipsis.
_INVALID_IN_KEY = re.compile(r"[^!-~]|[\"'`]")

#: The shortest credential that is redacted in responses; a shorter one may be an ordinary word of a response.
_MIN_REDACTED_CHARACTERS = 8

#: What to do about a field that has no key.
_MISSING = {"password": "Put the key into password", "login": "Put the AccessKey into login, or leave it empty"}

#: How many seconds a token claims to be older than it is, so that a server slightly behind accepts it.
TOKEN_LEEWAY = 5


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """One key for every model of both API generations; sent as it is."""

    key: str = dataclasses.field(repr=False)

    @property
    def identity(self) -> str:
        """A hash that identifies the key and does not reveal it."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]

    def authorization(self, now: int) -> str:
        """Return the header; an API key does not depend on the time."""
        return f"Bearer {self.key}"


@dataclasses.dataclass(frozen=True)
class AccessKeyPair:
    """AccessKey and SecretKey; they sign a token for classic and account paths only."""

    access_key: str
    secret_key: str = dataclasses.field(repr=False)

    @property
    def identity(self) -> str:
        """The AccessKey, which identifies the pair and is no secret."""
        return self.access_key

    def authorization(self, now: int) -> str:
        """
        Return the header with a token signed now.

        :param now: epoch seconds. Signing takes 50 microseconds, so each request gets its own token and
            none can expire in a queue.
        """
        # Importing it loads cryptography: every Dag parse would pay for what only a request needs.
        import jwt

        claims = {"iss": self.access_key, "exp": now + TOKEN_LIFETIME, "nbf": now - TOKEN_LEEWAY}
        headers = {"alg": "HS256", "typ": "JWT"}
        return "Bearer " + jwt.encode(claims, self.secret_key, algorithm="HS256", headers=headers)


Credential = ApiKey | AccessKeyPair


def credential_of(login: str | None, password: str | None) -> Credential:
    """
    Choose the credential that an Airflow connection describes.

    :param login: the AccessKey, or nothing for an API key.
    :param password: the SecretKey, or the API key when ``login`` is empty.
    :raises KlingConfigurationError: when something is missing, or is no key.
    """
    login, password = _clean_key("login", login), _clean_key("password", password)
    if not password:
        raise KlingConfigurationError(
            "Put the API key into password; for a pair, AccessKey into login.\n"
            "The Kling connection has no password; the SecretKey of a pair goes there too. Keys are made at "
            "https://kling.ai/dev/api-key."
        )
    return AccessKeyPair(login, password) if login else ApiKey(password)


def redact_credential(response: bytes, authorization: str) -> bytes:
    """
    Replace the credential of a request in its response, because some servers repeat what they refuse.

    :param response: its body.
    :param authorization: the header that was sent.
    """
    token = authorization.rpartition(" ")[2]
    if len(token) < _MIN_REDACTED_CHARACTERS:
        return response
    for form in (token, json.dumps(token)[1:-1], token.replace("/", "\\/"), html.escape(token)):
        response = response.replace(form.encode(), b"(credential)")
    return response


def _clean_key(field: str, value: str | None) -> str:
    """Return the key without the blanks around it; one that cannot be sent in a header is refused, and never shown."""
    key = (value or "").strip()
    if is_rendered_none(key):
        raise KlingConfigurationError(
            f"{_MISSING[field]}: it is the text {key}.\nThat is what a template or a variable without a value leaves. "
            "Keys are made at https://kling.ai/dev/api-key."
        )
    if found := _INVALID_IN_KEY.search(key):
        raise KlingConfigurationError(
            f"Paste the connection's {field} again: it holds U+{ord(found[0]):04X}, as no key does.\n"
            f"It is character {found.start() + 1} of {len(key)}. Keys are printable ASCII without blanks, line breaks "
            "and quotes."
        )
    return key
