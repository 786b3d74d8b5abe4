"""Posts one event to a web address, within limits of time and size.

The client is that of Python's standard library. It follows no redirect, asks no proxy, and checks
certificates; one short request at a time needs nothing more, and no package for it.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult

from emotiond import __version__
from emotiond.exceptions import ServeError
from emotiond.streamer.bounded_answer import BoundedAnswer
from emotiond.streamer.connecting import first_connected
from emotiond.streamer.outputs.courier import Outcome

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

LIMIT_SECONDS = 10.0
"""For a whole request and its answer."""
_STEP_SECONDS = 5.0  # for an address to accept, and for each piece of the answer
_MOST_BYTES = 16 * 1024  # of the answer's body, which is read for the sake of a clean end
_AGAIN = (408, 425, 429)  # and all from 500 on: another try may succeed
_NUMBER = re.compile(r"[0-9]{1,9}")


class _Answer(BoundedAnswer):
    most_body_bytes = _MOST_BYTES


class WebClient:
    """Posts events, each over a connection of its own.

    Args:
        parts: the address.
        secret: goes along as ``Authorization: Bearer``; None for none.

    Raises:
        ServeError: the authorities that sign certificates cannot be read.
    """

    def __init__(self, parts: SplitResult, secret: str | None) -> None:
        self._host = parts.hostname or ""
        self._tls = _make_tls() if parts.scheme == "https" else None
        self._port = parts.port or (80 if self._tls is None else 443)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"emotiond/{__version__}",
            "Connection": "close",
        }
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False  # since the time of the request was over, or the daemon ends
        self._ends = False

    def deliver(self, message: Message) -> Outcome:
        """Post an event, and wait for the answer."""
        with self._lock:
            self._is_cut = self._ends
        alarm = threading.Timer(LIMIT_SECONDS, self._cut)
        alarm.daemon = True
        alarm.start()
        try:
            return self._post(message.content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Outcome(self._reason(error), again=True)
        finally:
            alarm.cancel()
            alarm.join()  # else a late one would cut the next request
            with self._lock:
                self._socket = None

    def end(self, _seconds: float) -> None:
        """Break off the request that runs, and make no other one."""
        with self._lock:
            self._ends = True
        self._cut()

    def _post(self, body: bytes) -> Outcome:
        with contextlib.closing(self._connection()) as connection:
            connection.response_class = _Answer
            connection.sock = self._connected()
            if self._tls is not None:
                encrypted = self._tls.wrap_socket(
                    connection.sock, server_hostname=self._host, do_handshake_on_connect=False
                )
                connection.sock = self._hold(encrypted)
                encrypted.do_handshake()
            connection.request("POST", self._target, body, self._headers)
            answer = connection.getresponse()
            if self._is_cut:  # http.client takes the end of the connection for that of the headers
                raise TimeoutError
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer.read(_MOST_BYTES)
            return _outcome(answer.status, answer.getheader("Retry-After", ""))

    def _connection(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet."""
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port)
        return http.client.HTTPSConnection(self._host, self._port, context=self._tls)

    def _connected(self) -> socket.socket:
        """Connect to the first address of the host that accepts."""
        places = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        return first_connected(places, self._connect)

    def _connect(self, link: socket.socket, address: Any) -> None:
        self._hold(link).settimeout(_STEP_SECONDS)
        link.connect(address)

    def _hold(self, link: socket.socket) -> socket.socket:
        """Note a socket, so that it can be cut off from another thread."""
        with self._lock:
            self._socket = link
            if self._is_cut:
                link.close()
                raise TimeoutError
        return link

    def _cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # the other side has gone
                    # That of ssl would let the other thread go on without encryption.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _reason(self, error: Exception) -> str:
        """Return why there is no answer, in words of this machine, none of the other side's."""
        if self._is_cut or isinstance(error, TimeoutError):
            return "no answer in time"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({error.verify_message})"
        if isinstance(error, ssl.SSLError):
            return f"no encryption comes about ({error.reason or 'TLS'})"
        if isinstance(error, http.client.RemoteDisconnected):
            return "it hangs up without an answer"
        if isinstance(error, OSError):
            return (error.strerror or type(error).__name__).lower()
        return "the answer is no HTTP"


def _make_tls() -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
    except (OSError, ValueError) as error:
        raise ServeError(
            f"the certificates of the authorities cannot be read ({error})", "Check SSL_CERT_FILE"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _outcome(status: int, retry_after: str) -> Outcome:
    if 200 <= status < 300:
        return Outcome()
    if 300 <= status < 400:
        return Outcome(f"HTTP status {status}: redirects are not followed")
    again = status in _AGAIN or status >= 500
    return Outcome(f"HTTP status {status}", again, pause_seconds(retry_after) if again else 0.0)


def pause_seconds(retry_after: str) -> float:
    """Return the pause that a ``Retry-After`` asks for; 0 if it says nothing of use."""
    if _NUMBER.fullmatch(retry_after):
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return max(0.0, then - time.time())
