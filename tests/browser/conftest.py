"""One browser and one Airflow with a simulator for all tests that look at pages."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dev.browser import BrowserMissingError, Pages, open_chromium
from dev.browser.environment import BrowserEnvironment, open_environment
from dev.browser.pages import DESKTOP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from airflow_provider_kling.simulator import KlingSimulator
    from dev.local_airflow import LocalAirflow

HERE = Path(__file__).parent


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
def environment(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserEnvironment]:
    """A real Airflow and its simulators; without a browser they are not started."""
    with open_environment(tmp_path_factory.mktemp("environment"), [HERE / "dags"]) as running:
        yield running


@pytest.fixture(scope="session")
def airflow(environment: BrowserEnvironment) -> LocalAirflow:
    return environment.airflow


@pytest.fixture(scope="session")
def simulator(environment: BrowserEnvironment) -> KlingSimulator:
    """What ``kling_default`` leads to."""
    return environment.kling


@pytest.fixture(scope="session")
def launch(environment: BrowserEnvironment) -> str:
    """The run with everything in it: what ends has ended, the rest waits."""
    return environment.launch()


@pytest.fixture(scope="session")
def seen(airflow: LocalAirflow, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of the Dag ``seen`` that has ended."""
    run_id = airflow.trigger_dag("seen", {"output_uri": f"file://{tmp_path_factory.mktemp('videos')}/"})
    airflow.wait_for_run("seen", run_id)
    return run_id


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
