"""Captures a microphone through PortAudio. It reconnects after a loss and closes while muted."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DeviceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.options import Option
from emotiond.streamer.sources.devices import (
    Opening,
    call_with_timeout,
    find_device,
    find_opening,
    leave_portaudio,
    load_portaudio,
)
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.reconnecting import Supervisor
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind

BLOCK_SECONDS = 0.01
_STALL_SECONDS = 1.5  # without a block, after which the device counts as lost


@dataclass(frozen=True)
class MicrophoneSettings:
    """The setting of the microphone."""

    device: str | None = None
    """Its number or name; None for the default device."""


class Microphone:
    """Captures blocks of 10 ms. The callback copies into the ring, notes the time, and returns.

    Args:
        wanted: the device's number, or its name or a part of it; None for the default device.

    Raises:
        DeviceError: there is no such device, or it cannot be opened.
    """

    lost_detail = "the microphone is gone; it is looked for"
    muted_detail = "the microphone is closed until it is unmuted"

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._opening = call_with_timeout(lambda: find_opening(find_device(wanted)))
        self.sample_rate = self._opening.sample_rate
        self.channels = self._opening.channels
        self.about = About(device=self._opening.device.name)
        self.failure: str | None = None
        self.switch = Supervisor(self)
        self._thread: threading.Thread | None = None
        self._stream: Any = None
        self._is_closing = False
        self._expected_adc_seconds: float | None = None
        """Time of the next block's first sample in PortAudio's clock; None for the first block."""

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to capture, unless muted.

        Raises:
            DeviceError: the device has vanished since it was found.
        """
        self._ring = ring
        self.switch.open_first(self._opening, ring, on_status)
        self._thread = start_playing("microphone", self, ring, self.switch.keep_open)

    def stop(self) -> None:
        """Close the device. This waits for a second at most."""
        self.switch.stop()
        if self._thread is not None:
            self._thread.join(1.0)
            if self._thread.is_alive():  # it waits for a sound system that does not answer
                leave_portaudio()  # otherwise the end of the process would wait, too

    def find(self) -> Opening:
        """Return how to open the device.

        Raises:
            DeviceError: it is not there.
        """
        _refresh_portaudio()
        device = find_device(self._wanted)
        find_opening(device)
        return Opening(device, self.sample_rate, self.channels)

    def open(self, found: Opening) -> None:
        """Capture from now on.

        Raises:
            DeviceError: the device cannot be opened.
        """
        sounddevice = load_portaudio()
        self._expected_adc_seconds = None
        try:
            stream = sounddevice.InputStream(
                device=found.device.index,
                samplerate=found.sample_rate,
                channels=found.channels,
                blocksize=round(BLOCK_SECONDS * found.sample_rate),
                dtype="float32",
                latency="low",
                callback=self._callback,
                finished_callback=self._on_finish,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"the microphone {found.device.name!r} cannot be opened ({error})",
                "Close the program that uses it, or choose another from 'emotiond devices'",
            ) from None
        self._stream = stream
        self.about = About(device=found.device.name, device_latency_ms=stream.latency * 1000)

    def is_lost(self) -> bool:
        """Return whether the device has stopped, or stands still."""
        silent_seconds = time.monotonic() - self.switch.last_sound
        return not self._stream.active or silent_seconds > _STALL_SECONDS

    def close(self) -> None:
        """Close the device."""
        self._is_closing = True
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)
            self._stream = None
        self._is_closing = False

    def _callback(self, block: FloatArray, samples: int, times: Any, status: Any) -> None:
        now = time.monotonic()
        expected_seconds = self._expected_adc_seconds
        if status.input_overflow and expected_seconds is not None:
            # PortAudio lost samples before this block. Its clock gives how many.
            lost_seconds = times.inputBufferAdcTime - expected_seconds
            self._ring.skip(max(0, round(lost_seconds * self.sample_rate)))
        self._expected_adc_seconds = times.inputBufferAdcTime + samples / self.sample_rate
        self._ring.write(block, now)
        self.switch.last_sound = now

    def _on_finish(self) -> None:
        if not self._is_closing:
            self.switch.check()


def _refresh_portaudio() -> None:
    """Restart PortAudio, which lists the devices only when it starts."""
    sounddevice = load_portaudio()
    try:
        with contextlib.suppress(sounddevice.PortAudioError):  # PortAudio was not running
            sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot start ({error})", "Check the sound set-up") from None


def _open(_value: str, settings: MicrophoneSettings, _playback: Playback) -> Source:
    return Microphone(settings.device)


MICROPHONE = SourceKind(
    "microphone",
    MicrophoneSettings,
    options=(
        Option(
            "--device",
            "microphone, see 'emotiond devices'",
            "NAME|INDEX",
            takes_numbers=True,
        ),
    ),
    value="mic",
    open=_open,
    is_single=True,
)
