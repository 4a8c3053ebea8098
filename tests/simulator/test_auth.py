import time
from email.utils import parsedate_to_datetime

import pytest

from .support import I2V, token

PROBE = f"{I2V}/nonexistent"
NEEDS_API_KEY = (
    "Authentication error. The current API does not support AK/SK; please go to the console "
    "(https://kling.ai/dev/api-key) to create API key."
)


def response(kling, header, path=PROBE):
    got = kling.send("GET", path, headers={} if header is None else {"Authorization": header})
    return got.status_code, got.json()["code"], got.json()["message"]


def test_an_api_key_and_a_jwt_are_both_accepted_on_classic_paths(kling):
    passed = (400, 1201, "Task not found by id/external id: nonexistent")
    assert response(kling, f"Bearer {kling.simulator.api_key}") == passed
    assert response(kling, f"Bearer {token(kling.simulator)}") == passed


def test_a_jwt_reads_the_account_costs(kling):
    path = "/account/costs?start_time=1&end_time=2"
    assert response(kling, f"Bearer {token(kling.simulator)}", path)[:2] == (200, 0)


@pytest.mark.parametrize("header", [None, ""])
def test_no_authorization_is_1001(kling, header):
    assert response(kling, header) == (401, 1001, "Authorization is empty")


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  two-spaces", "token"])
def test_a_header_that_is_not_a_bearer_is_1000(kling, header):
    assert response(kling, header)[:2] == (401, 1000)


def test_an_unknown_api_key_is_1002(kling):
    assert response(kling, "Bearer api-key-kling-unknown") == (401, 1002, "api key not found")


@pytest.mark.parametrize(("bearer", "parts"), [("garbage", 0), ("a.b", 2), ("a.b.c.d", 4)])
def test_a_malformed_token_is_1002_and_counts_its_parts(kling, bearer, parts):
    message = f"The token was expected to have 3 parts, but got {parts}"
    assert response(kling, f"Bearer {bearer}") == (401, 1002, message)


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "another-secret-key-of-32-characters-x"},
        {"iss": "somebody-else"},
        {"algorithm": "HS512"},
        {"iss": None},
        {"exp": "soon"},
    ],
)
def test_a_token_that_is_not_ours_is_1002(kling, changes):
    assert response(kling, f"Bearer {token(kling.simulator, **changes)}")[:2] == (401, 1002)


def test_a_token_of_the_future_is_1003(kling):
    assert response(kling, f"Bearer {token(kling.simulator, shift=600)}")[:2] == (401, 1003)


@pytest.mark.parametrize("changes", [{"shift": -1801}, {"exp": None}])
def test_a_token_that_has_expired_or_has_no_expiry_is_1004(kling, changes):
    assert response(kling, f"Bearer {token(kling.simulator, **changes)}")[:2] == (401, 1004)


@pytest.mark.parametrize("path", ["/image-to-video/kling-3.0", "/omni-video/kling-o1", "/solutions/x"])
def test_every_path_of_the_second_generation_refuses_a_jwt(kling, path):
    assert response(kling, f"Bearer {token(kling.simulator)}", path) == (401, 1002, NEEDS_API_KEY)
    assert kling.get(path).status_code in {404, 501}, "they take no GET"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_routes_of_tasks_refuse_a_jwt_and_garbage_with_the_same_message(kling, method):
    for bearer in (token(kling.simulator), "garbage", "api-key-kling-unknown"):
        got = kling.send(method, "/tasks?task_ids=0", headers={"Authorization": f"Bearer {bearer}"}, json={})
        assert (got.status_code, got.json()["code"], got.json()["message"]) == (401, 1002, NEEDS_API_KEY)


@pytest.mark.parametrize(("skew", "code"), [(-600, 1003), (3600, 1004)])
def test_a_skewed_server_judges_by_its_own_clock_and_shows_it_in_the_date_header(start, skew, code):
    kling = start(clock_skew=skew)
    got = kling.send("GET", PROBE, headers={"Authorization": f"Bearer {token(kling.simulator)}"})
    assert got.json()["code"] == code
    shown = parsedate_to_datetime(got.headers["Date"]).timestamp()
    assert shown - time.time() == pytest.approx(skew, abs=3)
    corrected = token(kling.simulator, shift=shown - time.time())
    assert response(kling, f"Bearer {corrected}")[:2] == (400, 1201)


def test_advancing_the_clock_does_not_expire_credentials(kling):
    kling.simulator.advance(40 * 24 * 3600)
    assert response(kling, f"Bearer {token(kling.simulator)}")[:2] == (400, 1201)


def test_a_relay_serves_everything_under_its_prefix_and_knows_only_the_api_key(start):
    kling = start(path_prefix="/kling")
    assert kling.simulator.url.endswith("/kling")
    assert kling.task(kling.create(external_task_id="a"))["task_info"] == {"external_task_id": "a"}
    assert response(kling, f"Bearer {token(kling.simulator)}") == (401, 1002, "api key not found")
    assert kling.get("/_simulator/").json()["requests"] == 3
    outside = kling.send("GET", f"/..{PROBE}")
    assert outside.status_code == 404
    url = kling.finished("a")["task_result"]["videos"][0]["url"]
    assert url.startswith(kling.simulator.url + "/results/")
