"""The server process: the application, and uvicorn with two additions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from reminders.sandbox.api import API_ROUTES
from reminders.sandbox.callers import HOSTS, RefuseOtherSites
from reminders.sandbox.control import CONTROL_ROUTES
from reminders.sandbox.page import PAGE_ROUTES
from reminders.sandbox.responses import make_error
from reminders.sandbox.sandbox import Sandbox, Settings

STOP_WITHIN_SECONDS = 2


class AbortableProtocol(H11Protocol):
    """Gives the application access to the connection's transport, so that it can abort the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    """Closes the event streams of open pages when it stops; uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, sandbox: Sandbox) -> None:
        super().__init__(config)
        self.sandbox = sandbox
        self.loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self.loop = asyncio.get_running_loop()
        await super().main_loop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.sandbox.stream.close)


def make_application(sandbox: Sandbox) -> Starlette:
    """The ASGI application of this sandbox."""

    @contextlib.asynccontextmanager
    async def live(_: Starlette) -> AsyncIterator[None]:
        yield
        await sandbox.close()

    application = Starlette(
        routes=[*API_ROUTES, *CONTROL_ROUTES, *PAGE_ROUTES],
        lifespan=live,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS), Middleware(RefuseOtherSites)],
        exception_handlers={HTTPException: answer_http_error},
    )
    application.state.sandbox = sandbox
    return application


async def answer_http_error(_: Request, error: Exception) -> Response:
    """Unknown path or method: an error in the API's format."""
    if not isinstance(error, HTTPException):
        raise error
    answer = make_error(
        error.status_code, "not_found" if error.status_code == 404 else "refused", error.detail
    )
    answer.headers.update(error.headers or {})
    return answer


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises ValueError for invalid behaviour or faults."""
    sandbox = Sandbox(settings)
    config = uvicorn.Config(
        make_application(sandbox),
        host=settings.host,
        port=settings.port,
        http=AbortableProtocol,
        log_level="warning",
        access_log=False,  # its lines would contain phone numbers
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
        backlog=2048,
    )
    Server(config, sandbox).run()
