"""The source of an upload: audio that a client sends over its WebSocket."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.samples import fault_of, from_s16le, peak_of
from emotiond.streamer.protocol.requests import Format
from emotiond.streamer.sources.source import About, OnStatus, Switch


def decode(data: bytes, form: Format, channels: int) -> FloatArray:
    """Decode a message of audio into samples, shape ``(n, channels)``.

    Raises:
        SourceError: the data ends in the middle of a sample, or a sample is not finite, or scaled
            as integers.
    """
    kind = np.dtype("<i2" if form == "s16le" else "<f4")
    if len(data) % (channels * kind.itemsize):
        of_all = "" if channels == 1 else f" of {channels} channels"
        raise SourceError(
            f"{len(data)} bytes are no whole number of {form} samples{of_all}",
            "Send samples in the format of 'start'",
        )
    if form == "s16le":
        return from_s16le(data).reshape(-1, channels)
    samples = np.frombuffer(data, kind).astype(np.float32).reshape(-1, channels)
    if (fault := fault_of(peak_of(samples))) is not None:
        raise SourceError(*fault)
    return samples


class UploadSource:
    """Writes audio into the ring from the event loop. It never blocks the loop.

    Args:
        sample_rate: Hz.
        channels: of what is pushed. The ring gets their mix.
        lossless: whether to wait for room; otherwise the oldest audio is overwritten.
    """

    def __init__(self, sample_rate: int, channels: int, lossless: bool) -> None:
        self.sample_rate = sample_rate
        self.channels = 1
        self.about = About(live=not lossless)
        self.failure: str | None = None
        self.switch: Switch | None = None
        self.pushed_samples = 0
        """Samples per channel so far."""
        self._mixer = MonoMixer(sample_rate, channels)
        self._lossless = lossless
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._is_waiting = False
        self._stopped = False

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Accept audio from now on."""
        self._ring = ring

    def stop(self) -> None:
        """Accept no more audio. Any thread may call this."""
        self._stopped = True
        self.make_room()

    def make_room(self) -> None:
        """Report that the ring was read. Any thread may call this."""
        if self._is_waiting:
            self._is_waiting = False
            self._loop.call_soon_threadsafe(self._room.set)

    async def push(self, samples: FloatArray) -> None:
        """Write samples once there is room, or discard them if the stream has ended.

        Args:
            samples: shape ``(n, channels)``, no more than the ring holds.
        """
        arrived = time.monotonic()
        while self._lossless and not self._stopped and self._ring.room < samples.shape[0]:
            self._room.clear()
            self._is_waiting = True
            if not self._stopped and self._ring.room < samples.shape[0]:  # there may be room by now
                await self._room.wait()
        if not self._stopped:
            self.pushed_samples += samples.shape[0]
            self._ring.write(self._mixer.push(samples)[:, None], arrived)
