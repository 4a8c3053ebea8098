"""A running server: the service and its socket, on the event loop of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from airflow_provider_kling.simulator.control import Control
from airflow_provider_kling.simulator.faults import FaultBook
from airflow_provider_kling.simulator.journal import Journal
from airflow_provider_kling.simulator.service import Service
from airflow_provider_kling.simulator.wire import Wire

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.settings import Settings

#: Requests under way at the end get this long: a delayed one must not hold up a test suite.
SHUTDOWN_SECONDS: Final = 0.05


class Server:
    """Serves one simulated account.

    :param settings: what can be chosen.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._service = Service(settings)
        book, journal = FaultBook(), Journal()
        self.control = Control(self._service, book, journal)
        self._wire = Wire(self._service, book, journal)
        self.url = ""

    async def start(self) -> str:
        """Listen; return the URL, with the prefix of a relay."""
        settings = self._settings
        app = self._wire.application(self.control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            return await self._listen(settings)
        except BaseException:
            await self._runner.cleanup()
            raise

    async def _listen(self, settings: Settings) -> str:
        await web.TCPSite(self._runner, settings.host, settings.port).start()
        port = self._runner.addresses[0][1]
        # Nobody can connect to "every interface".
        host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
        self.url = f"http://{host}:{port}{settings.prefix}"
        public = settings.public_url.rstrip("/")
        await self._service.start(f"{public}{settings.prefix}" if public else self.url)
        return self.url

    async def stop(self) -> None:
        """Close the socket and stop all work."""
        await self._runner.cleanup()
        await self._service.stop()
