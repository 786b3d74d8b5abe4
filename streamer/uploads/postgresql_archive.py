"""Stores the results of uploaded files in PostgreSQL, for several daemons and people.

Through psycopg 3, the driver that is kept up for Python. Its wheels hold libpq, those for 64-bit
Raspberry Pi OS too. SQLAlchemy would add a layer for one table of results and one of events.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import ConfigError, HistoryError, install
from emotiond.streamer.reach import is_loopback
from emotiond.streamer.uploads.archive import (
    MOST_CHARACTERS,
    MOST_FILES,
    PART_EVENTS,
    EventLog,
    stored_count,
    stored_events,
    stored_result,
)

if TYPE_CHECKING:
    import psycopg

SCHEMES = ("postgresql://", "postgres://")

_VERSION = 1
_CONNECT_SECONDS = 2  # the least that libpq allows
_STATEMENT_MS = 2000
_CALL_SECONDS = 4.0  # for a server that is frozen, or a network that swallows what is sent
_LOCK = 0x656D6F74  # one daemon at a time makes the tables
_SCHEMA = """
CREATE TABLE IF NOT EXISTS emotiond_version (version integer NOT NULL);
CREATE TABLE IF NOT EXISTS emotiond_files (
    id bigserial PRIMARY KEY, added timestamptz NOT NULL DEFAULT now(),
    result json NOT NULL, events integer NOT NULL
);
CREATE TABLE IF NOT EXISTS emotiond_parts (
    file bigint REFERENCES emotiond_files ON DELETE CASCADE, first integer, events bytea NOT NULL,
    PRIMARY KEY (file, first)
);
"""
# What is longer than the daemon writes is not read: anyone with the password may have written it.
_NEWEST = """
SELECT id, CASE WHEN length(result::text) <= %s THEN result::text END,
    octet_length(result::text) + (
        SELECT coalesce(sum(octet_length(events)), 0) FROM emotiond_parts WHERE file = id
    )
