"""A real nginx in front of a daemon, as a reverse proxy under a path."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.free_port import free_port
from tests.support.programs import is_missing

needs_nginx = pytest.mark.skipif(is_missing("nginx"), reason="needs nginx: make test-peers")

FORWARDED: Mapping[str, str] = MappingProxyType(
    {"Host": "$http_host", "Upgrade": "$http_upgrade", "Connection": "upgrade"}
)
"""The headers that docs/security.md tells a proxy to pass on."""

_CONFIGURATION = """
daemon off;
{user}
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {servers}
}}
"""
_SERVER = """
server {{
    listen 127.0.0.1:{port}{tls};
    proxy_http_version 1.1;
    {headers}
    {locations}
}}
"""


@contextlib.contextmanager
def nginx(
    folder: Path,
    upstream: str,
    paths: Sequence[str] = ("/emotion/",),
    pem: Path | None = None,
    headers: Mapping[str, str] = FORWARDED,
) -> Iterator[str]:
    """Run nginx; yields its URL, without a path.

    Args:
        folder: an empty one, for its files.
        upstream: the URL of the daemon's page.
        paths: the paths at which it shows that page.
        pem: folder with ``cert.pem`` and ``key.pem``, for TLS.
        headers: what it sends to the daemon.
    """
    port = free_port()
    certificate = ""
    if pem is not None:
        certificate = f" ssl; ssl_certificate {pem}/cert.pem; ssl_certificate_key {pem}/key.pem"
    server = _SERVER.format(
        port=port,
        tls=certificate,
        locations="\n".join(f'location "{path}" {{ proxy_pass {upstream}; }}' for path in paths),
        headers="\n".join(f"proxy_set_header {name} {value};" for name, value in headers.items()),
    )
    with running_nginx(folder, server, port):
        yield f"http{'' if pem is None else 's'}://127.0.0.1:{port}"


@contextlib.contextmanager
def running_nginx(folder: Path, servers: str, port: int) -> Iterator[None]:
    """Run nginx with blocks ``server``.

    Args:
        folder: an empty one, for its files.
        servers: the blocks.
        port: one that they listen on.
    """
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, servers=servers))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "error.log"]
    with subprocess.Popen(command) as process:
        try:
            wait_for_port(port, process)
            yield
        finally:
            process.terminate()


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a proxy listens."""
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)  # it has no event for this
    raise AssertionError(f"{process.args!r} does not listen on port {port}")
