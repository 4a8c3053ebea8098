"""An HTTP response becomes data or the right exception."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kling import exceptions as kling
from airflow_provider_kling.api import envelope
from airflow_provider_kling.utils._airflow.compat import AirflowException, AirflowFailException

#: Kling's error-code page: code, HTTP status, class, whether the same call can succeed later.
CODES = [
    (1000, 401, kling.KlingAuthenticationError, False),
    (1001, 401, kling.KlingAuthenticationError, False),
    (1002, 401, kling.KlingAuthenticationError, False),
    (1003, 401, kling.KlingAuthenticationError, False),
    (1004, 401, kling.KlingAuthenticationError, False),
    (1100, 429, kling.KlingAccountError, False),
    (1101, 429, kling.KlingAccountError, False),
    (1102, 429, kling.KlingAccountError, False),
    (1103, 403, kling.KlingAccountError, False),
    (1200, 400, kling.KlingRequestError, False),
    (1201, 400, kling.KlingRequestError, False),
    (1202, 404, kling.KlingRequestError, False),
    (1203, 404, kling.KlingRequestError, False),
    (1300, 400, kling.KlingContentPolicyError, False),
    (1301, 400, kling.KlingContentPolicyError, False),
    (1302, 429, kling.KlingRateLimitError, True),
    (1303, 429, kling.KlingConcurrencyError, True),
    (1304, 429, kling.KlingIpPolicyError, False),
    (5000, 500, kling.KlingServerError, True),
    (5001, 503, kling.KlingServerError, True),
    (5002, 504, kling.KlingServerError, True),
]


def response(code: object, message: str = "text", data: object = None) -> bytes:
    return json.dumps({"code": code, "message": message, "request_id": "r-1", "data": data}).encode()


def test_the_table_has_every_code_of_the_error_page():
    assert {row[0] for row in CODES} <= kling.KLING_CODES.keys()


@pytest.mark.parametrize(("code", "status", "error", "transient"), CODES)
def test_each_code_becomes_its_class_with_what_to_do(code, status, error, transient):
    with pytest.raises(error) as caught:
        envelope.read(status, response(code))
    raised = caught.value
    assert type(raised) is error
    assert (raised.code, raised.http_status, raised.request_id) == (code, status, "r-1")
    assert raised.transient is transient
    assert kling.KLING_CODES[code].advice in str(raised)


@pytest.mark.parametrize(("code", "status", "error", "transient"), CODES)
def test_only_what_can_succeed_later_is_left_to_airflows_retries(code, status, error, transient):
    assert issubclass(error, AirflowException)
    assert issubclass(error, AirflowFailException) is not transient


@pytest.mark.parametrize(("code", "status", "error", "transient"), CODES)
@pytest.mark.parametrize("http_status", [200, 400])
def test_the_code_decides_whatever_the_http_status_is(code, status, error, transient, http_status):
    with pytest.raises(error):
        envelope.read(http_status, response(code))


def test_an_accepted_request_is_its_data():
    assert envelope.read(200, response(0, data={"a": 1})) == ({"a": 1}, "r-1")


def test_a_relays_string_code_is_read_as_a_number():
    assert envelope.read(200, response("0", data=[])).data == []
    with pytest.raises(kling.KlingConcurrencyError):
        envelope.read(429, response("1303"))


def test_code_0_inside_an_http_error_is_not_success():
    with pytest.raises(kling.KlingServerError):
        envelope.read(502, response(0))
    with pytest.raises(kling.KlingRequestError):
        envelope.read(404, response(0))


def test_an_unknown_code_is_permanent_unless_the_server_failed():
    with pytest.raises(kling.KlingRequestError, match="the code is not Kling's"):
        envelope.read(400, response(1999))
    with pytest.raises(kling.KlingServerError):
        envelope.read(500, response(5999))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("External_task_id v6-1789956049929 already exists", kling.KlingDuplicateTaskError),
        ("Task not found by id/external id: nonexistent", kling.KlingTaskNotFoundError),
        ("Element id not found: 315187972322559", kling.KlingRequestError),
        ("File is not in a valid base64 format", kling.KlingRequestError),
    ],
)
def test_errors_1201_are_distinguished_by_their_text(text, error):
    with pytest.raises(kling.KlingRequestError) as caught:
        envelope.read(400, response(1201, text))
    assert type(caught.value) is error
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>502 Bad Gateway</html>", b'{"code": 0, "data": {"task_', b"null", b"[]", b"{}", b'"0"', b"\xff\xfe"],
)
@pytest.mark.parametrize("status", [200, 404, 502])
def test_what_is_not_klings_is_a_response_error_that_shows_its_beginning(body, status):
    with pytest.raises(kling.KlingResponseError) as caught:
        envelope.read(status, body)
    assert caught.value.http_status == status
    assert caught.value.transient is (status != 404)
    assert f"HTTP {status}" in str(caught.value)


@pytest.mark.parametrize("code", [None, "", "OVER_QUOTA", [], {}, False, 0.5, 10**400, "1" * 5000, float("nan")])
def test_a_code_that_is_not_a_number_is_a_response_error(code):
    with pytest.raises(kling.KlingResponseError, match="no usable code"):
        envelope.read(200, response(code))


def test_a_wrong_region_is_hinted_at():
    with pytest.raises(kling.KlingAuthenticationError, match="api-beijing.klingai.com"):
        envelope.read(401, response(1002, "api key not found"))
