"""Opens a stream of HTTP, and follows redirects where they may lead."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import time

from emotiond import __version__
from emotiond.exceptions import SourceError
from emotiond.streamer.bounded_answer import BoundedAnswer
from emotiond.streamer.sources import network_socket
from emotiond.streamer.sources.network_address import Address
from emotiond.streamer.sources.network_attempt import Attempt
from emotiond.streamer.sources.network_faults import (
    NO_ACCESS,
    NOT_FOUND,
    Fault,
    fault_of_answer,
    no_access,
)
from emotiond.streamer.sources.network_socket import encrypted, refusal, shut

MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_LOOK = "Look at the address in a browser"


class HttpConnection:
    """The sound that a server sends.

    Args:
        connected: to the server.
        response: the headers of which were read.
    """

    is_rtp = False

    def __init__(self, connected: socket.socket, response: http.client.HTTPResponse) -> None:
        self._socket = connected
        self._response = response

    def read(self, most: int) -> bytes:
        """Return what is there, up to so many bytes; nothing at the end.

        Raises:
            OSError: the connection is lost; ``TimeoutError`` if the server sends nothing.
            http.client.HTTPException: the server breaks the rules of HTTP.
        """
        return self._response.read1(most)

    def end(self) -> None:
        """End the connection: a thread that reads is woken."""
        shut(self._socket)

    def cut(self) -> None:
        """Do the same: nothing is told at the end."""
        self.end()

    def close(self) -> None:
        """Free it. No thread may read."""
        with contextlib.suppress(OSError):
            self._response.close()
        self._socket.close()


def connect(address: Address, attempt: Attempt | None = None) -> HttpConnection:
    """Request a stream.

    A redirect keeps to the scheme, and to the network of the first server: this machine, a private
    network, or the internet. Nothing can so make the daemon ask what others cannot reach.
    Credentials go to the server that they are meant for, and to no other.

    Raises:
        SourceError: there is no stream. No message quotes what the server has sent.
    """
    attempt = attempt or Attempt()
    first, network = address, None
    end_seconds = time.monotonic() + network_socket.ANSWER_SECONDS
    for _ in range(MOST_REDIRECTS + 1):
        if time.monotonic() > end_seconds:
            raise refusal(first, *_fault_of(TimeoutError(), True, first))
        connected = attempt.connected_to(address, first)
        try:
            there = _network_of(connected.getpeername()[0])
        except OSError as error:  # it is lost already
            connected.close()
            raise refusal(first, *_fault_of(error, False, address)) from None
        if network not in (None, there):
            connected.close()
            raise refusal(first, f"it redirects from {network} to {there}", _LOOK)
        network = there
        connected, response = _answer(connected, address, first, attempt)
        location = response.getheader("Location")
        if response.status not in _REDIRECTS or location is None:
            return _checked(connected, response, address, first)
        response.close()
        connected.close()
        address = _redirected(address, location, first)
    raise refusal(first, f"it redirects more than {MOST_REDIRECTS} times", _LOOK)


def _network_of(text: str) -> str:
    address = ipaddress.ip_address(text.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback or address.is_unspecified:
        return "this machine"
    return "a private network" if not address.is_global else "the internet"


def _answer(
    connected: socket.socket, address: Address, first: Address, attempt: Attempt
) -> tuple[socket.socket, http.client.HTTPResponse]:
    """Send the request, and read the headers of the answer."""
    asking: socket.socket = connected
    with attempt.deadline(connected) as is_late:
        try:
            asking = encrypted(connected, address)
            client = http.client.HTTPConnection(address.host, address.port)
            client.response_class = BoundedAnswer
            client.sock = asking
            client.request("GET", address.target, headers=_headers_for(address))
            response = client.getresponse()
            asking.settimeout(network_socket.SILENT_SECONDS)
        except (OSError, http.client.HTTPException, ValueError) as error:
            asking.close()
            connected.close()
            raise refusal(first, *_fault_of(error, is_late.is_set(), address)) from None
        except BaseException:
            asking.close()
            raise
    return asking, response


def _headers_for(address: Address) -> dict[str, str]:
    headers = {
        "Host": address.netloc,
        "User-Agent": f"emotiond/{__version__}",
        "Accept": "audio/*, application/ogg, */*;q=0.1",
        "Connection": "close",
    }
    if address.has_credentials:
        pair = f"{address.user}:{address.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


def _fault_of(error: Exception, is_late: bool, address: Address) -> Fault:
    if isinstance(error, http.client.BadStatusLine) and str(error).startswith("ICY "):
        return (
            "it answers by the old protocol of SHOUTcast, which is not HTTP",
            "Let it speak HTTP, as Icecast and SHOUTcast 2 do",
        )
    return fault_of_answer(error, is_late, "its answer is no HTTP", address)


def _checked(
    connected: socket.socket,
    response: http.client.HTTPResponse,
    address: Address,
    first: Address,
) -> HttpConnection:
    status = response.status
    problem = ""
    if status in NO_ACCESS:
        problem, remedy = no_access(address, status)
    elif status == 404:
        problem, remedy = NOT_FOUND
    elif status != 200:
        problem, remedy = f"it answers with status {status}", _LOOK
    elif response.getheader("Content-Encoding", "identity").lower() != "identity":
        problem, remedy = (
            "it compresses what is compressed already",
            "Let it send the sound as it is",
        )
    if problem:
        response.close()
        connected.close()
        raise refusal(first, problem, remedy)
    return HttpConnection(connected, response)


def _redirected(address: Address, location: str, first: Address) -> Address:
    try:
        there = address.joined(location)
    except (SourceError, ValueError):
        raise refusal(first, "it redirects to another kind of address", _LOOK) from None
    if there.scheme != address.scheme:
        raise refusal(first, f"it redirects from {address.scheme} to {there.scheme}", _LOOK)
    if there.has_credentials and there.server != address.server:
        raise refusal(first, "it redirects to an address with a password", _LOOK)
    return there
