"""Opens the socket of a ZeroMQ endpoint, with a context of its own that ends with it."""

from __future__ import annotations

import concurrent.futures
import errno
import logging
import os
import socket
import stat
from pathlib import Path

import zmq
from zmq.auth.thread import ThreadAuthenticator

from emotiond.exceptions import ServeError
from emotiond.streamer.background import run_in_background
from emotiond.streamer.outputs.zeromq_guard import Guard
from emotiond.streamer.outputs.zeromq_keys import Keys
from emotiond.streamer.private_files import check_links
from emotiond.streamer.server.occupancy import Occupancy
from emotiond.streamer.sparing_log import SparingLog

_quiet_log = logging.getLogger("emotiond.zeromq")  # for mistakes of subscribers

HIGH_WATER_MARK = 1000
"""Messages per subscriber; at 4 a second, four minutes."""
LARGEST_TOPIC_BYTES = 1024
HANDSHAKE_MS = 5_000
_MOST_WAITING = 20  # frames of a subscriber
_RECEIVE_BYTES = 4 * 1024  # of a connection that the system keeps; libzmq reads them to the end
_FILE = "ipc://"
_WITHOUT_FILE = ("ipc://@", "ipc://*")  # abstract, and a temporary one
_HEARTBEAT_MS = 20_000
_VANISHED_MS = 60_000


class BoundSocket:
    """An XPUB socket that is bound to an endpoint. Subscriptions hold when they are confirmed.

    Args:
        endpoint: such as ``tcp://127.0.0.1:8766``. A socket of ``ipc://`` is for this user alone.
        flag: the one that chose the endpoint.
        keys: those of the daemon and its subscribers; None for no encryption.
        occupancy: counts the connections over TCP, and decides which may come.
        log: gets a line when a subscriber is disconnected.

    Raises:
        ServeError: the endpoint is malformed or in use, or names a file that is no socket, or one
            in a folder where other users could replace it.
    """

    def __init__(
        self, endpoint: str, flag: str, keys: Keys | None, occupancy: Occupancy, log: SparingLog
    ) -> None:
        _check_file(endpoint, flag)
        self._context = zmq.Context()
        self._authenticator: ThreadAuthenticator | None = None
        self.socket = self._context.socket(zmq.XPUB)
        """The socket itself. It belongs to the thread that opened it."""
        self.socket.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
        self.socket.setsockopt(zmq.RCVHWM, _MOST_WAITING)
        self.socket.setsockopt(zmq.RCVBUF, _RECEIVE_BYTES)
        self.socket.setsockopt(zmq.XPUB_MANUAL, 1)  # report and wait: see Subscriptions
        self.socket.setsockopt(zmq.XPUB_NODROP, 1)  # report a full queue
        self.socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_TOPIC_BYTES)  # only topics come in
        self.socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)  # finds vanished subscribers
        # And lets subscribers notice that the daemon has vanished, as after a suspend.
        self.socket.setsockopt(zmq.HEARTBEAT_TTL, _VANISHED_MS)
        if "[" in endpoint:  # tcp://[::] then takes subscribers over IPv4, too
            self.socket.setsockopt(zmq.IPV6, 1)
        if keys is not None:
            self._authenticate(keys)
        before = os.umask(0o077)
        try:
            self.socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._end_authenticator()
            self._context.destroy(linger=0)
            raise ServeError(
                f"cannot open {endpoint} for ZeroMQ ({_reason(error)})",
                f"Choose another one with {flag} tcp://127.0.0.1:PORT, or none with {flag} off",
            ) from None
        finally:
            os.umask(before)
        self.endpoint = str(self.socket.getsockopt_string(zmq.LAST_ENDPOINT))
        """As it is bound, with the real port for a wildcard."""
        self._file = _file_of(endpoint)
        self._identity = None if self._file is None else os.lstat(self._file)
        self._guard = Guard(self.socket, self.endpoint, occupancy, log)

    @property
    def has_its_file(self) -> bool:
        """Whether subscribers still find this socket, and no other one, at its path."""
        if self._file is None or self._identity is None:
            return True
        try:
            return os.path.samestat(os.lstat(self._file), self._identity)
        except OSError:
            return False

    def close(self, linger_seconds: float) -> concurrent.futures.Future[None]:
        """Close. The future has a result once the endpoint and all memory are free."""
        self._guard.close()
        self.socket.close(round(1000 * linger_seconds))
        self._end_authenticator()
        return run_in_background(self._context.term)

    def _authenticate(self, keys: Keys) -> None:
        self.socket.curve_secretkey = keys.secret
        self.socket.curve_server = True
        self._authenticator = ThreadAuthenticator(self._context, log=_quiet_log)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(domain="*", credentials_provider=keys)

    def _end_authenticator(self) -> None:
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None


def _check_file(endpoint: str, flag: str) -> None:
    """Refuse what libzmq would delete to bind there: any file, or the socket of another program."""
    path = _file_of(endpoint)
    problem = None if path is None else _problem_of_folder(path) or _problem_of_file(path)
    if problem is not None:
        raise ServeError(
            f"cannot open {endpoint} for ZeroMQ ({problem})",
            f"Choose another path with {flag} ipc://PATH, or none with {flag} off",
        )


def _file_of(endpoint: str) -> str | None:
    """Return the path of the socket; None if it has none."""
    if not endpoint.startswith(_FILE) or endpoint.startswith(_WITHOUT_FILE):
        return None
    return endpoint.removeprefix(_FILE)


def _problem_of_folder(path: str) -> str | None:
    """Return why other users could put their socket in the place of this one; None if not."""
    if os.name != "posix":
        return None
    folder = Path(path).absolute().parent
    try:
        check_links(folder)
        about = folder.stat()
    except PermissionError:
        return "a link on the way there is another user's"
    except (OSError, ValueError):  # binding says why there cannot be one
        return None
    if about.st_uid not in (os.geteuid(), 0):
        return "its folder belongs to another user"
    if about.st_mode & stat.S_IWOTH and not about.st_mode & stat.S_ISVTX:
        return "every user can replace files in its folder"
    return None


def _problem_of_file(path: str) -> str | None:
    """Return what is there that must not be deleted; None for nothing."""
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):  # there is none, or binding says why there cannot be one
        return None
    if not stat.S_ISSOCK(mode):
        return "there is a file of that name, which is no socket"
    return os.strerror(errno.EADDRINUSE) if _is_answered(path) else None


def _is_answered(path: str) -> bool:
    """Return whether a program listens at a socket. One that has ended leaves it behind."""
    with socket.socket(socket.AF_UNIX) as trial:
        trial.setblocking(False)
        try:
            trial.connect(path)
        except BlockingIOError:  # it has no room for more just now
            return True
        except OSError:
            return False
    return True


def _reason(error: zmq.ZMQError) -> str:
    if error.errno in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return "this machine has no such address or interface"
    return os.strerror(error.errno) if error.errno else str(error)
