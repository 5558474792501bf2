"""Who may ask the sandbox: whoever reaches it by a name of this machine, and no page of another site.

It has no password, and its ledger has names and numbers. A browser on this machine shows pages of the whole
internet: such a page could post to the sandbox, or have its own name lead to 127.0.0.1 and then read it.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# "sandbox" is the container of docker-compose.yml.
HOSTS = (
    *("localhost", "*.localhost", "127.0.0.1", "[::1]", "sandbox", "host.docker.internal"),
    # what /etc/hosts of usual systems calls this machine besides
    *("localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"),
)
OTHER_SITES = ("cross-site", "same-site")  # what a browser says of a request that another site made
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class RefuseOtherSites:
    """Requests that change something are refused when a page of another origin made them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            origin, host = headers.get("origin"), headers.get("host", "")
            is_foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
            if is_foreign or headers.get("sec-fetch-site") in OTHER_SITES:
                await PlainTextResponse("A page of another site asked.", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)
