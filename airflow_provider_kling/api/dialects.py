"""The contract that each generation of Kling's API fulfils, and which generation a product belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_kling.api import classic
from airflow_provider_kling.products.solution import SOLUTION

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.request import Request
    from airflow_provider_kling.models import Task, TaskStatus
    from airflow_provider_kling.products.product import Product


class Dialect(Protocol):
    """How a generation of the API words requests and responses. Pure: it builds and reads them, it sends nothing."""

    #: Tasks on the largest page that Kling serves.
    MAX_PAGE_SIZE: int

    #: Whether a page is asked for by its number; else by the cursor of the one before.
    PAGES_HAVE_NUMBERS: bool

    #: Whether a JWT of AccessKey and SecretKey is refused.
    NEEDS_API_KEY: bool

    def create(self, product: Product, body: dict[str, Any]) -> Request:
        """Build the paid call."""

    def read_created(self, response: Response, product: Product) -> Task:
        """Read the task that a POST has created."""

    def query(self, product: Product, any_id: str) -> Request:
        """Build the call that reads one task."""

    def read_task(self, response: Response, product: Product) -> Task:
        """Read one task."""

    def page(self, product: Product, number: int, size: int, cursor: str = "") -> Request:
        """Build the call that lists tasks: a page by its number, or by the cursor of the one before."""

    def next_cursor(self, response: Response) -> str | None:
        """Return what leads to the next page, nothing after the last; ``None`` when it is not said."""

    def read_page(self, response: Response, product: Product, status: TaskStatus | None = None) -> list[Task]:
        """Read a page of tasks."""


def dialect_of(product: Product) -> Dialect:
    """
    Return the dialect of a product.

    :param product: its row in the generation that serves its model, see
        :func:`airflow_provider_kling.products.generations.serving_product`.
    """
    # A process speaks one of them, most often the first: the others are imported when they are spoken.
    if product.path == SOLUTION.path:
        from airflow_provider_kling.api import solutions

        return solutions
    if product.generation == "v2":
        from airflow_provider_kling.api import v2

        return v2
    return classic
