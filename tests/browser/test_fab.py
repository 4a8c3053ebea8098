"""The pages behind the auth manager of Airflow's FAB provider: who may read one Dag sees that one and no other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from urllib.parse import urlencode

import jwt
import pytest

from airflow_provider_kling.simulator import KlingSimulator, Settings
from dev.browser import Pages
from dev.browser.environment import PHOTOGRAPH, connection_to
from dev.browser.pages import DESKTOP, play
from dev.demo import RETRIES
from dev.local_airflow import LocalAirflow, settings

pytest.importorskip("airflow.providers.fab", reason="needs make test-fab")
pytestmark = pytest.mark.timeout(600)

FAB = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    "AIRFLOW__FAB__ENABLE_PROXY_FIX": "False",
}
PASSWORD = "password-of-the-tests"

#: Made into two files of one Dag each.
DAG = """
from airflow.sdk import dag
from airflow_provider_kling.operators import KlingImageToVideoOperator

@dag(dag_id="{name}", schedule=None)
def made():
    KlingImageToVideoOperator(
        task_id="animate", image="{image}", prompt="It lifts off", duration=3, output_uri="{videos}/", poll_interval=1
    )

made()
"""

#: An administrator, and three who may read the Dag ``mine`` only: one all of it, one no XComs, one no list of plugins.
USERS = """
import sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    manager = builder.sm
    manager.sync_roles()
    role = manager.add_role("reads mine")
    rights = {"Website", "DAG Runs", "Task Instances", "XComs", "DAG Versions", "Plugins", "DAG:mine"}
    given = {"reader": rights, "blind": rights - {"XComs"}, "tabless": rights - {"Plugins"}}
    for name, resources in given.items():
        role = manager.add_role(f"role of {name}")
        for resource in sorted(resources):
            manager.add_permission_to_role(role, manager.create_permission("can_read", resource))
        assert manager.add_user(name, name, name, f"{name}@example.com", role, sys.argv[1])
    assert manager.add_user("admin", "a", "a", "admin@example.com", manager.find_role("Admin"), sys.argv[1])
