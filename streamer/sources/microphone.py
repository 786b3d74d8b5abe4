"""Captures a microphone through PortAudio. It reconnects after a loss and closes while muted."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DeviceError, cause_of
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.portaudio import (
    Opening,
    call_with_timeout,
    find_device,
    find_opening,
    leave_portaudio,
    load_portaudio,
)
from emotiond.streamer.sources.source import About, OnStatus, Switch

BLOCK_SECONDS = 0.01
_STALL_SECONDS = 1.5  # without a block, after which the device counts as lost
_CHECK_SECONDS = 0.25
_GONE = "the microphone is gone; it is looked for"
_MUTED = "the microphone is closed until it is unmuted"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


class Microphone:
    """Captures blocks of 10 ms. The callback copies into the ring, notes the time, and returns.

    Args:
        wanted: the device's number, or its name or a part of it; None for the default device.

    Raises:
        DeviceError: there is no such device, or it cannot be opened.
    """

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._opening = call_with_timeout(lambda: find_opening(find_device(wanted)))
        self.sample_rate = self._opening.sample_rate
        self.channels = self._opening.channels
        self.about = About(device=self._opening.device.name)
        self.failure: str | None = None
        self.muted = False
        """Whether the device must stay closed."""
        self._keeper: threading.Thread | None = None
        self._stopping = False
        self._attention = threading.Event()  # the device is lost, or there is a request
        self._is_open = self._is_closing = False
        self._last_block = 0.0  # monotonic
        self._expected_adc_seconds: float | None = None
        """Time of the next block's first sample in PortAudio's clock; None for the first block."""

    @property
    def switch(self) -> Switch:
        """The microphone itself."""
        return self

    @property
    def state(self) -> Literal["on", "off", "muted"]:
        """``on`` while the device is open, else ``muted`` or ``off``."""
        return "on" if self._is_open else "muted" if self.muted else "off"

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to capture, unless muted.

        Raises:
            DeviceError: the device has vanished since it was found.
        """
        self._ring = ring
        self._on_status = on_status
        self._last_block = time.monotonic()
        stream = None if self.muted else self._open(self._opening)
        if stream is None:
            on_status("muted", _MUTED)
        self._keeper = threading.Thread(
            target=self._run, args=(stream,), name="emotiond-microphone", daemon=True
        )
        self._keeper.start()

    def mute(self, muted: bool) -> None:
        """Close the device, or open it again. This returns before it has happened."""
        self.muted = muted
        self._attention.set()

    def stop(self) -> None:
        """Close the device. This waits for a second at most."""
        self._stopping = True
        self._attention.set()
        if self._keeper is not None:
            self._keeper.join(1.0)
            if self._keeper.is_alive():  # it waits for a sound system that does not answer
                leave_portaudio()  # otherwise the end of the process would wait, too

    def _callback(self, block: FloatArray, samples: int, times: Any, status: Any) -> None:
        now = time.monotonic()
        expected_seconds = self._expected_adc_seconds
        if status.input_overflow and expected_seconds is not None:
            # PortAudio lost samples before this block. Its clock tells how many.
            lost_seconds = times.inputBufferAdcTime - expected_seconds
            self._ring.skip(max(0, round(lost_seconds * self.sample_rate)))
        self._expected_adc_seconds = times.inputBufferAdcTime + samples / self.sample_rate
        self._ring.write(block, now)
        self._last_block = now

    def _open(self, opening: Opening) -> Any:
        sounddevice = load_portaudio()
        self._expected_adc_seconds = None
        try:
            stream = sounddevice.InputStream(
                device=opening.device.index,
                samplerate=opening.sample_rate,
                channels=opening.channels,
                blocksize=round(BLOCK_SECONDS * opening.sample_rate),
                dtype="float32",
                latency="low",
                callback=self._callback,
                finished_callback=self._on_finish,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"the microphone {opening.device.name!r} cannot be opened ({error})",
                "Close the program that uses it, or choose another from 'emotiond devices'",
            ) from None
        self._last_block = time.monotonic()
        self._is_open = True
        self.about = About(device=opening.device.name, device_latency_ms=stream.latency * 1000)
        return stream

    def _on_finish(self) -> None:
        if not self._is_closing:
            self._attention.set()

    def _run(self, stream: Any) -> None:
        try:
            self._keep(stream)
        except Exception as error:  # whatever it is, the stream ends with its cause
            self.failure = cause_of(error)
            self._ring.end()

    def _keep(self, stream: Any) -> None:
        """Supervise the device: reopen it after a loss, keep it closed while muted.

        No other thread opens or closes the device once it has started.
        """
        reported_muted = was_muted = stream is None
        pauses = growing_pauses()
        try:
            while True:
                wait_seconds = (
                    _CHECK_SECONDS if stream else None if reported_muted else next(pauses)
                )
                self._attention.wait(wait_seconds)
                self._attention.clear()
                if self._stopping:
                    break
                if self.muted:
                    if not reported_muted:
                        self._close(stream)
                        self._on_status("muted", _MUTED)
                    stream, reported_muted, was_muted = None, True, True
                elif stream is None:
                    stream = self._reopen(was_muted)
                    if reported_muted and stream is None:
                        self._on_status("reconnecting", _GONE)
                    reported_muted, was_muted = False, was_muted and stream is None
                elif self._is_lost(stream):
                    self._on_status("reconnecting", _GONE)
                    self._close(stream)
                    stream, pauses = None, growing_pauses()
        finally:  # the device is closed whatever has happened
            self._close(stream)

    def _is_lost(self, stream: Any) -> bool:
        return not stream.active or time.monotonic() - self._last_block > _STALL_SECONDS

    def _reopen(self, was_muted: bool) -> Any:
        """Reopen the device; the closed time becomes a gap. Returns None if that fails."""
        try:
            opening = self._find_again()
            found_at = time.monotonic()
            gap_samples = round((found_at - self._last_block) * self.sample_rate)
            self._ring.skip(gap_samples, lost=not was_muted)
            self._last_block = found_at
            stream = self._open(opening)
        except DeviceError:
            return None
        self._on_status("running", "")
        return stream

    def _close(self, stream: Any) -> None:
        self._is_closing = True
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
            self._ring.cut()  # the last samples must not wait for the device to come back
        self._is_closing = self._is_open = False

    def _find_again(self) -> Opening:
        _refresh_portaudio()
        device = find_device(self._wanted)
        find_opening(device)
        return Opening(device, self.sample_rate, self.channels)


def _refresh_portaudio() -> None:
    """Restart PortAudio, which lists the devices only when it starts."""
    sounddevice = load_portaudio()
    try:
        with contextlib.suppress(sounddevice.PortAudioError):  # PortAudio was not running
            sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot start ({error})", "Check the sound set-up") from None


def growing_pauses() -> Iterator[float]:
    """Yield the seconds to wait before each further attempt to find a device."""
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        yield pause_seconds
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
