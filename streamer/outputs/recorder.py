"""``--record``: writes the audio of one stream, as the pipeline gets it, and its events."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotiond.exceptions import RecordError, cause_of
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.audio.wav import WavWriter, write_all
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import (
    About,
    Opener,
    Output,
    OutputKind,
    Surroundings,
    call_in_thread,
    uses_no_network,
    wait_while,
)
from emotiond.streamer.private_files import create_private
from emotiond.streamer.protocol.events import encode

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message
    from emotiond.streamer.streams.stream import Stream

_log = logging.getLogger(__name__)

SUFFIX = ".wav"
_PIECE_SAMPLES = SAMPLE_RATE // 4  # per write
_MOST_WAITING = 1000  # events in the queue to the disk; beyond, the newest are dropped


@dataclass(frozen=True)
class RecordSettings:
    """The setting of the recordings."""

    record: tuple[str, ...] = ()
    """Values ``[NAME=]FILE.wav``: streams whose audio and events are recorded."""


def parse_records(texts: Sequence[str], streams: Sequence[str]) -> Mapping[str, Path]:
    """Parse values of the form ``[NAME=]FILE.wav``. Returns the file of each recorded stream.

    Args:
        texts: the values of ``--record``.
        streams: the names of all streams. A value without a name means the first one.

    Raises:
        RecordError: there is no such stream, it is recorded twice, or the file is not ``.wav``.
    """
    paths: dict[str, Path] = {}
    for text in texts:
        name, separator, file = text.partition("=")
        if not separator or "/" in name:
            name, file = streams[0], text
        if name not in streams:
            known = ", ".join(streams)
            raise RecordError(f"there is no stream {name!r} to record", f"Choose one of: {known}")
        if Path(file).suffix.lower() != SUFFIX:
            raise RecordError(f"a recording cannot be {file!r}", f"Use --record FILE{SUFFIX}")
        if name in paths:
            raise RecordError(f"{name!r} is recorded already", "Give --record once for each stream")
        paths[name] = Path(file)
    return paths


class Recordings:
    """All recordings together: an output with a recorder for each recorded stream.

    Args:
        recorders: all running. Each takes only the events of its own stream.
    """

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self._recorders = recorders

    @property
    def failure(self) -> str | None:
        """Why a recording stopped early; None while all continue."""
        return next((each.failure for each in self._recorders if each.failure), None)

    @property
    def dropped(self) -> int:
        """Number of events that full queues lost."""
        return sum(each.dropped for each in self._recorders)

    def send(self, message: Message) -> None:
        """Queue an event for the recording of its stream."""
        for recorder in self._recorders:
            recorder.send(message)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until all queues have room or, if ``wholly``, are empty."""
        for recorder in self._recorders:
            await recorder.drained(wholly)

    def about(self) -> About:
        """Return what is recorded, and where."""
        return About(
            remarks=[f"recording {each.stream} to {each.path}" for each in self._recorders],
            health={"recordings": {each.stream: each.about() for each in self._recorders}},
            hello={"recording": [e.stream for e in self._recorders if e.failure is None]},
        )

    async def ready(self) -> None:
        """Return at once."""

    async def close(self, timeout_seconds: float) -> None:
        """Write the rest, if the disk takes it in time."""
        await call_in_thread(self._close, time.monotonic() + timeout_seconds)

    def _close(self, deadline: float) -> None:
        for recorder in self._recorders:
            recorder.close(0)  # all of them write at once
        for recorder in self._recorders:
            recorder.close(max(0.0, deadline - time.monotonic()))