"""


class GuardedAirflow(LocalAirflow):
    """An Airflow that asks for a password."""

    def _token(self) -> str:
        return self.token_of("admin")

    def token_of(self, user: str) -> str:
        login = {"username": user, "password": PASSWORD}
        response = self._session.post(f"{self.url}/auth/token", json=login, timeout=60)
        response.raise_for_status()
        return response.json()["access_token"]


@pytest.fixture(scope="module")
def guarded(chromium, tmp_path_factory):
    """The Airflow, with a finished run of ``mine`` and of ``theirs``."""
    folder = tmp_path_factory.mktemp("fab")
    (folder / "dags").mkdir()
    for name in ("mine", "theirs"):
        videos = (folder / "videos" / name).as_uri()
        (folder / "dags" / f"{name}.py").write_text(DAG.format(name=name, image=PHOTOGRAPH, videos=videos))
    airflow = GuardedAirflow(folder / "airflow", folder / "dags", RETRIES | FAB)
    airflow.home.mkdir()
    settings.create_database(airflow.home)
    environment = settings.home_secrets(airflow.home) | airflow._environment
    for command in (["-m", "airflow", "fab-db", "migrate"], ["-c", USERS, PASSWORD]):
        subprocess.run([sys.executable, *command], env=environment, check=True, capture_output=True, timeout=120)
    with KlingSimulator(Settings(seconds=2, video_size="small")) as kling, airflow:
        airflow.add_connection("kling_default", connection_to(kling))
        for name in ("mine", "theirs"):
            airflow.trigger_dag(name, run_id="first")
        for name in ("mine", "theirs"):
            assert airflow.wait_for_run(name, "first") == "success"
        yield airflow


@pytest.fixture
def window(chromium, guarded):
    """A browser of its own, in which nobody has logged in."""
    context = chromium.new_context(viewport=DESKTOP)
    context.set_default_timeout(60_000)
    yield Pages(context.new_page(), guarded.url)
    context.close()


def log_in(pages: Pages, user: str) -> None:
    """Through the form of the auth manager."""
    pages.page.goto(pages.url)
    pages.page.locator("[name=username]").fill(user)
    pages.page.locator("[name=password]").fill(PASSWORD)
    pages.page.locator("[type=submit]").first.click()
    pages.page.get_by_role("button", name="User").first.wait_for()


def address(pages: Pages, path: str, dag_id: str, **more) -> str:
    query = {"dag_id": dag_id, "run_id": "first", "task_id": "animate", "map_index": -1, **more}
    return f"{pages.url}/kling/{path}?{urlencode(query)}"


ROUTES = ["api/task", "api/file", "api/frame", "api/run", "api/run/file"]


#: Links to tabs of a task instance: one of Airflow's, and ours.
DETAILS, TAB = "a[href$='/details']", "a[href$='/plugin/kling']"


def test_a_user_who_may_read_one_dag_can_open_its_video_and_its_gallery(window):
    log_in(window, "reader")
    frame = window.kling_task("mine", "first", "animate")
    window.page.locator(DETAILS).first.wait_for()
    window.page.locator(TAB).first.wait_for()
    assert play(frame.locator("video")) > 100
    first_frame = frame.locator(".frames img")
    assert first_frame.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 480
    gallery = window.gallery("mine", "first")
    assert gallery.locator("#sentence").inner_text().startswith("1 of 1 done")
    assert gallery.locator(".card .name").all_inner_texts() == ["animate"]


def test_a_user_who_may_read_one_dag_cannot_open_anything_of_another(window):
    log_in(window, "reader")
    mine = {path: window.page.request.get(address(window, path, "mine", index=0)).status for path in ROUTES}
    theirs = {path: window.page.request.get(address(window, path, "theirs", index=0)).status for path in ROUTES}
    assert mine == dict.fromkeys(ROUTES, 200)
    assert theirs == dict.fromkeys(ROUTES, 403)
    for path in ("task", "gallery"):
        window.page.goto(address(window, path, "theirs"))
        window.page.get_by_text("Ask for the right to read this Dag's task instances and XComs").wait_for()
        assert window.page.locator("video, .card").count() == 0


def test_the_permission_for_xcoms_is_needed_too(window, guarded):
    headers = {"Authorization": f"Bearer {guarded.token_of('blind')}"}
    own = window.page.request.get(f"{guarded.url}/api/v2/dags/mine/dagRuns/first/taskInstances", headers=headers)
    ours = {
        path: window.page.request.get(address(window, path, "mine", index=0), headers=headers).status for path in ROUTES
    }
    assert (own.status, ours) == (200, dict.fromkeys(ROUTES, 403))


def test_without_the_right_to_the_list_of_plugins_airflow_shows_no_tab_and_the_page_itself_is_there(window):
    log_in(window, "tabless")
    page = window.task("mine", "first", "animate")
    page.locator(DETAILS).first.wait_for()
    assert page.locator(TAB).count() == 0
    page.goto(address(window, "task", "mine"))
    assert play(page.locator("video")) > 100


def test_who_is_logged_out_is_asked_to_log_in(window):
    for path in ("task", "gallery"):
        window.page.goto(address(window, path, "mine"))
        window.page.get_by_text("Log in to Airflow, then reload this page").wait_for()
    assert {window.page.request.get(address(window, path, "mine", index=0)).status for path in ROUTES} == {401}


def test_an_open_page_reports_that_the_session_has_ended(window, guarded):
    log_in(window, "reader")
    window.page.goto(address(window, "task", "mine"))
    window.page.locator("video").wait_for()
    [cookie] = [cookie for cookie in window.page.context.cookies() if cookie["name"] == "_token"]
    window.page.context.add_cookies([{**cookie, "value": expired(guarded, cookie["value"])}])
    assert window.page.request.get(address(window, "api/task", "mine")).status == 401
    window.page.reload()
    window.page.get_by_text("Log in to Airflow, then reload this page").wait_for()


def test_a_token_that_was_changed_reads_nothing(window, guarded):
    token = guarded.token_of("reader")
    changed = jwt.encode(claims_of(token), "x" * 64, "HS512")
    for path in ROUTES:
        headers = {"Authorization": f"Bearer {changed}"}
        assert window.page.request.get(address(window, path, "mine", index=0), headers=headers).status == 403


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


def expired(airflow: LocalAirflow, token: str) -> str:
    """The same token as Airflow would have signed it yesterday."""
    secret = json.loads((airflow.home / "secrets.json").read_text())["AIRFLOW__API_AUTH__JWT_SECRET"]
    header = jwt.get_unverified_header(token)
    past = time.time() - 86_400
    claims = {**claims_of(token), "iat": past - 60, "nbf": past - 60, "exp": past}
    return jwt.encode(claims, secret, header["alg"], headers=header)
