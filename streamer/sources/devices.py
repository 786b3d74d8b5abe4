"""Chooses a microphone, and knows it again: by what it is, never by its place in a list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.streamer.sources.capture import Capture
from emotiond.streamer.sources.portaudio import NO_DEVICE, PIPEWIRE, PULSEAUDIO, Device
from emotiond.streamer.sources.sound_server import PLUG_INS, ServerPrograms, SoundServer

_ALSA_PLACE = re.compile(r" \((?:plug)?hw:(\d+),\d+\)")
_OF_SERVERS = {"default", "sysdefault", *PLUG_INS.values()}
_SOUND_CARDS = Path("/sys/class/sound")


@dataclass(frozen=True)
class Identity:
    """What a microphone is known again by, when it comes back."""

    name: str
    """Without its number at ALSA, which is another one after each plugging."""
    api: str
    source: str | None
    """Its name at the sound server; None for a device of PortAudio's."""
    port: str | None
    """The connector of the computer, such as a USB port; None if that is unknown."""
    is_only: bool
    """Whether no other microphone had the same name."""


def list_microphones(
    capture: Capture, programs: ServerPrograms
) -> tuple[Sequence[Device], SoundServer | None]:
    """Return PortAudio's devices with the sources of the sound server, and what that said.

    Raises:
        DeviceError: PortAudio cannot be used, or does not answer.
    """
    devices = capture.devices()
    names = {device.name for device in devices if device.api == "ALSA"}
    if not names & _OF_SERVERS:
        return devices, None
    server = programs.read(PIPEWIRE if PLUG_INS[PIPEWIRE] in names else PULSEAUDIO)
    return devices if server is None else with_sources(devices, server), server


def with_sources(devices: Sequence[Device], server: SoundServer) -> Sequence[Device]:
    """Return PortAudio's devices and then the sources of the sound server, monitors last."""
    key = ("ALSA", PLUG_INS[server.api])
    plug_in = next((each for each in devices if (each.api, each.name) == key), None)
    if plug_in is None:
        return devices
    sources = sorted(server.sources, key=lambda source: source.is_monitor)
    first = max(device.index for device in devices) + 1
    return [
        *devices,
        *(
            Device(
                index=index,
                name=source.description,
                api=server.api,
                channels=source.channels,
                default_rate=plug_in.default_rate,
                is_default=False,
                source=source.name,
                plug_in=plug_in.index,
                is_monitor=source.is_monitor,
            )
            for index, source in enumerate(sources, first)
        ),
    ]


def is_of_server(device: Device) -> bool:
    """Return whether a device is the sound server's choice, and not one microphone."""
    return device.api == "ALSA" and device.name in _OF_SERVERS


def has_plug_in(devices: Sequence[Device]) -> bool:
    """Return whether ALSA's plug-in for a sound server is among the devices."""
    return any(each.api == "ALSA" and each.name in PLUG_INS.values() for each in devices)


def is_moved(device: Device, server: SoundServer, process_id: int) -> bool:
    """Return whether a server gives a process something else than its device.

    The default device may be any microphone, but no monitor.
    """
    recorded = server.source_of(process_id)
    if recorded is None:
        return False
    if device.source is not None:
        return recorded.name != device.source
    return recorded.is_monitor and server.named is None


def choose(devices: Sequence[Device], wanted: str | None) -> Device:
    """Return the device of this number or name, or the default device.

    A part of the name is enough, in upper or lower case. A full match precedes a partial one, and
    a monitor needs one. A source of the sound server has two names, one for people.

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
        matches = [device for device in devices if lowered in _names(device)]
        matches += [
            device
            for device in devices
            if not device.is_monitor and any(lowered in name for name in _names(device))
        ]
    if not matches:
        names = ", ".join(f"{device.index} ({device.name})" for device in devices)
        raise DeviceError(f"there is no microphone {wanted!r}", f"Choose one of: {names}")
    return matches[0]


def identify(device: Device, devices: Sequence[Device]) -> Identity:
    """Return what a device of these will be known again by."""
    name = _bare(device)
    same = [each for each in devices if (_bare(each), each.api) == (name, device.api)]
    return Identity(name, device.api, device.source, _port(device), len(same) == 1)


def recognize(devices: Sequence[Device], identity: Identity) -> Device:
    """Return the device that was identified before.

    A source of the sound server is known by its name there. One of several of the same name is
    known by its port; the only one of its name, by the name, at whatever port it is now.

    Raises:
        NoMicrophoneError: it is not there.
    """
    if identity.source is not None:
        same = [each for each in devices if each.source == identity.source]
    else:
        key = (identity.name, identity.api)
        same = [each for each in devices if (_bare(each), each.api) == key]
    at_port = [each for each in same if identity.port is not None and _port(each) == identity.port]
    if at_port:
        return at_port[0]
    if identity.is_only and len(same) == 1:
        return same[0]
    raise NoMicrophoneError(f"the microphone {identity.name!r} is not there", "Plug it in")


def _names(device: Device) -> Sequence[str]:
    return [name.lower() for name in (device.name, device.source) if name is not None]


def _bare(device: Device) -> str:
    return _ALSA_PLACE.sub("", device.name)


def _port(device: Device) -> str | None:
    card = _ALSA_PLACE.search(device.name)
    link = _SOUND_CARDS / f"card{card[1]}" / "device" if card else None
    return str(link.resolve()) if link is not None and link.exists() else None
