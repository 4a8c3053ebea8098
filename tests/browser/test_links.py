"""A link that a Dag wrote is opened by the browser of whoever looks at the page: never one to Airflow itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from airflow_provider_kling.plugins.task_view import view_of
from airflow_provider_kling.plugins.web_app import STATIC
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

AIRFLOW = "http://airflow.example"
MANIFEST = {"task_id": "1", "external_task_id": "a", "endpoint": "image2video", "status": "succeed"}


@pytest.mark.parametrize(
    ("link", "is_opened"),
    [
        (f"{AIRFLOW}/auth/logout", False),
        (f"{AIRFLOW}:80/auth/logout?a.mp4", False),
        ("http://AIRFLOW.example/auth/logout", False),
        ("http://results.example/a.mp4", True),
    ],
)
def test_a_link_to_airflow_itself_is_not_opened(chromium: Browser, link: str, is_opened: bool) -> None:
    record = TaskRecord(
        TaskKey("d", "r", "t", -1),
        state="success",
        xcoms={"return_value": {**MANIFEST, "videos": [{"id": "1", "url": link}]}},
        fields={"image": link},
    )
    opened: list[str] = []

    def serve(route: Route) -> None:
        url = urlsplit(route.request.url)
        opened.append(route.request.url)
        if url.path == "/kling/api/task":
            route.fulfill(body=json.dumps(view_of(record, 0)), content_type="application/json")
        elif url.path.startswith("/kling/"):
            name = url.path.removeprefix("/kling/static/").removeprefix("/kling/")
            route.fulfill(path=STATIC / (name if "." in name else f"{name}.html"))
        else:
            route.abort()

    page = chromium.new_context().new_page()
    page.route("**/*", serve)
    page.goto(f"{AIRFLOW}/kling/task?dag_id=d&run_id=r&task_id=t")
    page.get_by_role("heading", name="Done").wait_for()
    page.wait_for_timeout(500)
    page.context.close()
    strangers = [url for url in opened if "/kling/" not in url]
    assert bool(strangers) is is_opened, strangers
