"""A microphone through PortAudio, opened again by itself when it is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

from dsp.types import FloatArray
from inference.exceptions import DeviceError
from streamer.devices import Opening, find_device, find_opening, load_portaudio
from streamer.ring import Ring
from streamer.sources import About, OnStatus

BLOCK_SECONDS = 0.01
_STALL_SECONDS = 1.5  # without a block, after which the device counts as lost
_CHECK_SECONDS = 0.25
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


class Microphone:
    """Captures blocks of 10 ms; the callback copies into the ring, notes the time, and returns.

    Args:
        wanted: the device's number or (part of its) name; None for the default one.

    Raises:
        DeviceError: there is no such device, or it cannot be opened.
    """

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._opening = find_opening(find_device(wanted))
        self.sample_rate = self._opening.sample_rate
        self.channels = self._opening.channels
        self.about = About(device=self._opening.device.name)
        self.failure: str | None = None
        self._keeper: threading.Thread | None = None
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._last_block = 0.0  # monotonic
        self._expected_adc_seconds = 0.0  # PortAudio's clock, of the next block's first sample

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to capture.

        Raises:
            DeviceError: the device was there a moment ago and is not any more.
        """
        self._ring = ring
        self._on_status = on_status
        stream = self._open(self._opening)
        self._keeper = threading.Thread(
            target=self._keep, args=(stream,), name="emotiond-microphone", daemon=True
        )
        self._keeper.start()

    def stop(self) -> None:
        """Close the device; waits for a second at most."""
        self._stop.set()
        self._lost.set()
        if self._keeper is not None:
            self._keeper.join(1.0)

    def _callback(self, block: FloatArray, samples: int, times: Any, status: Any) -> None:
        now = time.monotonic()
        if status.input_overflow:  # PortAudio lost samples before these; its clock says how many
            lost_seconds = times.inputBufferAdcTime - self._expected_adc_seconds
            self._ring.skip(max(0, round(lost_seconds * self.sample_rate)))
        self._expected_adc_seconds = times.inputBufferAdcTime + samples / self.sample_rate
        self._ring.write(block, now)
        self._last_block = now

    def _open(self, opening: Opening) -> Any:
        sounddevice = load_portaudio()
        self._lost.clear()
        try:
            stream = sounddevice.InputStream(
                device=opening.device.index,
                samplerate=opening.sample_rate,
                channels=opening.channels,
                blocksize=round(BLOCK_SECONDS * opening.sample_rate),
                dtype="float32",
                latency="low",
                callback=self._callback,
                finished_callback=self._lost.set,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"the microphone {opening.device.name!r} cannot be opened ({error})",
                "Close the program that uses it, or choose another from 'emotiond devices'",
            ) from None
        self._last_block = time.monotonic()
        self.about = About(device=opening.device.name, device_latency_ms=stream.latency * 1000)
        return stream

    def _keep(self, stream: Any) -> None:
        """Watch over the stream, and open it again when the device is lost."""
        while not self._stop.is_set():
            self._lost.wait(_CHECK_SECONDS)
            stalled = time.monotonic() - self._last_block > _STALL_SECONDS
            if self._stop.is_set() or not (stalled or self._lost.is_set()):
                continue
            stream = self._reopen(stream)
        _close(stream)

    def _reopen(self, stream: Any) -> Any:
        self._on_status("reconnecting", "the microphone is gone; it is looked for")
        lost_at = self._last_block
        _close(stream)
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._stop.wait(pause_seconds):
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            try:
                opening = self._find_again()
                found_at = time.monotonic()
                self._ring.skip(round((found_at - lost_at) * self.sample_rate))
                lost_at = found_at
                stream = self._open(opening)
            except DeviceError:
                continue
            self._on_status("running", "")
            return stream
        return None

    def _find_again(self) -> Opening:
        _refresh_portaudio()
        device = find_device(self._wanted)
        find_opening(device)
        return Opening(device, self.sample_rate, self.channels)


def _refresh_portaudio() -> None:
    """PortAudio lists the devices once, when it starts: start it again."""
    sounddevice = load_portaudio()
    try:
        with contextlib.suppress(sounddevice.PortAudioError):  # it was not running
            sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio cannot start ({error})", "Check the sound set-up") from None


def _close(stream: Any) -> None:
    if stream is not None:
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
