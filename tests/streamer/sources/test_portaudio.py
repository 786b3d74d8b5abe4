"""How a device is opened, with a sound system of three devices that is made up."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from emotiond.exceptions import DeviceError
from emotiond.streamer.sources.portaudio import find_opening, list_devices, supported_rates

MODULE = "emotiond.streamer.sources.portaudio"


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
    assert [(each.index, each.name, each.is_default) for each in list_devices()] == [
        (1, "USB Microphone", False),
        (2, "USB", True),
    ]


@pytest.mark.parametrize(
    ("accepted", "opening"),
    [
        ([(48_000, 1), (16_000, 1)], (16_000, 1)),
        ([(48_000, 1), (16_000, 2)], (48_000, 1)),
        ([(16_000, 2)], (16_000, 2)),
    ],
)
def test_mono_at_the_wanted_rate_is_preferred_then_mono(
    system: SoundSystem, accepted: list[tuple[int, int]], opening: tuple[int, int]
) -> None:
    system.accepted = accepted
    found = find_opening(list_devices()[1], 16_000)
    assert (found.sample_rate, found.channels) == opening


def test_a_device_that_cannot_be_opened_is_an_error(system: SoundSystem) -> None:
    system.accepted = []
    with pytest.raises(DeviceError, match="not so"):
        find_opening(list_devices()[0], 16_000)


def test_rates_are_those_that_any_number_of_channels_allows(system: SoundSystem) -> None:
    system.accepted = [(16_000, 1), (44_100, 2)]
    assert supported_rates(list_devices()[1]) == [16_000, 44_100]
