"""A real Icecast on loopback, and a source client that sends it sound as fast as it is spoken."""

from __future__ import annotations

import base64
import contextlib
import getpass
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import is_missing

needs_icecast = pytest.mark.skipif(is_missing("icecast2"), reason="needs icecast2: make test-peers")

_PASSWORD = "of-the-source"  # noqa: S105
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_CONFIGURATION = """
<icecast>
    <limits><sources>4</sources><burst-on-connect>0</burst-on-connect></limits>
    <authentication>
        <source-password>{password}</source-password>
        <admin-user>admin</admin-user><admin-password>admin</admin-password>
    </authentication>
    <hostname>127.0.0.1</hostname>
    <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
    <paths>
        <logdir>{folder}</logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot>
    </paths>
    <logging><accesslog>-</accesslog><errorlog>-</errorlog></logging>
    <security><chroot>0</chroot>{owner}</security>
</icecast>
"""
_OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"


@contextlib.contextmanager
def icecast(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run Icecast at a port, which refuses to run as root."""
    owner = ""
    if getpass.getuser() == "root":
        owner = _OWNER
    settings = folder / "icecast.xml"
    settings.write_text(
        _CONFIGURATION.format(password=_PASSWORD, port=port, folder=folder, owner=owner)
    )
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["icecast2", "-c", str(settings)], **quiet) as process:
        try:
            _connected(port).close()
            yield process
        finally:
            process.kill()


def _connected(port: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1.0)
        except OSError:
            assert time.monotonic() < deadline, "icecast2 does not listen"
            time.sleep(0.05)


@contextlib.contextmanager
def source(port: int, mount: str, kind: str, *pieces: tuple[bytes, float]) -> Iterator[None]:
    """Send pieces of sound, each with its seconds, one after the other and again.

    Args:
        port: of Icecast.
        mount: the path.
        kind: the type of the content.
        pieces: contents, with their durations.
    """
    ending = threading.Event()
    client = _connected(port)
    pair = base64.b64encode(f"source:{_PASSWORD}".encode()).decode()
    head = f"PUT {mount} HTTP/1.0\r\nAuthorization: Basic {pair}\r\nContent-Type: {kind}\r\n\r\n"
    client.sendall(head.encode())
    answer = client.recv(1000)
    assert b" 200 " in answer, answer

    def send() -> None:
        with contextlib.suppress(OSError):
            while True:
                for content, seconds in pieces:
                    step = max(1, round(len(content) * _PAUSE_SECONDS / seconds))
                    for start in range(0, len(content), step):
                        client.sendall(content[start : start + step])
                        if ending.wait(_PAUSE_SECONDS):
                            return

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        ending.set()
        sending.join()
        client.close()
