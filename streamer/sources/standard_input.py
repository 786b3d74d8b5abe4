"""Reads raw 16-bit little-endian mono PCM from standard input."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from emotiond.exceptions import ConfigError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.samples import from_s16le
from emotiond.streamer.options import Option
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind, Switch

_STANDARD_INPUT = 0  # the descriptor
_BLOCK_SECONDS = 0.02
_MOST_AHEAD_SECONDS = 0.5


@dataclass(frozen=True)
class StandardInputSettings:
    """The setting of standard input."""

    rate: int = SAMPLE_RATE
    """Its sample rate, in Hz."""


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
        self.about = About(live=realtime)
        self.failure: str | None = None
        self.switch: Switch | None = None
        self._realtime = realtime
        self._stop = threading.Event()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to read."""
        start_playing("stdin", self, ring, lambda: self._read(ring))

    def stop(self) -> None:
        """End after the current block."""
        self._stop.set()

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


def _check(settings: StandardInputSettings) -> None:
    if not LOWEST_RATE <= settings.rate <= HIGHEST_RATE:
        raise ConfigError(
            f"rate cannot be {settings.rate} Hz", f"Use {LOWEST_RATE} to {HIGHEST_RATE}"
        )


def _open(_value: str, settings: StandardInputSettings, playback: Playback) -> Source:
    return StandardInput(settings.rate, playback.realtime)


STANDARD_INPUT = SourceKind(
    "standard input",
    StandardInputSettings,
    options=(Option("--rate", f"sample rate of '--source -' (default: {SAMPLE_RATE})", "HZ"),),
    check=_check,
    value="-",
    open=_open,
    stream_name=lambda _value: "stdin",
    is_single=True,
)
