"""A server: the service and its socket, on the caller's event loop."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from airflow_provider_kling.simulator.certificate import Certificate
from airflow_provider_kling.simulator.control import Control
from airflow_provider_kling.simulator.faults import ArmedFaults
from airflow_provider_kling.simulator.http_app import HttpApp
from airflow_provider_kling.simulator.journal import Journal
from airflow_provider_kling.simulator.service import Service

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.settings import Settings

#: Running requests get this long at the end: a delayed one must not slow down a test suite.
SHUTDOWN_SECONDS: Final = 0.05


#: Host names of Kling's API. Many clients have one of them built in, so the certificate is valid for all.
KLING_HOSTS: Final = ("api-singapore.klingai.com", "api-beijing.klingai.com", "api.klingai.com")


class Server:
    """Serves one simulated account.

    :param settings: settings of the account and the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._service = Service(settings)
        armed_faults, journal = ArmedFaults(), Journal()
        self.control = Control(self._service, armed_faults, journal)
        self._http_app = HttpApp(self._service, armed_faults, journal)
        self.url = ""
        self._own_directory: TemporaryDirectory[str] | None = None
        self._certificate = self._make_certificate() if settings.tls else None

    @property
    def certificate(self) -> Path | None:
        """The certificate that clients have to trust; ``None`` without TLS."""
        return self._certificate.public if self._certificate else None

    def _make_certificate(self) -> Certificate:
        settings = self._settings
        public = urlsplit(settings.public_url).hostname or "localhost"
        names = {"localhost", "127.0.0.1", "::1", settings.host, public, *KLING_HOSTS}
        if settings.state is not None:
            directory = settings.state.with_name(settings.state.name + ".tls")
        else:
            self._own_directory = TemporaryDirectory(prefix="kling-simulator-")
            directory = Path(self._own_directory.name)
        return Certificate.in_directory(directory, tuple(sorted(names)))

    async def start(self) -> str:
        """Listen; return the base URL, with the path prefix if there is one."""
        settings = self._settings
        app = self._http_app.application(self.control)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            return await self._listen(settings)
        except BaseException:
            await self._runner.cleanup()
            raise

    async def _listen(self, settings: Settings) -> str:
        context = self._certificate.server_context() if self._certificate else None
        await web.TCPSite(self._runner, settings.host, settings.port, ssl_context=context).start()
        port = self._runner.addresses[0][1]
        # Clients cannot connect to the wildcard address.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.url = f"{'https' if context else 'http'}://{address}{settings.prefix}"
        public = settings.public_url.rstrip("/")
        trusted = self._certificate.client_context() if self._certificate else None
        await self._service.start(f"{public}{settings.prefix}" if public else self.url, trusted)
        return self.url

    async def stop(self) -> None:
        """Close the socket and stop the background work."""
        await self._runner.cleanup()
        await self._service.stop()
        if self._own_directory is not None:
            self._own_directory.cleanup()
