"""The web page of phones."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from reminders.sandbox.sandbox import find_sandbox

HERE = Path(__file__).parent
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
KEYPAD = "123456789*0#"
# The faults that the page can switch on, with their labels.
REQUEST_FAULTS = {
    "rate_limit": "429 too many requests",
    "error_500_before": "500, not accepted",
    "error_500_after": "500, but accepted",
    "error_503": "503, not accepted",
    "error_502": "502, but accepted",
    "drop_before": "Connection drops before accepting",
    "drop_after": "Connection drops after accepting",
    "slow_headers": "Response 30 s late",
    "truncated": "Response cut in half",
    "no_id": "Response without an id",
    "html": "A web page as response",
}
EVENT_FAULTS = {
    "doubled": "Every event twice",
    "shuffled": "Events out of order",
    "late": "Events 5 s late",
    "lost": "Events lost",
    "before_answer": "Events before the response",
    "damaged": "Events in damaged bodies",
    "machine": "Voicemails as answers of a machine",
    "national": "Numbers written nationally",
    "repeated": "Events again after a minute",
}


# The page needs its own scripts, styles and requests only, and nothing of the browser's devices.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


async def show_phones(request: Request) -> Response:
    page = TEMPLATES.get_template("phones.html")
    settings = find_sandbox(request).settings
    shown = page.render(
        keypad=KEYPAD,
        request_faults=REQUEST_FAULTS,
        event_faults=EVENT_FAULTS,
        zone=settings.zone,
        region=settings.region,
    )
    return HTMLResponse(shown, headers=PAGE_HEADERS)


async def stream_events(request: Request) -> Response:
    """Server-sent events: ``call``, ``sms``, ``post``, ``faults``, ``behaviour``, ``resync``."""
    return StreamingResponse(
        find_sandbox(request).stream.listen(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


PAGE_ROUTES = [
    Route("/", show_phones),
    Route("/sandbox/stream", stream_events),
    Mount("/static", StaticFiles(directory=HERE / "static")),
]
