"""One browser and one Airflow with a simulator for all tests that look at pages."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kling.simulator import KlingSimulator, Settings
from dev.browser import BrowserMissingError, Pages, open_chromium
from dev.browser.pages import DESKTOP
from dev.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "example_dags"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, or a skip that says what is missing."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(open_chromium())
        except BrowserMissingError as error:
            pytest.skip(str(error))
        yield browser


@pytest.fixture(scope="session")
def simulator() -> Iterator[KlingSimulator]:
    with KlingSimulator(Settings(seconds=3, video_size="small", retired="accept", concurrency=20)) as running:
        yield running


def connection_to(simulator: KlingSimulator) -> dict[str, Any]:
    """The fields of a connection to a simulator."""
    return {
        "conn_type": "kling",
        "host": simulator.url,
        "password": simulator.api_key,
        "extra": {"allow_private_urls": True},
    }


@pytest.fixture(scope="session")
def airflow(
    chromium: Browser, simulator: KlingSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAirflow]:
    """A real Airflow; without a browser it is not started."""
    folders = [HERE / "dags", EXAMPLES]
    connections = {"kling_default": connection_to(simulator)}
    with LocalAirflow(tmp_path_factory.mktemp("airflow"), folders, connections=connections) as running:
        yield running


@pytest.fixture
def new_pages(chromium: Browser, airflow: LocalAirflow) -> Iterator[Callable[..., Pages]]:
    """Opens tabs, each with cookies of its own; arguments are those of Playwright's ``new_context``."""
    opened = []

    def new(**options: Any) -> Pages:
        context = chromium.new_context(**{"viewport": DESKTOP, **options})
        context.set_default_timeout(60_000)
        opened.append(context)
        return Pages(context.new_page(), airflow.url)

    yield new
    for context in opened:
        context.close()


@pytest.fixture
def pages(new_pages: Callable[..., Pages]) -> Pages:
    """One tab at desktop size."""
    return new_pages()
