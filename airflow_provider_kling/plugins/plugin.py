"""What Airflow finds through the entry point ``airflow.plugins``: the tab "Kling" on task instances and Dag runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.configuration import conf

from airflow_provider_kling.get_provider_info import OPERATORS
from airflow_provider_kling.plugins.preload import preload
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_4_PLUS
from airflow_provider_kling.utils._airflow.plugin_base import AirflowPlugin
from airflow_provider_kling.utils._airflow.switches import is_switched_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

#: Where the pages are, below Airflow's own address.
URL_PREFIX = "/kling"

#: What Airflow calls the gallery in the address of its own page.
GALLERY = "kling-gallery"

#: Tasks that the tab has something to say about: Airflow 3.4 and later show it on these only.
TAB_OPERATORS = (*OPERATORS, "KlingTaskSensor", "KlingToObjectStorageOperator")


class LazyApp:
    """
    The pages' web application, made when the first request arrives.

    Airflow loads plugins in each of its components, and only the API server serves pages: nothing else imports FastAPI
    because of this package. Should a later Airflow lack a name that the pages need, the page fails and nothing else.
    """

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one request, as ASGI asks for it."""
        if self._app is None:
            from airflow_provider_kling.plugins.web_app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


def shows_pages() -> bool:
    """Whether this Airflow has a place for our pages (3.1), and nobody switched them off (``[kling] ui``)."""
    return AIRFLOW_V_3_1_PLUS and is_switched_on("ui")


def task_view() -> dict[str, Any]:
    """Return the tab on a task instance, as ``external_views`` describes it."""
    view: dict[str, Any] = {
        "name": "Kling",
        "href": f"{_base_path()}{URL_PREFIX}/task"
        "?dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}",
        "destination": "task_instance",
        "url_route": "kling",
        "icon": f"{_base_path()}{URL_PREFIX}/static/icon.svg",
        "icon_dark_mode": f"{_base_path()}{URL_PREFIX}/static/icon-dark.svg",
    }
    if AIRFLOW_V_3_4_PLUS:
        view["applies_to"] = {"operator_name": list(TAB_OPERATORS)}
    return view


def run_view() -> dict[str, Any]:
    """Return the gallery on a Dag run, likewise."""
    return {
        "name": "Kling",
        "href": f"{_base_path()}{URL_PREFIX}/gallery?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
        "destination": "dag_run",
        "url_route": GALLERY,
        "icon": f"{_base_path()}{URL_PREFIX}/static/icon.svg",
        "icon_dark_mode": f"{_base_path()}{URL_PREFIX}/static/icon-dark.svg",
    }


def gallery_address(dag_id: str, run_id: str) -> str:
    """
    Return where Airflow shows the gallery of a Dag run, below its own host; empty when it shows none.

    :param dag_id: the Dag.
    :param run_id: the run.
    """
    if not shows_pages():
        return ""
    return f"{_base_path()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}/plugin/{GALLERY}"


def _base_path() -> str:
    """The path of Airflow's own address; one behind a proxy may have one."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


class KlingPlugin(AirflowPlugin):
    """The pages about Kling in Airflow's user interface."""

    name = "kling"

    def __init__(self) -> None:
        super().__init__()
        shown = shows_pages()
        self.fastapi_apps = [{"name": "Kling", "app": LazyApp(), "url_prefix": URL_PREFIX}] if shown else []
        self.external_views = [task_view(), run_view()] if shown else []

    @classmethod
    def on_load(cls, *_args: Any, **_kwargs: Any) -> None:
        """Import ahead what tasks need, where Airflow forks their processes."""
        preload()
