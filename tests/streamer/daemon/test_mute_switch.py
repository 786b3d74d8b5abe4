"""Whoever mutes means all microphones: no room goes on listening."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, cast

import pytest

from emotiond.streamer.daemon.mute import MuteSwitch
from emotiond.streamer.protocol.requests import Mute, RequestError

State = Literal["on", "off", "muted"]


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


def mute(switch: MuteSwitch, muted: bool) -> None:
    asyncio.run(switch.handlers[Mute](cast(Any, None), Mute(muted)))


def test_a_request_mutes_and_unmutes_every_device() -> None:
    devices = Device(), Device()
    switch = switch_of(Recording(), *devices)
    for muted, state in ((True, "muted"), (False, "on")):
        mute(switch, muted)
        assert [device.muted for device in devices] == [muted, muted]
        assert switch.state == state


def test_the_signal_mutes_all_if_one_is_open_and_unmutes_all_if_none_is() -> None:
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
def test_one_open_device_is_an_open_microphone(states: tuple[State, ...], state: State) -> None:
    assert switch_of(Recording(), *map(Device, states)).state == state


def test_without_a_device_the_signal_does_nothing_and_a_request_is_refused() -> None:
    switch = switch_of(Recording())
    switch.toggle()
    with pytest.raises(RequestError, match="listens to no microphone"):
        mute(switch, True)


def test_a_command_lifts_no_mute_but_its_own() -> None:
    device = Device()
    switch = switch_of(Recording(), device)
    assert switch.can_be_muted
    assert switch.command(muted=True)
    assert device.muted
    assert switch.command(muted=False)
    assert not device.muted
    for mute_here in (lambda: mute(switch, True), switch.toggle):
        mute_here()
        assert switch.command(muted=True)  # it is muted already, and not by this
        assert not switch.command(muted=False)
        assert device.muted
        mute(switch, False)
        assert switch.command(muted=False)  # it is on already


def test_a_mute_of_the_page_takes_the_place_of_a_command() -> None:
    device = Device()
    switch = switch_of(device)
    switch.command(muted=True)
    mute(switch, True)
    assert not switch.command(muted=False)
    assert device.muted


def test_without_a_device_there_is_nothing_to_command() -> None:
    assert not switch_of(Recording()).can_be_muted
