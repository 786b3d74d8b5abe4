"""A real PostgreSQL on loopback, which can be ended and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.free_port import free_port

PASSWORD = "of-the-archive"  # noqa: S105
_PATIENCE_SECONDS = 60.0
_NOBODY = 65_534


def _program(name: str) -> str | None:
    """Return the path of a program that lies in a folder of PostgreSQL's version."""
    root = os.environ.get("PEERS_ROOT")
    found = sorted(Path(root).glob(f"usr/lib/postgresql/*/bin/{name}")) if root else []
    return str(found[-1]) if found else None


def is_missing_postgresql() -> bool:
    """Whether ``tools/with-peers`` has not brought it."""
    return _program("postgres") is None


class PostgreSQL:
    """A server with one user, ``emotiond``, who has a password.

    Args:
        folder: empty; gets the data and the file with the password.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.passfile = folder / "passfile"
        self.passfile.write_text(f"*:*:*:emotiond:{PASSWORD}\n")
        self.passfile.chmod(0o600)
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        # It refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": _NOBODY, "group": _NOBODY}
            for path in (folder, secret):
                shutil.chown(path, _NOBODY, _NOBODY)
        program = _program("initdb")
        assert program is not None
        subprocess.run(
            [
                *(program, "--pgdata", str(self._data), "--username", "emotiond", "--no-sync"),
                *("--auth", "scram-sha-256", "--pwfile", str(secret), "--encoding", "UTF8"),
            ],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as,
        )

    @property
    def url(self) -> str:
        """The address, with the file that holds the password."""
        return f"postgresql://emotiond@127.0.0.1:{self.port}/postgres?passfile={self.passfile}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = _program("postgres")
        assert program is not None
        self._process = subprocess.Popen(
            [
                *(program, "-D", str(self._data), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "fsync=off", "-c", "shared_buffers=16MB"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._as,
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            with contextlib.suppress(Exception):
                self.execute("SELECT 1")
                return
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it without warning, with all of its processes."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # its way to end at once
            self._process.wait()
            self._process = None

    def execute(
        self, query: str, *values: object, in_transaction: bool = True
    ) -> list[tuple[Any, ...]]:
        """Run a query as the same user, in a connection of its own."""
        import psycopg

        with psycopg.connect(
            self.url, connect_timeout=2, autocommit=not in_transaction
        ) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """Run it with its data in a folder that another user than root can reach."""
    with tempfile.TemporaryDirectory() as folder:
        server = PostgreSQL(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