FROM emotiond_files ORDER BY id DESC LIMIT %s
"""
_ONE = """
SELECT CASE WHEN length(result::text) <= %s THEN result::text END, events
FROM emotiond_files WHERE id = %s
"""
_PART = """
SELECT CASE WHEN octet_length(events) <= %s THEN events END
FROM emotiond_parts WHERE file = %s AND first = %s
"""
_FIRST_VERSION = "INSERT INTO emotiond_version SELECT %s WHERE NOT EXISTS (TABLE emotiond_version)"


class PostgresqlArchive:
    """Fulfils :class:`Archive`. Each call has a connection of its own: the server may restart.

    It keeps all results; a list names the newest ``MOST_FILES``.

    Args:
        url: the database, ``postgresql://[USER@][HOST][:PORT]/DATABASE[?…]``. The password comes
            from libpq's password file.

    Raises:
        ConfigError: the package is missing, the address is none, it holds a password, or what it
            names would be reached unencrypted.
    """

    def __init__(self, url: str) -> None:
        if importlib.util.find_spec("psycopg") is None:
            wanted = "a history in PostgreSQL needs the package psycopg"
            raise ConfigError(wanted, install("psycopg[binary]>=3.2"))
        self._parameters = _parameters(url)
        names = (self._parameters.get(key, "") for key in ("host", "port", "dbname"))
        host, port, database = names
        self._place = f"{host or 'this machine'}{port and ':'}{port}/{database}"

    def check(self) -> None:
        """Find out whether the database can be used, without making tables.

        Raises:
            HistoryError: it cannot.
        """
        with self._opened(makes=False) as connection:
            if connection is not None:
                connection.execute("SELECT id, result, events FROM emotiond_files LIMIT 1")
                connection.execute("SELECT file, first, events FROM emotiond_parts LIMIT 1")

    def add(self, result: Mapping[str, Any], log: EventLog) -> int:
        """Add a result. Returns its number.

        Raises:
            HistoryError: the result cannot be stored.
        """
        with self._used() as connection:
            text = json.dumps(result, allow_nan=False)
            query = "INSERT INTO emotiond_files (result, events) VALUES (%s, %s) RETURNING id"
            row = connection.execute(query, (text, log.count)).fetchone()
            assert row is not None
            number = int(row[0])
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO emotiond_parts VALUES (%s, %s, %s)",
                    [(number, i * PART_EVENTS, part) for i, part in enumerate(log.parts())],
                )
        return number

    def results(self) -> Sequence[Mapping[str, Any]]:
        """Return the newest results, each with its ``id`` and ``bytes``, the newest first.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._used() as connection:
            rows = connection.execute(_NEWEST, (MOST_CHARACTERS, MOST_FILES)).fetchall()
            return [
                {**stored_result(number, text), "bytes": int(size)} for number, text, size in rows
            ]

    def result(self, number: int) -> tuple[Mapping[str, Any], int] | None:
        """Return one result with its ``id``, and its number of events; None if there is none.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._used() as connection:
            row = connection.execute(_ONE, (MOST_CHARACTERS, number)).fetchone()
            return None if row is None else (stored_result(number, row[0]), stored_count(row[1]))

    def part(self, number: int, first: int) -> Sequence[Mapping[str, Any]]:
        """Return the part of a file's events that begins with this one; empty if there is none.

        Raises:
            HistoryError: the archive cannot be read.
        """
        with self._used() as connection:
            row = connection.execute(_PART, (MOST_CHARACTERS, number, first)).fetchone()
            return [] if row is None else stored_events(row[0])

    def forget(self, numbers: Collection[int]) -> bool:
        """Delete results and their events. The server's files lose them when it cleans up.

        Returns:
            Whether there was any of them.

        Raises:
            HistoryError: the archive cannot be written.
        """
        with self._used() as connection:
            query = "DELETE FROM emotiond_files WHERE id = ANY(%s)"
            return connection.execute(query, ([*numbers],)).rowcount > 0

    @contextlib.contextmanager
    def _used(self) -> Iterator[psycopg.Connection]:
        """Open the database for one transaction. The first use makes the tables."""
        with self._opened(makes=True) as connection:
            assert connection is not None
            yield connection

    @contextlib.contextmanager
    def _opened(self, makes: bool) -> Iterator[psycopg.Connection | None]:
        """Open the database for one transaction; None where there are no tables yet."""
        import psycopg

        try:
            with psycopg.connect(**self._parameters) as connection, _limited(connection):
                if not _has_tables(connection):
                    if not makes:
                        yield None
                        return
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    connection.execute(_SCHEMA)  # another daemon may have made them just now
                    connection.execute(_FIRST_VERSION, (_VERSION,))
                yield connection
                connection.commit()
        except (psycopg.Error, ValueError, zlib.error) as error:
            raise HistoryError(
                f"the history in PostgreSQL at {self._place} cannot be used ({_reason(error)})",
                "Check the server and the address, or name another history with --history",
            ) from None


@contextlib.contextmanager
def _limited(connection: psycopg.Connection) -> Iterator[None]:
    """Cut the connection if all that is done with it takes too long: libpq waits for ever."""
    cut = threading.Event()

    def shut_down() -> None:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as shared:
            cut.set()
            shared.shutdown(socket.SHUT_RDWR)

    number = connection.fileno()
    timer = threading.Timer(_CALL_SECONDS, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if cut.is_set():
            raise ValueError(f"it did not answer within {_CALL_SECONDS:g} s") from None
        raise
    finally:
        timer.cancel()
        timer.join()  # its descriptor is this connection's no longer than to here


def _has_tables(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('emotiond_version')::text").fetchone()
    if row is None or row[0] is None:
        return False
    found = connection.execute("SELECT version FROM emotiond_version").fetchall()
    if found != [(_VERSION,)]:
        versions = ", ".join(str(version) for (version,) in found) or "none"
        raise ValueError(f"it is of version {versions}, not {_VERSION}")
    return True


def _parameters(url: str) -> dict[str, Any]:
    """Return what psycopg connects by: what the address names, encrypted beyond this machine."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        named = conninfo_to_dict(url)
    except psycopg.Error as error:
        problem = f"history cannot be {url.partition('?')[0]!r} ({_reason(error)})"
        remedy = "Use --history 'postgresql://[USER@]HOST[:PORT]/DATABASE'"
        raise ConfigError(problem, remedy) from None
    if "password" in named:
        raise ConfigError(
            "history cannot hold a password, which every user of this machine would see",
            "Write it into ~/.pgpass, or name another file by ?passfile=FILE in the address",
        )
    if "service" in named or "PGSERVICE" in os.environ:
        raise ConfigError(
            "history cannot be a service of libpq, which could name any server",
            "Write host and database into the address, and unset PGSERVICE",
        )
    hosts = ",".join(
        str(named.get(key) or os.environ.get(variable, ""))
        for key, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    )
    if all(not host or host[0] in "/@" or is_loopback(host) for host in hosts.split(",")):
        protection = {}
    else:
        mode = named.get("sslmode", "verify-full")
        if mode != "verify-full":
            raise ConfigError(
                f"with sslmode={mode}, others on the way could read the history and the password",
                "Leave sslmode out: beyond this machine it is verify-full; "
                "sslrootcert=FILE names the authority",
            )
        # With a ticket of Kerberos, libpq would take its encryption and look at no certificate.
        protection = {"sslmode": mode, "gssencmode": "disable"}
    return {
        "application_name": "emotiond",
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": _STATEMENT_MS,
        **named,
        **protection,
        "options": f"{named.get('options', '')} -c statement_timeout={_STATEMENT_MS}".strip(),
    }


def _reason(error: Exception) -> str:
    """Return what a message says in its first line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".")
