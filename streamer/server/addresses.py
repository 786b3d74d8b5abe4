"""Addresses of the internet, and whose connections count together."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address | None:
    """Return an address, one of IPv4 inside IPv6 as that of IPv4; None if it is none.

    Args:
        text: without a port. The zone of a link-local address (``fe80::1%eth0``) is left out.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address


def household(address: Address) -> str:
    """Return what limits count as one address.

    For IPv6, it is the network that one household or server has, beginning of 64 bits.
    """
    if address.version == 6 and not (address.is_link_local or address.is_loopback):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
