"""Authentication: an API key, or a JWT signed with AccessKey and SecretKey.

Measured texts: 1001, "api key not found", "The token was expected to have 3 parts, but got 0" and the error for a JWT
on paths of the second generation. Not observed: the texts for a wrong signature, a wrong issuer, 1000, 1003 and 1004.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final, Literal

import jwt

from airflow_provider_kling.simulator.envelope import KlingError

NO_JWT: Final = (
    "Authentication error. The current API does not support AK/SK; please go to the console "
    "(https://kling.ai/dev/api-key) to create API key."
)

#: Every API key of Kling starts with this; any other token on a classic path is parsed as a JWT.
API_KEY_PREFIX: Final = "api-key-"


@dataclass(frozen=True)
class Credentials:
    """The secrets of the account.

    :param access_key: ``iss`` of a JWT.
    :param secret_key: HMAC key of a JWT.
    :param api_key: bearer token.
    """

    access_key: str
    secret_key: str
    api_key: str


def authenticate(
    header: str | None, credentials: Credentials, *, now: float, paths: Literal["classic", "v2", "relay"]
) -> Literal["api_key", "jwt"]:
    """Return the kind of credential of a request.

    :param header: the ``Authorization`` header.
    :param credentials: the secrets of the account.
    :param now: epoch seconds of the server.
    :param paths: ``v2`` and ``relay`` accept API keys only.
    :raises KlingError: 1000 to 1004.
    """
    if not header or not header.strip():
        raise KlingError(1001)
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token or token != token.strip():
        raise KlingError(1000)
    # Non-ASCII bytes arrive as lone surrogates, which cannot be encoded.
    token = token.encode("ascii", "backslashreplace").decode()
    if hmac.compare_digest(token.encode(), credentials.api_key.encode()):
        return "api_key"
    if paths == "v2":
        raise KlingError(1002, NO_JWT)
    if paths == "relay" or token.startswith(API_KEY_PREFIX):
        raise KlingError(1002)
    _check_token(token, credentials, now)
    return "jwt"


def _check_token(token: str, credentials: Credentials, now: float) -> None:
    parts = token.count(".") + 1
    if parts != 3:
        raise KlingError(1002, f"The token was expected to have 3 parts, but got {parts if parts > 1 else 0}")
    claims = _claims(token, credentials.secret_key)
    if claims.get("iss") != credentials.access_key:
        raise KlingError(1002, "access key not found")
    if now < _epoch(claims, "nbf", default=now):
        raise KlingError(1003)
    if now >= _epoch(claims, "exp", default=0.0):
        raise KlingError(1004)


def _claims(token: str, secret_key: str) -> dict[str, Any]:
    # exp and nbf are compared with the server's clock, which may have a skew, not with the library's.
    unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    try:
        return jwt.decode(token, secret_key, algorithms=["HS256"], options=unchecked)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        raise KlingError(1002, "signature verification failed") from None


def _epoch(claims: dict[str, Any], name: str, *, default: float) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KlingError(1002, f"claim {name} is invalid")
    return float(value)
