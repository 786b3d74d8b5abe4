"""The address of a network stream, with what may be shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from emotiond.exceptions import SourceError

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""The schemes, with their usual ports."""
ENCRYPTED = frozenset({"https", "rtsps"})
RTSP = frozenset({"rtsp", "rtsps"})
_SAFE = "%/:=&?~+!$,;'@()*[]-._"


@dataclass(frozen=True)
class Address:
    """Where a stream comes from. Only :attr:`shown` goes into messages, events and logs."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they are requested."""
    user: str = ""
    password: str = ""

    @property
    def shown(self) -> str:
        """The address without user, password and query, which may be secrets.

        Some cameras have them in the path, as ``/user=NAME&password=PASSWORD``.
        """
        path, has_query, _ = self.target.partition("?")
        path, has_value, _ = path.partition("=")
        hidden = "=…" if has_value else "?…" if has_query else ""
        return f"{self.scheme}://{self.netloc}{path}{hidden}"

    @property
    def url(self) -> str:
        """The address without user and password, as a request names it."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def netloc(self) -> str:
        """Host, and the port if it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def has_credentials(self) -> bool:
        """Whether the server gets a user and a password."""
        return bool(self.user or self.password)

    @property
    def is_rtsp(self) -> bool:
        """Whether the server is asked by RTSP, else by HTTP."""
        return self.scheme in RTSP

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can hear, change or read anything."""
        return self.scheme in ENCRYPTED

    @property
    def server(self) -> tuple[str, str, int]:
        """What has to be the same for the server to be the same."""
        return self.scheme, self.host, self.port

    def joined(self, reference: str) -> Address:
        """Return where a reference leads from here. Credentials stay with their server.

        Raises:
            SourceError: it leads nowhere.
        """
        there = parse_address(urljoin(self.url, reference))
        if there.server == self.server and not there.has_credentials:
            return Address(*there.server, there.target, self.user, self.password)
        return there


def is_address(value: str) -> bool:
    """Return whether a value of ``--source`` is meant as the address of a network stream.

    One that lacks a slash is, too: as the name of a file, it would be quoted with its password.
    """
    scheme, separator, _ = value.partition(":")
    return bool(separator) and scheme.lower() in PORTS


def parse_address(value: str) -> Address:
    """Parse a URL.

    Raises:
        SourceError: it has another form. The message does not quote it: there may be a password.
    """
    scheme = value.partition("://")[0].lower()
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if scheme not in PORTS or not host or port == 0 or not value.isprintable() or " " in value:
        raise SourceError(
            "the address of a network stream has another form",
            "Use http://HOST:PORT/PATH, https://HOST/PATH, rtsp://HOST/PATH or the like",
        )
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(scheme, host, port or PORTS[scheme], target, user, password)
