"""
Connections to exactly the address that was checked, which record whether a request was sent over them.

``requests-hardened``, the maintained library for this, is not used: it resolves names behind a proxy too, takes only
the first address of a host, and has no deadline.
"""

from __future__ import annotations

import functools
import http.client
import socket
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from airflow_provider_kling.api.http_exchange import current_exchange
from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.products.addresses import is_public
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    import urllib3

    from airflow_provider_kling.api.http_exchange import HttpExchange

#: Seconds to establish a connection; a host that does not respond by then is down.
CONNECT_TIMEOUT = 5.0

#: Interim responses (HTTP 1xx) that are passed over before a response; servers send one or two.
MAX_INTERIM = 50


class _Response(http.client.HTTPResponse):
    """
    The response behind the interim ones, such as 103 Early Hints.

    Python passes over 100 only: another would be taken for a response without a body, and the real one would be read as
    that to the next request on the same connection.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {MAX_INTERIM} interim responses")


class _TrackedConnection:
    """A connection that passes its socket to the exchange, and reports when it sends a byte of the request."""

    sock: Any
    response_class = _Response
    _connecting = False

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        if exchange := current_exchange():
            exchange.watch(sock)
        return sock

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        # Bytes that are sent while connecting go to the proxy and are not part of the request.
        if (exchange := current_exchange()) and not self._connecting:
            if not exchange.sent:
                exchange.watch(self.sock)
            exchange.sent = True
            # urllib3 keeps the timeout of connecting on the socket: sending 10 MB would have to end in five seconds.
            self.sock.settimeout(max(exchange.seconds_left(), 0.001))
        super().send(data)  # type: ignore[misc]


class _CheckedConnection(_TrackedConnection):
    """A connection that resolves the name once, checks the address, and connects to that address."""

    _dns_host: str
    host: str
    port: int
    proxy: Any
    timeout: float | None
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        exchange = current_exchange()
        if exchange is None:
            return super()._new_conn()
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NewConnectionError(self, f"Failed to resolve {self.host!r}") from error  # type: ignore[arg-type]
        if exchange.public_only and self.proxy is None:
            refuse_private([str(entry[4][0]) for entry in found], self.host)
        sock = self._open(found, exchange)
        exchange.watch(sock)
        return sock

    def _open(self, found: list[Any], exchange: HttpExchange) -> socket.socket:
        problem: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in found:
            if (seconds := min(self.timeout or CONNECT_TIMEOUT, exchange.seconds_left())) <= 0:
                problem = TimeoutError("timed out")
                break
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(seconds)
                sock.connect(address)
            except OSError as error:
                sock.close()
                problem = error
            else:
                return sock
        failure = ConnectTimeoutError if isinstance(problem, TimeoutError) else NewConnectionError
        raise failure(self, f"Failed to connect to {self.host}") from problem  # type: ignore[arg-type]


def refuse_private(addresses: list[str], host: str) -> None:
    """
    Refuse the host of a result when an address is private: whoever made the link could read this network through it.

    :raises KlingResultError: when one of its addresses is not public.
    """
    for address in addresses:
        if not is_public(address):
            raise KlingResultError(
                f"Set allow_private_urls in the connection's extra if you trust {clean_text(host, 100)}.\n"
                f"The result's link leads to {address}, which is not a public address. Only the simulator, and a relay "
                "inside your network, have such links."
            )


class Adapter(HTTPAdapter):
    """requests' own adapter, whose connections are tracked and checked."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        _set_connection_class(self.poolmanager, _CheckedConnection)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pools of connections through a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        if not known:
            # A SOCKS connection is opened by the library that speaks it.
            _set_connection_class(
                manager, _TrackedConnection if proxy.lower().startswith("socks") else _CheckedConnection
            )
        return manager


def _set_connection_class(manager: Any, mixin: type) -> None:
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _pool_class(pool, mixin) for scheme, pool in pools.items()}


@functools.cache
def _pool_class(pool: type[urllib3.HTTPConnectionPool], mixin: type) -> type:
    connection = type(pool.ConnectionCls.__name__, (mixin, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
