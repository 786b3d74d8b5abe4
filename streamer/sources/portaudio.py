"""What PortAudio says of this machine's microphones.

Only the process of ``capture_process.py`` calls it: PortAudio may never return, or crash. So this
imports neither numpy nor anything else that starts slowly.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from emotiond.exceptions import DeviceError, NoMicrophoneError, NoSoundSystemError

PIPEWIRE, PULSEAUDIO = "PipeWire", "PulseAudio"
SOURCE_VARIABLES = {PIPEWIRE: "PIPEWIRE_NODE", PULSEAUDIO: "PULSE_SOURCE"}
"""The variable of the environment that names a source to ALSA's plug-in for a sound server."""

_RATES = (8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)


@dataclass(frozen=True)
class Device:
    """One input device: PortAudio's, or a source of the sound server."""

    index: int
    """Its number in the list."""
    name: str
    api: str
    """The host API: ALSA, Core Audio, WASAPI, …; or the sound server."""
    channels: int
    """Input channels."""
    default_rate: int
    """The device's own sample rate, in Hz."""
    is_default: bool
    source: str | None = None
    """The name of the source at the sound server; None for a device of PortAudio's."""
    plug_in: int | None = None
    """PortAudio's index of ALSA's plug-in, which opens the source."""
    is_monitor: bool = False
    """Whether it is known to give what a loudspeaker plays."""


@dataclass(frozen=True)
class Opening:
    """The parameters to open a device with."""

    device: Device
    sample_rate: int
    channels: int


def load_portaudio() -> Any:
    """Return the sounddevice module. It is loaded late: all else works without PortAudio.

    Raises:
        NoSoundSystemError: PortAudio is not installed, or cannot start.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoSoundSystemError(
            f"PortAudio cannot be loaded ({error})", _portaudio_remedy()
        ) from None
    except Exception as error:  # sounddevice.PortAudioError, which an import cannot name
        raise NoSoundSystemError(
            f"PortAudio cannot start ({error})", "Check the sound set-up (on Linux: aplay -L)"
        ) from None
    return sounddevice


def _portaudio_remedy() -> str:
    if platform.system() == "Linux":
        return "Install it: sudo apt-get install libportaudio2"
    return "Install sounddevice again: pip install --force-reinstall sounddevice"


NO_DEVICE = (
    "Plug in a microphone, or feed sound in another way: --source FILE, or "
    "arecord -t raw -f S16_LE -r 16000 | emotiond --source -"
)
"""The remedy where there is no microphone."""


def list_devices() -> Sequence[Device]:
    """Return all input devices.

    Raises:
        DeviceError: PortAudio cannot be used.
    """
    sounddevice = load_portaudio()
    try:
        apis = sounddevice.query_hostapis()
        default = sounddevice.default.device[0]
        found = sounddevice.query_devices()
    except sounddevice.PortAudioError as error:
        raise NoMicrophoneError(f"the sound system does not answer ({error})", NO_DEVICE) from None
    return [
        Device(
            index=index,
            name=str(info["name"]),
            api=str(apis[info["hostapi"]]["name"]),
            channels=int(info["max_input_channels"]),
            default_rate=round(info["default_samplerate"]),
            is_default=index == default,
        )
        for index, info in enumerate(found)
        if info["max_input_channels"] > 0
    ]


@contextlib.contextmanager
def opened_by(device: Device) -> Iterator[int]:
    """Yield PortAudio's index of a device. ALSA's plug-in opens its source meanwhile."""
    if device.source is None or device.plug_in is None:
        yield device.index
        return
    variables = {SOURCE_VARIABLES[device.api]: device.source}
    if device.api == PIPEWIRE:  # nothing takes the place of the source when it goes
        settings = f"node.dont-reconnect = true stream.capture.sink = {device.is_monitor}".lower()
        variables["PIPEWIRE_ALSA"] = f"{{ {settings} }}"
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield device.plug_in
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def find_opening(device: Device, wanted_rate: int) -> Opening:
    """Return how to open a device: mono, at the wanted rate if possible, else at its own.

    Raises:
        DeviceError: the device cannot be opened at all.
    """
    sounddevice = load_portaudio()
    reason = ""
    for channels in _channel_counts(device):
        for rate in dict.fromkeys((wanted_rate, device.default_rate)):
            try:
                with opened_by(device) as index:
                    sounddevice.check_input_settings(
                        device=index, channels=channels, dtype="float32", samplerate=rate
                    )
            except (sounddevice.PortAudioError, ValueError) as error:
                reason = str(error)
                continue
            return Opening(device, rate, channels)
    raise not_openable(device, reason)


def not_openable(device: Device, reason: object) -> DeviceError:
    """Return the error for a device that cannot be opened."""
    return DeviceError(
        f"the microphone {device.name!r} cannot be opened ({reason})",
        "Close the program that uses it, or choose another from 'emotiond devices'",
    )


def _channel_counts(device: Device) -> Sequence[int]:
    """Return the channel counts to try in order: not every device opens as mono."""
    return tuple(dict.fromkeys((1, min(2, device.channels), device.channels)))


def supported_rates(device: Device) -> Sequence[int]:
    """Return the usual sample rates that the device supports, in Hz."""
    sounddevice = load_portaudio()
    rates = []
    for rate in _RATES:
        for channels in _channel_counts(device):
            with (
                contextlib.suppress(sounddevice.PortAudioError, ValueError),
                opened_by(device) as index,
            ):
                sounddevice.check_input_settings(device=index, channels=channels, samplerate=rate)
                rates.append(rate)
                break
    return rates
