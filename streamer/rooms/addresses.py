"""The addresses of ``--follow``, and who may see what comes from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from emotiond.exceptions import ConfigError
from emotiond.streamer.reach import is_loopback

MOST_ROOMS = 8
_PORTS = {"ws": 80, "wss": 443}
_USUAL = "Use wss://HOST:8765, or ws://127.0.0.1:PORT on this machine"


@dataclass(frozen=True)
class Address:
    """Where another daemon's WebSocket is."""

    url: str
    """With host, port and path, always in the same form."""
    host: str
    port: int
    is_encrypted: bool


def parse_address(text: str) -> Address:
    """Read ``ws(s)://HOST[:PORT][/PATH]``. The path of a proxy goes before ``/ws``.

    Raises:
        ConfigError: this is no such address, or labels would cross the network unencrypted.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")  # as a name is asked for: no part of it is empty or too long
    except ValueError:
        raise _no_address(text) from None
    is_plain_text = text.isprintable() and text.isascii() and " " not in text
    if not (is_plain_text and parts.scheme in _PORTS and host) or port == 0:
        raise _no_address(text)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"an address of follow has a password, '?' or '#': at {host}",
            "Leave it out; --follow-token-file FILE has the token",
        )
    if parts.scheme == "ws" and not is_loopback(host):
        raise ConfigError(
            f"ws:// sends the labels of {host} over the network unencrypted",
            "Use wss:// (the other daemon has --tls-cert and --tls-key), or a tunnel to 127.0.0.1",
        )
    port = _PORTS[parts.scheme] if port is None else port
    path = parts.path.rstrip("/").removesuffix("/ws")
    place = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{place}:{port}{path}/ws", host, port, parts.scheme == "wss")


def parse_addresses(texts: Sequence[str]) -> Sequence[Address]:
    """Read all values of ``--follow``.

    Raises:
        ConfigError: one is no address, is there twice, or they are too many.
    """
    if len(texts) > MOST_ROOMS:
        raise ConfigError(f"follow has {len(texts)} addresses", f"Use {MOST_ROOMS} at most")
    addresses = [parse_address(text) for text in texts]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ConfigError(f"follow has {address.url} twice", "Name each daemon once")
    return addresses


def refuse_less_proof(texts: Sequence[str], has_tokens: bool, own_host: str) -> None:
    """Refuse a daemon without a token that would show what others show to fewer people.

    Args:
        texts: the values of ``--follow``.
        has_tokens: whether another daemon wants a token.
        own_host: the address that this daemon, which wants no token, listens on.

    Raises:
        ConfigError: another daemon wants more proof than this one.
    """
    remedy = "Give this daemon a token, too: --token-file FILE"
    if has_tokens:
        raise ConfigError(
            f"everyone who can reach {own_host} would see what other daemons show for a token "
            "alone (--follow-token-file)",
            remedy,
        )
    for address in parse_addresses(texts):
        if is_loopback(address.host) and not is_loopback(own_host):
            raise ConfigError(
                f"everyone who can reach {own_host} would see what {address.url} shows to this "
                "machine alone",
                remedy,
            )


def _no_address(text: str) -> ConfigError:
    shown = "an address with a password" if "@" in text else repr(text)
    return ConfigError(f"follow cannot be {shown}", _USUAL)
