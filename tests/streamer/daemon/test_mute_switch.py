"""Whoever mutes means all microphones: no room goes on listening."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, Literal, ParamSpec, cast

import pytest

from emotiond.streamer.daemon import mute as muting
from emotiond.streamer.daemon.mute import MuteSwitch
from emotiond.streamer.protocol.requests import Mute, RequestError

State = Literal["on", "off", "muted"]
P = ParamSpec("P")


def in_the_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run a test in an event loop, as the switch runs."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(test(*args, **kwargs), 30)

        asyncio.run(bounded())

    return run


@pytest.fixture(autouse=True)
def without_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """``test_mute_requests.py`` is about the pause."""
    monkeypatch.setattr(muting, "UNMUTE_PAUSE_SECONDS", 0.0)


class Device:
    """A source with a switch, which is its own; ``state`` is that of the device."""

    def __init__(self, state: State = "on") -> None:
        self.muted = state == "muted"
        self.state = state
        self.switch = self

    def mute(self, muted: bool) -> None:
        self.muted = muted
        self.state = "muted" if muted else "on"


class Recording:
    """A source that nothing can mute."""

    switch = None


def switch_of(*sources: object) -> MuteSwitch:
    return MuteSwitch(cast(Any, sources))


async def mute(switch: MuteSwitch, muted: bool) -> None:
    await switch.handlers[Mute](cast(Any, None), Mute(muted))


@in_the_loop
async def test_a_request_mutes_and_unmutes_every_device() -> None:
    devices = Device(), Device()
    switch = switch_of(Recording(), *devices)
    for muted, state in ((True, "muted"), (False, "on")):
        await mute(switch, muted)
        assert [device.muted for device in devices] == [muted, muted]
        assert switch.state == state


@in_the_loop
async def test_the_signal_mutes_all_if_one_is_open_and_unmutes_all_if_none_is() -> None:
    devices = Device("muted"), Device("on")
    switch = switch_of(*devices)
    for muted in (True, False, True):
        switch.toggle()
        assert [device.muted for device in devices] == [muted, muted]


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((), "off"),
        (("off", "off"), "off"),
        (("off", "muted"), "muted"),
        (("muted", "on"), "on"),
        (("on", "off"), "on"),
    ],
)
@in_the_loop
async def test_one_open_device_is_an_open_microphone(
    states: tuple[State, ...], state: State
) -> None:
    assert switch_of(Recording(), *map(Device, states)).state == state


@in_the_loop
async def test_without_a_device_the_signal_does_nothing_and_a_request_is_refused() -> None:
    switch = switch_of(Recording())
    switch.toggle()
    with pytest.raises(RequestError, match="listens to no microphone"):
        await mute(switch, True)


@in_the_loop
async def test_a_command_lifts_no_mute_but_its_own() -> None:
    device = Device()
    switch = switch_of(Recording(), device)
    assert switch.can_be_muted
    assert switch.command(muted=True)
    assert device.muted
    assert switch.command(muted=False)
    assert not device.muted
    for by_the_signal in (False, True):
        if by_the_signal:
            switch.toggle()
        else:
            await mute(switch, True)
        assert switch.command(muted=True)  # it is muted already, and not by this
        assert not switch.command(muted=False)
        assert device.muted
        await mute(switch, False)
        assert switch.command(muted=False)  # it is on already


@in_the_loop
async def test_a_mute_of_the_page_takes_the_place_of_a_command() -> None:
    device = Device()
    switch = switch_of(device)
    switch.command(muted=True)
    await mute(switch, True)
    assert not switch.command(muted=False)
    assert device.muted


@in_the_loop
async def test_a_command_holds_against_what_the_page_has_asked_for_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(muting, "UNMUTE_PAUSE_SECONDS", 0.2)
    device = Device()
    switch = switch_of(device)
    await mute(switch, True)
    await mute(switch, False)  # which waits for its time
    assert switch.command(muted=True)
    await asyncio.sleep(0.4)  # beyond that time
    assert device.muted
    assert switch.command(muted=False)  # the page has given up its mute
    assert not device.muted


@in_the_loop
async def test_without_a_device_there_is_nothing_to_command() -> None:
    assert not switch_of(Recording()).can_be_muted
