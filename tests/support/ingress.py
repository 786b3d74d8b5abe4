"""Home Assistant's ingress, played by a real nginx: a page with a frame, and two proxies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.free_port import free_port
from tests.support.nginx import running_nginx
from tests.support.programs import skip_without

_SERVERS = """
server {{
    listen 127.0.0.1:{port};
    location = / {{
        default_type text/html;
        return 200 '<iframe src="/api/hassio_ingress/kLmJ-4_x/"></iframe>';
    }}
    location /api/hassio_ingress/kLmJ-4_x/ {{
        proxy_pass http://127.0.0.1:{inner}/ingress/kLmJ-4_x/;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header X-Ingress-Path /api/hassio_ingress/kLmJ-4_x;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
server {{
    listen 127.0.0.1:{inner};
    location /ingress/kLmJ-4_x/ {{
        proxy_pass http://127.0.0.1:{daemon}/;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header X-Forwarded-For "$http_x_forwarded_for, $remote_addr";
        proxy_set_header X-Remote-User-Id 0123456789abcdef;
        proxy_set_header X-Remote-User-Name ann;
        proxy_set_header X-Remote-User-Display-Name Ann;
    }}
}}
"""
"""The two proxies of Home Assistant's ingress, with the headers that each of them sets."""


@contextlib.contextmanager
def ingress(daemon: int, port: int, folder: Path) -> Iterator[str]:
    """Run both proxies; yields the address of the daemon's page behind them.

    Args:
        daemon: the daemon's port.
        port: that of Home Assistant, whose page ``/`` shows the daemon's in a frame.
        folder: an empty one, for their files.
    """
    skip_without("nginx")
    text = _SERVERS.format(port=port, inner=free_port(), daemon=daemon)
    with running_nginx(folder, text, port):
        yield f"http://127.0.0.1:{port}/api/hassio_ingress/kLmJ-4_x/"
