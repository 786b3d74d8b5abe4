"""An announcement that cannot be made is told, one ends whenever it is to end, and takes little."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest
from zeroconf import DNSAddress, DNSCache

from emotiond.streamer import announcement
from emotiond.streamer.announcement import announced
from tests.support.port import run, until


def test_a_host_whose_name_fits_into_no_announcement_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "x" * 60)

    async def test() -> None:
        async with announced("_https._tcp", "127.0.0.1", 8765, "the page"):
            await until(lambda: bool(caplog.records))

    run(test)
    (record,) = caplog.records
    assert record.getMessage().startswith("the page cannot be announced: Too long: 'emotiond on x")


@pytest.mark.parametrize("steps", range(6))
def test_it_ends_also_as_its_name_is_found(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Whatever step of the loop it is: then ``wait_for`` may forget that it was cancelled."""

    class Announcer:
        zeroconf = SimpleNamespace(engine=SimpleNamespace(senders=["a socket"]))

        def __init__(self, **_: object) -> None:
            self.is_named = asyncio.get_running_loop().create_future()
            announcers.append(self)

        async def async_register_service(self, *_: object, **_options: object) -> None:
            await self.is_named

        async def async_close(self) -> None:
            ends.append(self)

    announcers: list[Announcer] = []
    ends: list[Announcer] = []
    monkeypatch.setattr(announcement, "AsyncZeroconf", Announcer)

    async def test() -> None:
        async with announced("_https._tcp", "127.0.0.1", 8765, "the page"):
            for _ in range(10):  # it waits for its name
                await asyncio.sleep(0)
            announcers[0].is_named.set_result(None)
            for _ in range(steps):
                await asyncio.sleep(0)

    run(test)
    assert announcers == ends


def test_what_others_say_in_the_network_is_kept_within_bounds() -> None:
    cache, kind, internet = DNSCache(), 1, 1
    for number in range(20_000):
        address = DNSAddress(f"host{number}.local.", kind, internet, 2**31 - 1, b"host")
        cache.async_add_records([address])
    assert len(cache.names()) <= 10_000
