"""The pages' web application: plain files, and the routes that answer what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from airflow_provider_kling.plugins import run_routes, task_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

STATIC = Path(__file__).parent / "static"

#: A prompt or a message is foreign text: even if it became markup by mistake, nothing of it would run. Results at Kling
#: and pictures that a task names by link come from other hosts.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' http: https:",
        "media-src 'self' http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)

#: Sent with every response.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: Page to file.
PAGES = {"task": "task.html", "gallery": "gallery.html"}


class SafeHeaders:
    """
    Send :data:`HEADERS` with every response, also with an error.

    :param app: what answers.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Serve one request, as ASGI asks for it."""

        async def send_safe(message: Any) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *ours]}
            await send(message)

        await self._app(scope, receive, send_safe)


def create_app() -> SafeHeaders:
    """Return the application that Airflow mounts."""
    app = FastAPI(title="Kling in Airflow", docs_url=None, redoc_url=None, openapi_url=None)
    for page, file in PAGES.items():
        app.add_api_route(f"/{page}", _page(file), response_class=FileResponse)
    app.include_router(task_routes.router, prefix="/api")
    app.include_router(run_routes.router, prefix="/api")
    app.mount("/static", StaticFiles(directory=STATIC))
    return SafeHeaders(app)


def _page(file: str) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        # A page has nothing secret in it: what it shows, it asks for.
        return FileResponse(STATIC / file, media_type="text/html", headers={"Cache-Control": "no-cache"})

    return page
