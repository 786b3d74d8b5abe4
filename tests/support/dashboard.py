"""A web server of another origin that shows a page in a frame, as a dashboard does."""

from __future__ import annotations

import contextlib
import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Dashboard:
    """Serves one page."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.port: int = server.server_address[1]
        self.page = ""
        """The page's HTML, set before it is opened."""

    def origin(self, host: str = "elsewhere.test") -> str:
        """Return its origin under a name of this machine."""
        return f"http://{host}:{self.port}"

    def frame(self, url: str) -> None:
        """Show a page in a frame from now on."""
        self.page = f'<iframe src="{html.escape(url)}" width="1200" height="800"></iframe>'


@contextlib.contextmanager
def dashboard() -> Iterator[Dashboard]:
    """Run a dashboard on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = f"<!doctype html><title>Dashboard</title>{served.page}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Dashboard(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()
