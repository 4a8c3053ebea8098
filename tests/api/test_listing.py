"""Lists are read page by page without repeated requests, with page numbers and with cursors."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import pytest

from airflow_provider_kling.api import classic, listing, v2
from airflow_provider_kling.api.auth import ApiKey
from airflow_provider_kling.api.client import MAX_PAGES, KlingClient
from airflow_provider_kling.api.envelope import Response
from airflow_provider_kling.api.read_plan import CLOCK_SKEW
from airflow_provider_kling.api.settings import Settings
from airflow_provider_kling.exceptions import KlingResponseError
from airflow_provider_kling.products.video import TEXT2VIDEO, TEXT_TO_VIDEO
from airflow_provider_kling.simulator import KlingSimulator
from airflow_provider_kling.simulator import Settings as SimulatorSettings

BODY = {"model_name": "kling-v2-6", "prompt": "rain", "mode": "pro", "duration": "5"}
NEW_BODY = {"model_name": "kling-3.0-turbo", "prompt": "rain", "duration": "3"}
BOTH = pytest.mark.parametrize(("product", "body"), [(TEXT2VIDEO, BODY), (TEXT_TO_VIDEO, NEW_BODY)])
SIZE = 3


@pytest.fixture
def kling(request):
    """Its lists go from old to new, which says nothing about what comes after a page."""
    with KlingSimulator(SimulatorSettings(concurrency=50, list_order=getattr(request, "param", "oldest"))) as running:
        yield running


@pytest.fixture
def client(kling) -> KlingClient:
    return KlingClient(Settings(kling.url, ApiKey(kling.api_key), allow_private_urls=True))


def make(client, body, count) -> list[str]:
    named = [{**body, "external_task_id": f"n-{number}"} for number in range(count)]
    return [client.create_once(TEXT2VIDEO, fields).task_id for fields in named]


def asked(kling) -> list[str]:
    """The page, by number or cursor, of each request for one."""
    pages = [request["query"]["pageNum"] for request in kling.requests(method="GET") if request["query"]]
    bodies = [request["body"] for request in kling.requests(method="POST") if request["path"] == "/tasks"]
    return pages + [body.get("cursor", "") for body in bodies]


@BOTH
@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE, 2 * SIZE, 3 * SIZE - 1])
def test_a_search_asks_for_each_page_once(client, kling, product, body, count):
    made = make(client, body, count)
    assert {task.task_id for task in client.list_since(product, time.time(), page_size=SIZE)} == set(made)
    filled = -(-count // SIZE)
    # Where pages have numbers, only the empty one after the last shows that there is no more.
    assert len(asked(kling)) == len(set(asked(kling))) == (filled + 1 if product is TEXT2VIDEO else max(filled, 1))


@BOTH
def test_a_list_that_is_too_long_is_not_a_response_and_costs_four_requests(client, kling, product, body):
    make(client, body, MAX_PAGES * SIZE + 1)
    with pytest.raises(KlingResponseError, match="too long to be searched") as caught:
        client.list_since(product, time.time(), page_size=SIZE)
    assert not caught.value.transient
    assert len(asked(kling)) == len(set(asked(kling))) == MAX_PAGES


def test_a_list_that_ends_with_the_fourth_cursor_is_read_completely(client, kling):
    made = make(client, NEW_BODY, MAX_PAGES * SIZE)
    assert {task.task_id for task in client.list_since(TEXT_TO_VIDEO, time.time(), page_size=SIZE)} == set(made)
    assert len(asked(kling)) == MAX_PAGES


@BOTH
@pytest.mark.parametrize("kling", ["newest"], indirect=True)
def test_a_search_stops_where_a_list_reaches_behind_its_time(client, kling, product, body):
    make(client, body, MAX_PAGES * SIZE + 1)
    later = time.time() + CLOCK_SKEW + 5
    assert len(client.list_since(product, later, page_size=SIZE)) == SIZE
    assert len(asked(kling)) == 1


@BOTH
@pytest.mark.parametrize("number", [1, 3, 4])
def test_a_page_costs_one_request_where_pages_have_numbers_and_as_many_as_lead_there_else(
    client, kling, product, body, number
):
    made = make(client, body, 2 * SIZE + 1)
    page = client.list_tasks(product, number, SIZE)
    assert [task.task_id for task in page] == made[(number - 1) * SIZE : number * SIZE]
    assert asked(kling)[0] == (str(number) if product is TEXT2VIDEO else "")
    assert len(asked(kling)) == (1 if product is TEXT2VIDEO else min(number, 3))


DONE = {"id": "880000000000000001", "status": "succeeded", "create_time": 1}


def walk(dialect, product, *responses):
    """The walk through a list of which each page is said."""
    left = iter(responses)
    return listing.iter_pages(lambda _request: Response(next(left), "r"), dialect, product, size=SIZE)


@pytest.mark.parametrize("cursor", [7, "", None])
def test_a_list_that_continues_without_saying_where_is_not_taken_for_the_whole(cursor):
    pages = walk(v2, TEXT_TO_VIDEO, {"result": [DONE], "has_more": True, "next_cursor": cursor})
    first = next(pages)
    assert (len(first.tasks), first.is_last) == (1, False)
    with pytest.raises(KlingResponseError, match="goes on") as caught:
        next(pages)
    assert not caught.value.transient


def test_a_page_of_which_nothing_can_be_read_leads_to_the_next():
    empty = {"result": [{"id": {}}], "has_more": True, "next_cursor": "a"}
    pages = list(walk(v2, TEXT_TO_VIDEO, empty, {"result": [DONE], "has_more": False}))
    assert [(len(page.tasks), page.is_last) for page in pages] == [(0, False), (1, True)]


def test_a_page_that_repeats_is_not_the_last_of_a_list():
    record = {"task_id": DONE["id"], "task_status": "succeed"}
    pages = list(itertools.islice(walk(classic, TEXT2VIDEO, *[[record]] * 5), 4))
    assert [page.is_last for page in pages] == [False] * 4


def test_a_search_continues_behind_a_page_of_which_nothing_can_be_read(client):
    responses = iter(
        [
            {"result": [{"id": {}}], "has_more": True, "next_cursor": "a"},
            {"result": [DONE], "has_more": False},
        ]
    )
    client.__dict__["transport"] = SimpleNamespace(read=lambda _request, tries: Response(next(responses), "r"))
    assert [task.task_id for task in client.list_since(TEXT_TO_VIDEO, time.time())] == [DONE["id"]]
