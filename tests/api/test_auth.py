"""A credential becomes an Authorization header, exactly as Kling's authentication page asks."""

from __future__ import annotations

import jwt
import pytest

from airflow_provider_kling.api.auth import AccessKeyPair, ApiKey, credential_of
from airflow_provider_kling.exceptions import KlingConfigurationError

SECRET = "a-secret-key-of-at-least-32-characters"


def test_an_api_key_is_sent_as_it_is():
    assert ApiKey("api-key-kling-x").authorization(0) == "Bearer api-key-kling-x"


def test_the_token_has_klings_header_and_three_claims_and_nothing_else():
    scheme, token = AccessKeyPair("AK", SECRET).authorization(1_700_000_000).split(" ")
    assert scheme == "Bearer"
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    options = {"verify_exp": False, "verify_nbf": False}
    assert jwt.decode(token, SECRET, algorithms=["HS256"], options=options) == {
        "iss": "AK",
        "exp": 1_700_001_800,
        "nbf": 1_699_999_995,
    }


def test_login_and_password_are_a_key_pair():
    assert credential_of(" AK ", f" {SECRET}\n") == AccessKeyPair("AK", SECRET)


@pytest.mark.parametrize("login", [None, "", "  "])
def test_a_password_alone_is_an_api_key(login):
    assert credential_of(login, "api-key-kling-x") == ApiKey("api-key-kling-x")


@pytest.mark.parametrize(("login", "password"), [(None, None), ("AK", ""), ("", " ")])
def test_a_connection_without_a_password_gives_an_error_with_what_to_enter(login, password):
    with pytest.raises(KlingConfigurationError, match="password.*AccessKey into login"):
        credential_of(login, password)


def test_no_secret_shows_in_a_repr():
    assert SECRET not in repr(AccessKeyPair("AK", SECRET))
    assert "api-key" not in repr(ApiKey("api-key-kling-x"))
