"""Finds this machine's microphones through PortAudio."""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError
from dataclasses import dataclass
from typing import Any, TypeVar

from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.background import run_in_background

_Answer = TypeVar("_Answer")

_PATIENCE_SECONDS = 10.0
_STANDS_STILL = (
    "Start it again (PulseAudio: pulseaudio -k; PipeWire: systemctl --user restart pipewire), "
    "or feed sound in another way: --source FILE"
)


@dataclass(frozen=True)
class Device:
    """One input device."""

    index: int
    name: str
    api: str
    """The host API: ALSA, Core Audio, WASAPI, …"""
    channels: int
    """Input channels."""
    default_rate: int
    """The device's own sample rate, in Hz."""
    is_default: bool


@dataclass(frozen=True)
class Opening:
    """The parameters to open a device with."""

    device: Device
    sample_rate: int
    channels: int


def call_with_timeout(question: Callable[[], _Answer]) -> _Answer:
    """Ask the sound system, which may hang, and wait for 10 s at most.

    Exceptions of the question itself pass through.

    Raises:
        NoMicrophoneError: the sound system did not answer.
    """
    # While PortAudio starts, sounddevice discards the standard error of the whole process.
    standard_error = None if sys.stderr is None else os.dup(2)
    try:
        return run_in_background(question).result(_PATIENCE_SECONDS)
    except TimeoutError:
        if standard_error is not None:
            os.dup2(standard_error, 2)
        leave_portaudio()
        raise NoMicrophoneError("the sound system does not answer", _STANDS_STILL) from None
    finally:
        if standard_error is not None:
            os.close(standard_error)


def leave_portaudio() -> None:
    """Let the process end without closing PortAudio, which would hang with the sound system."""
    portaudio = sys.modules.get("sounddevice")
    if (handler := getattr(portaudio, "_exit_handler", None)) is not None:
        atexit.unregister(handler)


def load_portaudio() -> Any:
    """Return the sounddevice module. It is loaded late: all else works without PortAudio.

    Raises:
        DeviceError: PortAudio is not installed, or cannot start.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoMicrophoneError(
            f"PortAudio cannot be loaded ({error})", _portaudio_remedy()
        ) from None
    except Exception as error:  # sounddevice.PortAudioError, which an import cannot name
        raise NoMicrophoneError(
            f"PortAudio cannot start ({error})", "Check the sound set-up (on Linux: aplay -L)"
        ) from None
    return sounddevice


def _portaudio_remedy() -> str:
    if platform.system() == "Linux":
        return "Install it: sudo apt-get install libportaudio2"
    return "Install sounddevice again: pip install --force-reinstall sounddevice"


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
        raise DeviceError(f"the sound system does not answer ({error})", _NO_DEVICE) from None
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


_NO_DEVICE = (
    "Plug in a microphone, or feed sound in another way: --source FILE, or "
    "arecord -t raw -f S16_LE -r 16000 | emotiond --source -"
)


def find_device(wanted: str | None) -> Device:
    """Return the device of this number or name, or the default device.

    A part of the name is enough, in upper or lower case. A full match precedes a partial one.

    Raises:
        DeviceError: there is no device, or none that matches.
    """
    devices = list_devices()
    if not devices:
        raise NoMicrophoneError("there is no microphone", _NO_DEVICE)
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


def find_opening(device: Device) -> Opening:
    """Return how to open a device: mono at 16 kHz if possible, else its own rate, then channels.

    Raises:
        DeviceError: the device cannot be opened at all.
    """
    sounddevice = load_portaudio()
    reason = ""
    for channels in _channel_counts(device):
        for rate in dict.fromkeys((SAMPLE_RATE, device.default_rate)):
            try:
                sounddevice.check_input_settings(
                    device=device.index, channels=channels, dtype="float32", samplerate=rate
                )
            except (sounddevice.PortAudioError, ValueError) as error:
                reason = str(error)
                continue
            return Opening(device, rate, channels)
    raise DeviceError(
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
    for rate in (8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000):
        for channels in _channel_counts(device):
            with contextlib.suppress(sounddevice.PortAudioError, ValueError):
                sounddevice.check_input_settings(
                    device=device.index, channels=channels, samplerate=rate
                )
                rates.append(rate)
                break
    return rates
