"""Lists in which a lost submission is searched: short, repeated, partly unreadable. It is still paid once."""

from __future__ import annotations

import itertools
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from adversary.scripted import Reply, kling, task

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.products.catalogue import product_of

NOT_FOUND = kling(code=1201, message="Task not found by id/external id: x", status=400)
OURS = "880000000000000001"


def old(count, **changes):
    """Tasks of the day before, the newest last."""
    begin = int(time.time() * 1000) - 90_000_000
    return [
        task(**{"task_id": str(880000000000001000 + number), "created_at": begin + number, **changes})
        for number in range(count)
    ]


#: Stand for the time of the answer: tests are collected long before they run.
NOW, NOW_IN_SECONDS = -1, -2


def ours(**changes):
    return task(**{"task_id": OURS, "created_at": NOW, **changes})


def timed(page):
    """A page with the time of this answer."""
    now = int(time.time() * 1000)
    times = {NOW: now, NOW_IN_SECONDS: now // 1000}

    def moved(record):
        said = record.get("created_at") if isinstance(record, dict) else None
        return {**record, "created_at": times[said]} if said in times else record

    return [moved(record) for record in page] if isinstance(page, (list, tuple)) else page


class Relay:
    """Loses each answer to a POST, and lists whatever a test wants; the page after the last is ``after``."""

    def __init__(self, pages, after=()):
        self.pages, self.after, self.posts = pages, after, 0

    def __call__(self, request):
        if request.method == "POST":
            self.posts += 1
            return Reply(cut=True)
        where = urlsplit(request.path)
        if not where.path.endswith("/text2video"):
            return NOT_FOUND
        number = int(dict(parse_qsl(where.query))["pageNum"])
        return kling(timed([*self.pages, self.after][min(number - 1, len(self.pages))]))


def submit(scripted, relay, on_doubt="resend"):
    scripted(relay, extra={"external_ids": False})
    fields = {"prompt": "A boat", "model_name": "kling-v3"}
    return KlingHook().create_task("text2video", fields, on_doubt=on_doubt)


@pytest.mark.parametrize(
    ("pages", "after"),
    [
        ([[ours()]], ()),
        ([[ours()]], [ours()]),
        ([old(500), [ours()]], ()),
        # What cannot be read is missing on its page, which is no shorter for that.
        ([[*old(499), {"task_id": {}}], [ours()]], ()),
        # A relay with a page size of its own.
        ([old(200)[100:], old(100), [ours()]], ()),
        ([[*old(499), ours()], [ours(), *old(3)]], ()),
        ([[*old(499), ours()]], [*old(499), ours()]),
        ([old(500, created_at=1_700_000_000_000), [ours()]], ()),
        ([[ours(task_status="moderating")]], ()),
        ([[ours(created_at=NOW_IN_SECONDS)]], ()),
    ],
    ids=["alone", "repeated", "second page", "unreadable", "small pages", "twice", "the same page for ever", "one time",
         "unknown status", "seconds"],
)  # fmt: skip
def test_it_is_found_and_paid_once(scripted, no_waiting, pages, after):
    relay = Relay(pages, after)
    assert submit(scripted, relay).task_id == OURS
    assert relay.posts == 1


@pytest.mark.parametrize("changes", [{"created_at": ...}, {"created_at": "yesterday"}])
@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_a_task_without_creation_time_is_not_adopted_and_nothing_is_sent(scripted, no_waiting, on_doubt, changes):
    relay = Relay([[ours(**changes)]])
    with pytest.raises(errors.KlingAnswerLostError, match="does not say when") as caught:
        submit(scripted, relay, on_doubt)
    assert OURS in caught.value.message
    assert relay.posts == 1


@pytest.mark.parametrize("page", [None, {"tasks": 3}, [{"task_id": "../../x"}], "no list", [[], 5, None]])
def test_what_is_not_a_list_of_tasks_ends_in_a_clear_error(scripted, no_waiting, page):
    relay = Relay([page], page)
    with pytest.raises(errors.KlingAnswerLostError, match="Look in Kling's console"):
        submit(scripted, relay, "fail")
    assert relay.posts == 1


@pytest.mark.parametrize("cursors", ["a", "ab", "abc"])
def test_cursors_in_a_circle_are_followed_once(scripted, cursors):
    replies = [kling({"result": [], "has_more": True, "next_cursor": cursor}) for cursor in cursors]
    server = scripted([*replies * 10, replies[0]])
    walk = KlingHook().client.iter_pages(product_of("image-to-video"))
    with pytest.raises(errors.KlingResponseError, match="goes on") as caught:
        list(itertools.islice(walk, 30))
    assert not caught.value.transient
    assert len(server.received) == len(cursors) + 1
