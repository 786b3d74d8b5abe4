"""How a device is chosen and opened, with a sound system of three devices that is made up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.streamer.sources import devices
from emotiond.streamer.sources.devices import (
    call_with_timeout,
    find_device,
    find_opening,
    list_devices,
    supported_rates,
)

MODULE = "emotiond.streamer.sources.devices"


class PortAudioError(Exception):
    pass


def device(name: str, inputs: int) -> dict[str, Any]:
    return {
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "default_samplerate": 48_000.0,
    }


class SoundSystem:
    """The part of sounddevice that the module uses. ``accepted`` has pairs of rate and channels."""

    PortAudioError = PortAudioError

    def __init__(self, accepted: Sequence[tuple[int, int]] = ((16_000, 1),)) -> None:
        self.accepted = accepted
        self.devices = [device("Speaker", 0), device("USB Microphone", 1), device("USB", 2)]
        self.default = SimpleNamespace(device=(2, 0))

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def check_input_settings(self, *, channels: int, samplerate: int, **_: Any) -> None:
        if (samplerate, channels) not in self.accepted:
            raise PortAudioError("not so")


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SoundSystem:
    system = SoundSystem()
    monkeypatch.setattr(f"{MODULE}.load_portaudio", lambda: system)
    return system


def test_only_inputs_are_listed(system: SoundSystem) -> None:
    found = list_devices()
    assert [(each.index, each.name, each.is_default) for each in found] == [
        (1, "USB Microphone", False),
        (2, "USB", True),
    ]


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 2), ("1", 1), ("micro", 1), ("usb", 2), ("USB Microphone", 1)]
)
def test_a_device_is_found_by_number_name_or_part_of_it(
    system: SoundSystem, wanted: str | None, index: int
) -> None:
    assert find_device(wanted).index == index


@pytest.mark.parametrize("wanted", ["0", "7", "none"])
def test_an_unknown_device_is_an_error_that_names_the_others(
    system: SoundSystem, wanted: str
) -> None:
    with pytest.raises(DeviceError, match=r"1 \(USB Microphone\), 2 \(USB\)"):
        find_device(wanted)


def test_without_an_input_there_is_no_microphone(system: SoundSystem) -> None:
    system.devices = system.devices[:1]
    with pytest.raises(NoMicrophoneError, match="--source FILE"):
        find_device(None)


@pytest.mark.parametrize(
    ("accepted", "opening"),
    [
        ([(48_000, 1), (16_000, 1)], (16_000, 1)),
        ([(48_000, 1), (16_000, 2)], (48_000, 1)),
        ([(16_000, 2)], (16_000, 2)),
    ],
)
def test_mono_at_16_khz_is_preferred_then_mono(
    system: SoundSystem, accepted: list[tuple[int, int]], opening: tuple[int, int]
) -> None:
    system.accepted = accepted
    found = find_opening(find_device("2"))
    assert (found.sample_rate, found.channels) == opening


def test_a_device_that_cannot_be_opened_is_an_error(system: SoundSystem) -> None:
    system.accepted = []
    with pytest.raises(DeviceError, match="not so"):
        find_opening(find_device(None))


def test_rates_are_those_that_any_number_of_channels_allows(system: SoundSystem) -> None:
    system.accepted = [(16_000, 1), (44_100, 2)]
    assert supported_rates(find_device("2")) == [16_000, 44_100]


def test_a_sound_system_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(NoMicrophoneError, match="does not answer"):
        call_with_timeout(threading.Event().wait)


def test_an_error_of_the_call_is_raised() -> None:
    def fail() -> None:
        raise DeviceError("x", "y")

    with pytest.raises(DeviceError, match="x"):
        call_with_timeout(fail)
