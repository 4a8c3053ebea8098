"""
A credential becomes an ``Authorization`` header.

Source: authentication page of https://kling.ai/document-api, read 2026-11.
"""

from __future__ import annotations

import dataclasses

from airflow_provider_kling.exceptions import KlingConfigurationError

#: Lifetime of a token in seconds; Kling's documentation asks for 30 minutes.
TOKEN_LIFETIME = 1800

#: How many seconds a token claims to be older than it is, so that a server slightly behind accepts it.
TOKEN_LEEWAY = 5


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """One key for every model of both API generations; sent as it is."""

    key: str = dataclasses.field(repr=False)

    def authorization(self, now: int) -> str:
        """Return the header; an API key does not depend on the time."""
        return f"Bearer {self.key}"


@dataclasses.dataclass(frozen=True)
class AccessKeyPair:
    """AccessKey and SecretKey; they sign a token for classic and account paths only."""

    access_key: str
    secret_key: str = dataclasses.field(repr=False)

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
    :raises KlingConfigurationError: when something is missing.
    """
    login, password = (login or "").strip(), (password or "").strip()
    if not password:
        raise KlingConfigurationError(
            "The Kling connection has no password: put the API key there, or the AccessKey into login and "
            "the SecretKey into password (keys are made at https://kling.ai/dev/api-key)."
        )
    return AccessKeyPair(login, password) if login else ApiKey(password)