class Recorder:
    """Writes in its own thread: neither the source nor the pipeline waits for the disk.

    If the disk falls behind by more than the ring holds, the oldest audio is lost. The recorder
    never overwrites a file: it begins ``FILE-2.wav`` if ``FILE.wav`` exists or is full, after 37
    hours. ``FILE.jsonl`` holds the events of the stream. It also has a line of type
    ``recording`` at the start and after each gap, which maps the file's time to the stream's.

    Args:
        path: the WAV file.
        stream: the name of the stream.
        source: the ring to copy the audio from.
        on_failure: takes the cause when writing fails. The recorder's thread calls it.
        live: whether the stream resamples with a small delay, so that its samples are the same.

    Raises:
        RecordError: the files cannot be created.
    """

    def __init__(
        self,
        path: Path,
        stream: str,
        source: Ring,
        on_failure: Callable[[str], None],
        live: bool = False,
    ) -> None:
        self._wanted = path
        self.stream = stream
        self.failure: str | None = None
        """Why the recording stopped early; None otherwise."""
        self.dropped = 0
        self._on_failure = on_failure
        self._source = source
        self._lines: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        self._due = threading.Event()
        self._closing = False
        try:
            self._open_files()
        except (OSError, ValueError) as error:  # ValueError: an impossible file name
            raise RecordError(
                f"cannot record to {str(path)!r} ({getattr(error, 'strerror', error)})",
                "Choose a folder that can be written to, with --record FILE.wav",
            ) from None
        source.copy = self._ring = source.sibling()
        self._ring.on_wake(self._due.set)
        self._chunker = Chunker(self._ring, _PIECE_SAMPLES, live)
        self._due.set()  # the first look requests the wake-ups
        self._thread = threading.Thread(target=self._run, name="emotiond-recorder", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Queue an event of the stream, or drop it if the queue is full."""
        if message.stream != self.stream or self.failure is not None:
            return
        try:
            self._lines.put_nowait(message.text)
        except queue.Full:
            self.dropped += 1
        self._due.set()

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free, the queue is empty, or writing has failed."""
        most_lines = 0 if wholly else _MOST_WAITING // 2
        await wait_while(lambda: self._lines.qsize() > most_lines and self.failure is None)

    def close(self, timeout_seconds: float) -> None:
        """Write the rest, if the disk takes it in time. Files without any content are removed."""
        self._closing = True
        self._due.set()
        self._thread.join(timeout_seconds)

    def about(self) -> dict[str, Any]:
        """Return the state for ``/healthz``."""
        return {
            "file": str(self.path),
            "seconds": round(self._wav.seconds, 2),
            "dropped_samples": self._chunker.dropped_samples,
            "dropped_events": self.dropped,
            "failure": self.failure,
        }

    def _run(self) -> None:
        try:
            while not self._closing:
                self._due.wait()
                self._due.clear()
                self._write()
            self._write()  # the last audio and events
        except Exception as error:  # most likely a full disk; the stream continues
            reason = error.strerror if isinstance(error, OSError) else cause_of(error)
            self.failure = f"the recording {self.path} ends ({reason})"
            _log.error("%s: %s", self.stream, self.failure)
            self._on_failure(self.failure)
        finally:
            self._source.copy = None
            while self._chunker.next_chunk() is not None:
                pass  # a source may be waiting for room in the ring
            self._close_files()

    def _write(self) -> None:
        """Write all queued audio, then the queued events."""
        while (chunk := self._chunker.next_chunk()) is not None:
            if chunk.samples.shape[0]:
                self._record(chunk)
        lines = bytearray()
        while not self._lines.empty():
            lines += self._lines.get().encode() + b"\n"
        write_all(self._log, lines)

    def _record(self, chunk: Chunk) -> None:
        is_first = self._wav.seconds == 0
        if self._wav.is_full:
            self._close_files()
            self._open_files()
            is_first = True
        if is_first or chunk.after_cut:
            write_all(self._log, self._position_line(chunk).encode() + b"\n")
        self._wav.append(chunk.samples)

    def _position_line(self, chunk: Chunk) -> str:
        """Return the line that maps the present time of the file to that of the stream."""
        count = chunk.samples.shape[0]
        captured = self._chunker.capture_time(chunk.position + count)
        age_seconds = 0.0 if captured is None else time.monotonic() - captured
        return encode(
            {
                "type": "recording",
                "stream": self.stream,
                "file_seconds": round(self._wav.seconds, 4),
                "stream_seconds": round(chunk.position / SAMPLE_RATE, 4),
                "time": round(time.time() - age_seconds - count / SAMPLE_RATE, 4),
            }
        )

    def _open_files(self) -> None:
        for path in _candidates(self._wanted):
            if os.path.lexists(path) or os.path.lexists(path.with_suffix(".jsonl")):
                continue  # a dangling link, too
            self.path = path
            self._log = create_private(path.with_suffix(".jsonl"))
            try:
                self._wav = WavWriter(path)
            except OSError as error:
                os.close(self._log)
                path.with_suffix(".jsonl").unlink()
                if not isinstance(error, FileExistsError):  # that one is not ours
                    path.unlink(missing_ok=True)
                raise
            return

    def _close_files(self) -> None:
        """Close the files, and remove them if nothing has been written."""
        is_empty = not self._wav.seconds and not os.fstat(self._log).st_size
        self._wav.close()
        os.close(self._log)
        if is_empty:
            for path in (self.path, self.path.with_suffix(".jsonl")):
                with contextlib.suppress(OSError):
                    path.unlink()


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def _prepare(settings: RecordSettings) -> Opener | None:
    async def open_recorders(around: Surroundings) -> Output:
        streams = {stream.name: stream for stream in around.streams}
        paths = parse_records(settings.record, tuple(streams))
        recorders: list[Recorder] = []
        try:
            for name, stream in streams.items():
                if name in paths:
                    recorders.append(_recorder(paths[name], stream))
        except RecordError:
            await Recordings(recorders).close(RECORDER.close_seconds)
            raise
        return Recordings(recorders)

    return open_recorders if settings.record else None


def _recorder(path: Path, stream: Stream) -> Recorder:
    return Recorder(path, stream.name, stream.ring, stream.report, stream.source.about.live)


RECORDER = OutputKind(
    "recorder",
    RecordSettings,
    options=(
        Option(
            "--record",
            "record a stream's sound, with its events beside it; repeat it for several",
            "[NAME=]FILE.wav",
            after="--stride",
        ),
    ),
    reach=uses_no_network,
    prepare=_prepare,
    queue="recorded_events",
    absent=About(health={"recordings": {}}, hello={"recording": []}),
)
