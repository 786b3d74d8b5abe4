"""Reads raw 16-bit little-endian mono PCM from standard input."""

from __future__ import annotations

import os
import threading
import time

from emotiond.exceptions import cause_of
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.samples import from_s16le
from emotiond.streamer.sources.source import About, OnStatus, Switch

_STANDARD_INPUT = 0  # the descriptor
_BLOCK_SECONDS = 0.02
_MOST_AHEAD_SECONDS = 0.5


class StandardInput:
    """Reads PCM as it comes.

    A recorder at the other end sets the pace. Faster input, from a file perhaps, is read in
    real time.

    Args:
        sample_rate: Hz of the input.
        realtime: whether to read in real time at most; otherwise as fast as there is room.
    """

    def __init__(self, sample_rate: int, realtime: bool) -> None:
        self.sample_rate = sample_rate
        self.channels = 1
        self.about = About()
        self.failure: str | None = None
        self.switch: Switch | None = None
        self._realtime = realtime
        self._stop = threading.Event()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to read."""
        # A daemon thread: a read without an answer must not keep the process alive.
        threading.Thread(target=self._run, args=(ring,), name="emotiond-stdin", daemon=True).start()

    def stop(self) -> None:
        """End after the current block."""
        self._stop.set()

    def _run(self, ring: Ring) -> None:
        try:
            self._read(ring)
        except Exception as error:  # whatever it is, the stream ends with its cause
            self.failure = cause_of(error)
        finally:
            ring.end()

    def _read(self, ring: Ring) -> None:
        block_bytes = 2 * round(_BLOCK_SECONDS * self.sample_rate)
        started, samples, odd = time.monotonic(), 0, b""
        while not self._stop.is_set():
            data = odd + _read(block_bytes - len(odd))
            whole = len(data) - len(data) % 2
            if len(data) == len(odd):
                break
            odd = data[whole:]
            block = from_s16le(data[:whole])
            samples += block.shape[0]
            if not self._realtime:
                if not ring.wait_for_room(block.shape[0], self._stop):
                    break
            else:
                spoken_seconds = samples / self.sample_rate
                # After a pause, the input cannot have been spoken before the pause.
                started = max(started, time.monotonic() - spoken_seconds)
                ahead_seconds = spoken_seconds - (time.monotonic() - started)
                self._stop.wait(max(0.0, ahead_seconds - _MOST_AHEAD_SECONDS))
            ring.write(block[:, None], time.monotonic())


def _read(most: int) -> bytes:
    """Read what is there, up to so many bytes, without a buffer. Returns nothing at the end."""
    try:
        return os.read(_STANDARD_INPUT, most)
    except OSError:  # standard input is closed, or never existed
        return b""
