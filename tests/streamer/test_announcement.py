"""What announcing by mDNS takes from the network. Real announcements: sources/test_wyoming.py."""

from __future__ import annotations

from zeroconf import DNSAddress, DNSCache

_ADDRESS, _INTERNET, _UNIQUE = 1, 1, 0x8000


def test_what_others_say_in_the_network_is_kept_within_bounds() -> None:
    cache = DNSCache()
    for number in range(20_000):
        name = f"host{number}.local."
        cache.async_add_records(
            [DNSAddress(name, _ADDRESS, _INTERNET | _UNIQUE, 2**31 - 1, b"host")]
        )
    assert len(cache.names()) <= 10_000
