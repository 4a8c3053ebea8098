"""Control routes below ``/_simulator/``: requests, charges, faults and time. They need no credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.faults import ArmedFaults, Fault
from airflow_provider_kling.simulator.products import PRODUCTS

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.journal import Journal
    from airflow_provider_kling.simulator.service import Service

BASE: Final = "/_simulator"

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Control:
    """Inspects and controls the simulator, over HTTP and from Python.

    :param service: the account and its clock.
    :param book: the armed faults.
    :param journal: the received requests.
    """

    def __init__(self, service: Service, armed_faults: ArmedFaults, journal: Journal) -> None:
        self._service = service
        self._armed_faults = armed_faults
        self._journal = journal

    def overview(self) -> dict[str, Any]:
        """Counts of requests, tasks, faults and units, and the routes."""
        self._service.update_statuses()
        tasks = self._service.account.all_tasks()
        return {
            "products": {name: product.path for name, product in PRODUCTS.items()},
            "requests": len(self._journal.entries),
            "tasks": {
                status: sum(task.status == status for task in tasks)
                for status in ("submitted", "processing", "succeed", "failed")
            },
            "faults": len(self._armed_faults.armed()),
            "units_used": self._service.ledger()["units_used"],
            "units_left": self._service.ledger()["units_left"],
            "routes": [f"{method} {BASE}{path}" for method, path, _ in self.routes()],
        }

    def requests(self) -> list[dict[str, Any]]:
        """Every request to Kling's routes, oldest first."""
        return list(self._journal.entries)

    def tasks(self) -> list[dict[str, Any]]:
        """Every task, oldest first."""
        self._service.update_statuses()
        return [task.as_json() for task in self._service.account.all_tasks()]

    def ledger(self) -> dict[str, Any]:
        """What was charged and what is left."""
        self._service.update_statuses()
        return self._service.ledger()

    def callbacks(self) -> list[dict[str, Any]]:
        """Every attempt to deliver a callback."""
        return list(self._service.callbacks.deliveries)

    def faults(self) -> list[dict[str, Any]]:
        """The armed faults."""
        return self._armed_faults.armed()

    def add_fault(self, values: dict[str, Any]) -> int:
        """Arm a fault.

        :raises ValueError: the fault is invalid.
        """
        return self._armed_faults.add(Fault.from_json(values))

    def clear_faults(self) -> None:
        """Disarm every fault."""
        self._armed_faults.clear()

    def advance(self, seconds: float) -> None:
        """Move the clock of tasks and results forward."""
        self._service.advance(seconds)

    async def finish(self, task_id: str, failure: str = "") -> dict[str, Any]:
        """End a task now.

        :raises KlingError: the task does not exist.
        """
        return (await self._service.finish(task_id, failure=failure)).as_json()

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler of every control route."""
        return [
            ("GET", "/", _json_handler(self.overview)),
            ("GET", "/requests", _json_handler(self.requests)),
            ("GET", "/tasks", _json_handler(self.tasks)),
            ("POST", "/tasks/{task_id}/finish", self._finish),
            ("GET", "/ledger", _json_handler(self.ledger)),
            ("GET", "/callbacks", _json_handler(self.callbacks)),
            ("GET", "/faults", _json_handler(self.faults)),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/advance", self._advance),
        ]

    async def _add_fault(self, http: web.Request) -> web.Response:
        try:
            number = self.add_fault(await http.json())
        except (ValueError, TypeError, RecursionError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"id": number}, status=201)

    async def _clear_faults(self, _http: web.Request) -> web.Response:
        self.clear_faults()
        return web.json_response([])

    async def _advance(self, http: web.Request) -> web.Response:
        try:
            self.advance(float((await http.json())["seconds"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return web.json_response({"error": 'expected {"seconds": number}'}, status=400)
        return web.json_response(self.overview())

    async def _finish(self, http: web.Request) -> web.Response:
        try:
            failure = (await http.json()).get("failure", "") if http.can_read_body else ""
            if not isinstance(failure, str):
                raise TypeError(failure)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return web.json_response({"error": 'expected {"failure": text} or nothing'}, status=400)
        try:
            return web.json_response(await self.finish(http.match_info["task_id"], failure))
        except KlingError as error:
            return web.json_response({"error": error.message}, status=404)


def _json_handler(read: Callable[[], Any]) -> Handler:
    async def handler(_http: web.Request) -> web.Response:
        return web.json_response(read())

    return handler


def add_routes(router: web.UrlDispatcher, prefix: str, control: Control) -> None:
    """Serve ``control`` below ``prefix``."""
    for method, path, handler in control.routes():
        router.add_route(method, f"{prefix}{BASE}{path}", handler)
