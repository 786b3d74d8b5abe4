"""However often clients mute and unmute, listeners hear of it twice a second at most."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from emotiond.streamer.daemon import mute
from emotiond.streamer.daemon.mute import UNMUTE_PAUSE_SECONDS, MuteSwitch
from emotiond.streamer.protocol.requests import Mute
from tests.support.port import run, until


class Device:
    """A source that can be muted, and its switch. It notes each change."""

    state = "on"

    def __init__(self) -> None:
        self.muted = False
        self.changes: list[bool] = []
        self.switch = self

    def mute(self, muted: bool) -> None:
        self.muted = muted
        self.changes.append(muted)


async def ask(switch: MuteSwitch, muted: bool) -> None:
    await switch.handlers[Mute](cast("Any", None), Mute(muted))


def test_a_flood_of_requests_mutes_at_once_and_then_changes_nothing() -> None:
    async def test() -> None:
        device = Device()
        switch = MuteSwitch([cast("Any", device)])
        for _ in range(200):
            await ask(switch, True)
            await ask(switch, False)
        assert device.changes == [True]
        switch.close()

    run(test)


def test_the_last_request_holds_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mute, "UNMUTE_PAUSE_SECONDS", 0.05)

    async def test() -> None:
        device = Device()
        switch = MuteSwitch([cast("Any", device)])
        await ask(switch, True)
        await ask(switch, False)
        await until(lambda: not device.muted)
        await ask(switch, True)
        await ask(switch, False)
        await ask(switch, True)
        await asyncio.sleep(0.1)  # longer than the pause
        assert device.changes == [True, False, True]

    run(test)


def test_what_holds_already_is_no_change() -> None:
    async def test() -> None:
        device = Device()
        switch = MuteSwitch([cast("Any", device)])
        await ask(switch, False)
        assert device.changes == []

    run(test)


def test_a_signal_needs_no_pause_and_takes_the_place_of_what_was_asked_for() -> None:
    async def test() -> None:
        device = Device()
        switch = MuteSwitch([cast("Any", device)])
        await ask(switch, True)
        await ask(switch, False)  # would open in a second
        for _ in range(3):
            switch.toggle()
        assert device.changes == [True, False, True, False]
        assert UNMUTE_PAUSE_SECONDS == 1.0

    run(test)
