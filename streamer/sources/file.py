"""Plays a sound file in real time or as fast as possible."""

from __future__ import annotations

import threading
import time
from importlib import resources
from pathlib import Path

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.options import NoSettings
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.readers.opening import is_pipe
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.source import About, OnStatus, Playback, Source, SourceKind, Switch

_BLOCK_SECONDS = 0.02
_DEMO_FILE = "demo.flac"


class FileSource:
    """Plays a sound file into the ring.

    Args:
        path: the file.
        realtime: whether to play in real time; otherwise as fast as there is room.
        loop: whether to begin again at the end. The seam is a cut.
        about: the description of the source.

    Raises:
        SourceError: the file cannot be read.
    """

    def __init__(self, path: str, realtime: bool, loop: bool, about: About | None = None) -> None:
        if is_pipe(path):
            raise SourceError(
                f"{path}: it is a pipe, which cannot be played as a file",
                f"Play it as it comes: --source - < {path}",
            )
        self._path = path
        self._realtime = realtime
        self._loop = loop
        self._decoder = Decoder()
        try:
            self._reading = self._decoder.open(path)
        except BaseException:
            self._decoder.close()
            raise
        self._stop = threading.Event()
        self._is_started = False
        self.sample_rate = self._reading.sample_rate
        self.channels = self._reading.channels
        self.about = about or About()
        self.failure: str | None = None
        self.switch: Switch | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to play."""
        self._is_started = True
        start_playing("file", self, ring, lambda: self._play(ring))

    def stop(self) -> None:
        """End within one block."""
        self._stop.set()
        if not self._is_started:  # otherwise the thread closes it
            self._decoder.close()

    def _play(self, ring: Ring) -> None:
        try:
            self._write(ring)
        finally:
            self._decoder.close()

    def _write(self, ring: Ring) -> None:
        started, played = time.monotonic(), 0
        while not self._stop.is_set():
            piece = self._reading.read()
            if not piece.shape[0]:
                if not self._loop:
                    return
                self._begin_again()
                ring.cut()
            while piece.shape[0]:
                count = self._block_samples(ring)
                block, piece = piece[:count], piece[count:]
                played += block.shape[0]
                due = started + played / self.sample_rate
                if self._realtime:
                    self._stop.wait(due - time.monotonic())
                elif not ring.wait_for_room(block.shape[0], self._stop):
                    return
                if self._stop.is_set():
                    return
                ring.write(block, due)

    def _begin_again(self) -> None:
        self._reading = self._decoder.open(self._path)
        found = self._reading.sample_rate, self._reading.channels
        if found != (self.sample_rate, self.channels):  # the ring has room for the first alone
            raise SourceError(
                f"{self._path}: it was replaced by a file of {found[0]} Hz with {found[1]} "
                f"channels; the first had {self.sample_rate} Hz with {self.channels}",
                "Start the daemon anew",
            )

    def _block_samples(self, ring: Ring) -> int:
        """Return the size of the next block: in real time all that the reader awaits."""
        shortest = max(1, round(_BLOCK_SECONDS * self.sample_rate))
        return max(shortest, int(ring.awaited_samples)) if self._realtime else shortest


def _open(value: str, _settings: NoSettings, playback: Playback) -> Source:
    return FileSource(value, playback.realtime, playback.loop)


def demo_path() -> str:
    """Return the path of the bundled recording."""
    return str(resources.files("emotiond.streamer") / "sources" / _DEMO_FILE)


def _open_demo(_value: str, _settings: NoSettings, playback: Playback) -> Source:
    about = About("the bundled demo recording, not a microphone", demo=True)
    return FileSource(demo_path(), playback.realtime, playback.loop, about)


FILE = SourceKind(
    "file",
    NoSettings,
    options=(),
    value="FILE",
    open=_open,
    recognizes=lambda _value: True,
    stream_name=lambda value: Path(value).stem or "file",
)
DEMO = SourceKind("demo", NoSettings, options=(), value="demo", open=_open_demo, is_voice=False)
