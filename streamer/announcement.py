"""Announces a socket of the daemon in the local network, by mDNS."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterable

import ifaddr
import zeroconf
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_log = logging.getLogger(__name__)

_NAME_SECONDS = 10.0  # to find a name that nobody in the network has


def reachable_addresses(host: str) -> list[str]:
    """Return the addresses at which other machines reach a socket that is bound to this host."""
    address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
    bound = ipaddress.ip_address(str(address).partition("%")[0])
    if bound.is_loopback:
        return []
    if not bound.is_unspecified:
        return [str(bound)]
    found = [each.ip if isinstance(each.ip, str) else each.ip[0] for each in _all_ips()]
    usable = [each for each in found if not ipaddress.ip_address(each).is_loopback]
    return [each for each in usable if bound.version == 6 or ":" not in each]


def _all_ips() -> Iterable[ifaddr.IP]:
    return (ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)


@contextlib.asynccontextmanager
async def announced(kind: str, host: str, port: int, what: str) -> AsyncIterator[None]:
    """Announce a socket under this host's name meanwhile, and take that back at the end.

    Nothing waits for it but the end: finding a free name takes a second, and others in the network
    can hold it up. Without a network or a name that can carry it, one line says so.

    Args:
        kind: of service, such as ``_https._tcp``.
        host: name or address that the socket is bound to.
        port: of the socket.
        what: the socket's name for the log, such as ``the page``.
    """
    ending = asyncio.Event()
    announcing = asyncio.create_task(_announce(kind, host, port, what, ending))
    try:
        yield
    finally:
        ending.set()
        announcing.cancel()
        await asyncio.wait([announcing])


async def _announce(kind: str, host: str, port: int, what: str, ending: asyncio.Event) -> None:
    """Announce a socket until the end, which cancels this, too.

    Before Python 3.12, ``wait_for`` forgets that it was cancelled if its result comes just then.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            addresses = reachable_addresses(host)
            name = socket.gethostname().partition(".")[0]
            service = AsyncServiceInfo(
                f"{kind}.local.",
                f"emotiond on {name}, port {port}.{kind}.local.",
                port=port,
                parsed_addresses=addresses,
                server=f"{name}.local.",
            )
            announcer = AsyncZeroconf(interfaces=[each for each in addresses if ":" not in each])
            stack.push_async_callback(announcer.async_close)
            registering = announcer.async_register_service(service, allow_name_change=True)
            await asyncio.wait_for(registering, _NAME_SECONDS)
        except asyncio.TimeoutError:
            _log.warning("%s cannot be announced: others claim every name of it", what)
        except (OSError, zeroconf.Error) as error:
            _log.warning("%s cannot be announced: %s", what, error)
        else:
            if not announcer.zeroconf.engine.senders:  # zeroconf takes that for success
                _log.warning("%s cannot be announced: it needs a network with IPv4", what)
            await ending.wait()
