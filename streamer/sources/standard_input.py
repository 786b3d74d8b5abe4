"""Reads raw PCM, or a WAV stream, from standard input."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

import numpy as np

from emotiond.dsp.mono import MonoMixer
from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import ConfigError, SourceError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.raw import (
    FORMATS,
    RawForm,
    container_of,
    decode,
    doubt,
    is_silent,
    wav_form,
)
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.options import Option
from emotiond.streamer.readers.frames import frames_of, may_be_frames
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS
from emotiond.streamer.sources.pace import Pace
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind, Switch

_STANDARD_INPUT = 0  # the descriptor
_BLOCK_SECONDS = 0.02
_HEAD_BYTES = 12
_FRAMES_BYTES = 8192  # three frames of compressed sound
_MOST_CHUNK_BYTES = 2**20  # of a WAV header
_DOUBT_SECONDS = 4.0  # of sound, after which it has to look like what it is taken for
_DEFAULT_FORMAT = "s16le"


@dataclass(frozen=True)
class StandardInputSettings:
    """The settings of standard input."""

    rate: int = SAMPLE_RATE
    """Its sample rate, in Hz."""
    channels: int = 1
    format: str = _DEFAULT_FORMAT
    """One of :data:`FORMATS`."""


class StandardInput:
    """Reads PCM as it comes. The header of a WAV stream overrides the settings.

    A recorder at the other end sets the pace. Faster input, from a file perhaps, is read in
    real time.

    Args:
        form: how the input is to be read. The ring gets its mix, at this sample rate.
        realtime: whether to read in real time at most; otherwise as fast as there is room.
    """

    def __init__(self, form: RawForm, realtime: bool) -> None:
        self.sample_rate = form.sample_rate
        self.channels = 1
        self.about = About(live=realtime)
        self.failure: str | None = None
        self.switch: Switch | None = None
        self._form = form
        self._realtime = realtime
        self._stop = threading.Event()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to read."""
        start_playing("stdin", self, ring, lambda: self._read(ring, on_status))

    def stop(self) -> None:
        """End after the current block."""
        self._stop.set()

    def _read(self, ring: Ring, on_status: OnStatus) -> None:
        form, rest = self._begin()
        mixer = MonoMixer(form.sample_rate, form.channels)
        resampler = Resampler(form.sample_rate, self.sample_rate, live=self._realtime)
        block_bytes = form.frame_bytes * max(1, round(_BLOCK_SECONDS * form.sample_rate))
        is_doubtful = form == RawForm(form.sample_rate, 1, _DEFAULT_FORMAT) and form is self._form
        seen = bytearray()
        pace = Pace()
        samples = taken = 0
        while not self._stop.is_set():
            new = b"" if len(rest) >= form.frame_bytes else _read(block_bytes - len(rest))
            data = rest + new
            whole = len(data) - len(data) % form.frame_bytes
            if not new and not whole:
                break
            rest = data[whole:]
            decoded = decode(data[:whole], form)
            if (fault := fault_of(peak_of(decoded))) is not None:
                raise SourceError(*fault)
            if is_doubtful:
                seen += data[:whole]
                if len(seen) >= 2 * _DOUBT_SECONDS * form.sample_rate:
                    is_doubtful = is_silent(bytes(seen))
                    if not is_doubtful and (looks_like := doubt(bytes(seen))) is not None:
                        on_status("running", f"standard input looks like {looks_like}")
                    seen.clear()
            block = resampler.push(mixer.push(decoded))
            samples += block.shape[0]
            taken += decoded.shape[0]
            held_seconds = taken / form.sample_rate - samples / self.sample_rate
            if not self._write(ring, block, pace, held_seconds):
                break
        self._write(ring, resampler.push(np.empty(0, np.float32), last=True), pace)

    def _write(self, ring: Ring, block: FloatArray, pace: Pace, held_seconds: float = 0.0) -> bool:
        """Write samples when they are due. Returns False once stopped.

        Args:
            ring: it gets them.
            block: mono, shape ``(n,)``.
            pace: tells when they are due in real time.
            held_seconds: duration of the sound behind them, which the resampler holds back.
        """
        if not self._realtime:
            if not ring.wait_for_room(block.shape[0], self._stop):
                return False
        else:
            self._stop.wait(pace.admit(block.shape[0] / self.sample_rate))
        if block.shape[0]:
            ring.write(block[:, None], time.monotonic() - held_seconds)
        return True

    def _begin(self) -> tuple[RawForm, bytes]:
        """Read a header, if there is one. Returns the form, and what was read of the sound.

        Raises:
            SourceError: it is no raw sound and no WAV stream.
        """
        head = _read_whole(_HEAD_BYTES)
        name = container_of(head)
        if name is None and may_be_frames(head):
            head += _read_whole(_FRAMES_BYTES)
            name = frames_of(head)
        if name is not None:
            raise SourceError(
                f"standard input is {name}, and no raw sound",
                "Decode it: ffmpeg -i INPUT -f wav - | emotiond --source -",
            )
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            return self._form, head
        form: RawForm | None = None
        while len(chunk := _read_whole(8)) == 8:
            name, size = chunk[:4].decode("latin-1"), int.from_bytes(chunk[4:], "little")
            if name == "data" and form is not None:
                return form, b""
            if size > _MOST_CHUNK_BYTES:
                break
            content = _read_whole(size + size % 2)
            if name == "fmt ":
                form = wav_form(content)
                if not LOWEST_RATE <= form.sample_rate <= HIGHEST_RATE:
                    break
        raise SourceError("the WAV header on standard input is damaged", "Send it again")


def _read_whole(count: int) -> bytes:
    """Read so many bytes, or fewer at the end."""
    data = b""
    while len(data) < count and (new := _read(count - len(data))):
        data += new
    return data


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
    if not 1 <= settings.channels <= MOST_CHANNELS:
        raise ConfigError(f"channels cannot be {settings.channels}", f"Use 1 to {MOST_CHANNELS}")
    if settings.format not in FORMATS:
        raise ConfigError(f"format cannot be {settings.format!r}", f"Use {', '.join(FORMATS)}")


def _open(_value: str, settings: StandardInputSettings, playback: Playback) -> Source:
    form = RawForm(settings.rate, settings.channels, settings.format)
    return StandardInput(form, playback.realtime)


STANDARD_INPUT = SourceKind(
    "standard input",
    StandardInputSettings,
    options=(
        Option("--rate", f"sample rate of '--source -' in Hz (default: {SAMPLE_RATE})", "HZ"),
        Option("--channels", "its channels (default: 1); a WAV stream says so itself", "N"),
        Option("--format", f"its samples: {', '.join(FORMATS)} (default: s16le)", "NAME"),
    ),
    check=_check,
    value="-",
    open=_open,
    stream_name=lambda _value: "stdin",
    is_single=True,
)
