"""Walking through a list of tasks, page by page, each with one free request; sending is passed in. Pure."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.exceptions import KlingResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kling.api.dialects import Dialect
    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.request import Request
    from airflow_provider_kling.models import Task, TaskStatus
    from airflow_provider_kling.products.product import Product

#: The last page that Kling's pages about lists name.
LAST_PAGE = 1000


class Page(NamedTuple):
    """
    A page of a list.

    :param tasks: what could be read of it.
    :param is_last: whether the list ends with it.
    """

    tasks: list[Task]
    is_last: bool


def iter_pages(
    read: Callable[[Request], Response],
    dialect: Dialect,
    product: Product,
    *,
    size: int,
    first: int = 1,
    status: TaskStatus | None = None,
) -> Iterator[Page]:
    """
    Yield the pages of a list until the last; the next one is asked for when it is wanted. A host that responds to each
    request with the same page has no last one; at most :data:`LAST_PAGE` are read.

    A short page is not the last: relays have smaller ones, and what cannot be read is missing on it. Where pages have
    numbers, the last is the empty one after all others.

    :param read: sends a request and returns its response.
    :param dialect: of the product.
    :param product: its row; one of the second generation stands for all of them.
    :param size: tasks on a page, 1 to 500.
    :param first: number of the first page to yield; where pages have no numbers, those before it are asked for too.
    :param status: taken in place of an unknown status; without it, such a task is left out.
    :raises KlingResponseError: when the list goes on, and the response does not say where, or leads back.
    """
    skipped = 0 if dialect.PAGES_HAVE_NUMBERS else first - 1
    return itertools.islice(_walk(read, dialect, product, size, first - skipped, status), skipped, None)


def _walk(
    read: Callable[[Request], Response],
    dialect: Dialect,
    product: Product,
    size: int,
    first: int,
    status: TaskStatus | None,
) -> Iterator[Page]:
    cursor: str | None = ""
    followed: set[str] = set()
    for number in range(first, LAST_PAGE + 1):
        if cursor is None or cursor in followed:
            raise KlingResponseError(
                "Look in Kling's console: its list of tasks goes on, and the response does not say where to.",
                http_status=200,
                transient=False,
            )
        if cursor:
            followed.add(cursor)
        response = read(dialect.page(product, number, size, cursor))
        tasks = dialect.read_page(response, product, status)
        cursor = dialect.next_cursor(response)
        is_last = not tasks if dialect.PAGES_HAVE_NUMBERS else cursor == ""
        yield Page(tasks, is_last)
        if is_last:
            return
