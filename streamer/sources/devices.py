"""Chooses a microphone, and knows it again: by what it is, never by its place in a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.streamer.sources.portaudio import NO_DEVICE, Device

_ALSA_PLACE = re.compile(r" \((?:plug)?hw:(\d+),\d+\)")
_SOUND_CARDS = Path("/sys/class/sound")


@dataclass(frozen=True)
class Identity:
    """What a microphone is known again by, when it comes back."""

    name: str
    """Without its number at ALSA, which is another one after each plugging."""
    api: str
    port: str | None
    """The connector of the computer, such as a USB port; None if that is unknown."""
    is_only: bool
    """Whether no other microphone had the same name."""


def choose(devices: Sequence[Device], wanted: str | None) -> Device:
    """Return the device of this number or name, or the default device.

    A part of the name is enough, in upper or lower case. A full match precedes a partial one.

    Raises:
        NoMicrophoneError: there is no device.
        DeviceError: none matches.
    """
    if not devices:
        raise NoMicrophoneError("there is no microphone", NO_DEVICE)
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    if wanted.strip().isdecimal():
        matches = [device for device in devices if device.index == int(wanted)]
    else:
        lowered = wanted.lower()
        matches = [device for device in devices if device.name.lower() == lowered]
        matches += [device for device in devices if lowered in device.name.lower()]
    if not matches:
        names = ", ".join(f"{device.index} ({device.name})" for device in devices)
        raise DeviceError(f"there is no microphone {wanted!r}", f"Choose one of: {names}")
    return matches[0]


def identify(device: Device, devices: Sequence[Device]) -> Identity:
    """Return what a device of these will be known again by."""
    name = _bare(device)
    same = [each for each in devices if (_bare(each), each.api) == (name, device.api)]
    return Identity(name, device.api, _port(device), len(same) == 1)


def recognize(devices: Sequence[Device], identity: Identity) -> Device:
    """Return the device that was identified before.

    One of several of the same name is known by its port; the only one of its name, by the name, at
    whatever port it is now.

    Raises:
        NoMicrophoneError: it is not there.
    """
    same = [each for each in devices if (_bare(each), each.api) == (identity.name, identity.api)]
    at_port = [each for each in same if identity.port is not None and _port(each) == identity.port]
    if at_port:
        return at_port[0]
    if identity.is_only and len(same) == 1:
        return same[0]
    raise NoMicrophoneError(f"the microphone {identity.name!r} is not there", "Plug it in")


def _bare(device: Device) -> str:
    return _ALSA_PLACE.sub("", device.name)


def _port(device: Device) -> str | None:
    card = _ALSA_PLACE.search(device.name)
    link = _SOUND_CARDS / f"card{card[1]}" / "device" if card else None
    return str(link.resolve()) if link is not None and link.exists() else None
