"""The requests and answers of RTSP 1.0 (RFC 2326), and how a password is proven in them.

aiortsp, the client on PyPI that comes closest, limits neither a line nor the headers of an answer,
and asks in asyncio; what is needed of RTSP is this.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emotiond import __version__
from emotiond.streamer.reach import is_loopback
from emotiond.streamer.readers.rtp_input import FRAME, MARK, MOST_LINE_BYTES, MOST_LINES
from emotiond.streamer.sources.network_address import Address
from emotiond.streamer.sources.wakeable_reader import WakeableReader

MOST_CONTENT_BYTES = 2**16
"""Of an answer: the description of a stream is the longest."""
MOST_BEFORE = 1_000
"""What may come before an answer: requests of the server, and packets that are early."""
UNAUTHORIZED = 401
_STATUS = re.compile(rb"RTSP/1\.[0-9] ([1-5][0-9][0-9])\b")
_VALUES = re.compile(r'([A-Za-z]{1,20}) *= *(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_ESCAPED = re.compile(r"\\(.)")
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True)
class Answer:
    """What a server says."""

    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case, with their values."""
    content: bytes

    def header(self, name: str) -> str:
        """Return the first value of a header; nothing if it is not there."""
        return next((value for header, value in self.headers if header == name), "")


class Dialogue:
    """Asks a server, one request after the other.

    Args:
        connected: to the server.
        address: of the stream, with the credentials.
    """

    def __init__(self, connected: socket.socket, address: Address) -> None:
        self.session = ""
        """What the server has called the session."""
        self.is_proven = False
        """Whether the last request held a proof of the credentials."""
        self._socket = connected
        self._raw = WakeableReader(connected)
        self._reader = io.BufferedReader(self._raw)
        self._address = address
        self._challenges: Sequence[str] = ()
        self._count = 0

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request, and return its answer; with the credentials if the server wants them.

        Raises:
            OSError: the connection is lost.
            ValueError: what comes is no RTSP.
        """
        self.tell(method, url, headers)
        answer = self._answer()
        wants = [value for name, value in answer.headers if name == "www-authenticate"]
        if answer.status == UNAUTHORIZED and wants not in ([], self._challenges):
            self._challenges = wants  # for the first time, or with another nonce
            if self._proof(method, url):
                self.tell(method, url, headers)
                answer = self._answer()
        return answer

    def tell(self, method: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Send a request without waiting for its answer.

        Raises:
            OSError: the connection is lost.
        """
        self._count += 1
        proof = self._proof(method, url)
        self.is_proven = bool(proof)
        own = {
            "CSeq": str(self._count),
            "User-Agent": f"emotiond/{__version__}",
            "Session": self.session,
            "Authorization": proof,
        }
        lines = [f"{name}: {value}" for name, value in {**own, **(headers or {})}.items() if value]
        self._socket.sendall("\r\n".join([f"{method} {url} RTSP/1.0", *lines, "", ""]).encode())

    def read(self, most: int) -> bytes:
        """Return what has come, up to so many bytes; nothing at the end.

        Raises:
            OSError: the connection is lost; ``TimeoutError`` if the server sends nothing.
        """
        return self._reader.read1(most)

    def wake(self) -> None:
        """End :meth:`read` in another thread. Requests can still be told."""
        self._raw.wake()

    def close(self) -> None:
        """End the connection."""
        self._reader.close()
        self._socket.close()

    def _proof(self, method: str, url: str) -> str:
        """Return the value of ``Authorization``; nothing if there is none to give."""
        if not self._address.has_credentials:
            return ""
        for challenge in self._challenges:
            scheme, _, rest = challenge.partition(" ")
            if scheme.lower() == "digest":
                values = {
                    name.lower(): _ESCAPED.sub(r"\1", quoted) or token
                    for name, quoted, token in _VALUES.findall(rest)
                }
                if proof := _digest(self._address, values, method, url, self._count):
                    return proof
        schemes = {challenge.partition(" ")[0].lower() for challenge in self._challenges}
        may_be_read = not (self._address.is_encrypted or is_loopback(self._address.host))
        if "basic" not in schemes or may_be_read:
            return ""
        pair = f"{self._address.user}:{self._address.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _answer(self) -> Answer:
        """Read up to the answer, past requests of the server and sound that is early."""
        for _ in range(MOST_BEFORE):
            if self._reader.peek(1)[:1] == MARK:
                _, _, length = FRAME.unpack(self._exactly(FRAME.size))
                self._exactly(length)
                continue
            first, *lines = self._head()
            headers = [_header(line) for line in lines]
            length_text = next((value for name, value in headers if name == "content-length"), "0")
            if not re.fullmatch("[0-9]{1,5}", length_text) or int(length_text) > MOST_CONTENT_BYTES:
                raise ValueError("no length")
            content = self._exactly(int(length_text))
            if (status := _STATUS.match(first)) is not None and status[1] >= b"200":
                return Answer(int(status[1]), headers, content)
            if status is None and not first.endswith((b" RTSP/1.0", b" RTSP/2.0")):
                raise ValueError("no answer")
        raise ValueError("too much before the answer")

    def _head(self) -> Sequence[bytes]:
        lines: list[bytes] = []
        while len(lines) < MOST_LINES:
            line = self._reader.readline(MOST_LINE_BYTES)
            if not line:
                raise ConnectionResetError
            if not line.endswith(b"\n"):
                raise ValueError("a line is too long")
            line = line.rstrip(b"\r\n")
            if lines and not line:
                return lines
            if line:  # there may be empty lines before
                lines.append(line)
        raise ValueError("too many headers")

    def _exactly(self, count: int) -> bytes:
        content = self._reader.read(count)
        if len(content) < count:
            raise ConnectionResetError
        return content


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.decode("utf-8", "replace").partition(":")
    if not colon:
        raise ValueError("no header")
    return name.strip().lower(), "".join(filter(str.isprintable, value)).strip()


def _digest(
    address: Address, challenge: Mapping[str, str], method: str, url: str, count: int
) -> str:
    """Answer a challenge (RFC 7616); nothing if it wants what is not known."""
    algorithm = challenge.get("algorithm", "MD5").upper()
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    if algorithm not in _HASHES or not nonce:
        return ""

    def digest(*parts: str) -> str:
        text = ":".join(parts).encode()
        return hashlib.new(_HASHES[algorithm], text, usedforsecurity=False).hexdigest()

    secret = digest(address.user, realm, address.password)
    values = {"username": address.user, "realm": realm, "nonce": nonce, "uri": url}
    asked = digest(method, url)
    tokens = {"algorithm": algorithm} if "algorithm" in challenge else {}
    if "auth" in re.split(r"[\s,]+", challenge.get("qop", "")):
        cnonce, counted = secrets.token_hex(8), f"{count:08x}"
        tokens |= {"qop": "auth", "nc": counted}
        values |= {"cnonce": cnonce}
        values["response"] = digest(secret, nonce, counted, cnonce, "auth", asked)
    else:
        values["response"] = digest(secret, nonce, asked)
    if "opaque" in challenge:
        values["opaque"] = challenge["opaque"]
    quoted = [f"{name}={_quoted(value)}" for name, value in values.items()]
    return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in tokens.items())])


def _quoted(text: str) -> str:
    """Return a text as a quoted string of HTTP."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
