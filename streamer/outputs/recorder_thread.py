"""The thread that records one stream: neither the source nor the pipeline waits for the disk."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from emotiond.exceptions import RecordError, cause_of
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.chunker import Chunk, Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.output import wait_while
from emotiond.streamer.protocol.events import position_of_event
from emotiond.streamer.recordings.plan import Plan
from emotiond.streamer.recordings.writer import RecordingWriter

MOST_WAITING = 1000
"""Events in the queue to the disk. Beyond, the newest are dropped."""

_PIECE_SAMPLES = SAMPLE_RATE // 4  # per write
_PATIENCE_SECONDS = 0.5  # for an event's sound, and before the first sound
_LOOK_SECONDS = 0.25  # between two looks, while something waits
_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    message: Message
    since: float
    """The monotonic time at which it came."""


class Recorder:
    """Records one stream.

    If the disk falls behind by more than the ring holds, the oldest audio is lost.

    Args:
        path: the WAV file.
        stream: the name of the stream.
        source: the ring to copy the audio from.
        on_failure: takes the cause when writing fails. The recorder's thread calls it.
        plan: how the recording is divided into files.
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
        plan: Plan,
        live: bool = False,
    ) -> None:
        self.stream = stream
        self.failure: str | None = None
        """Why the recording stopped early; None otherwise."""
        self.dropped = 0
        self._on_failure = on_failure
        self._source = source
        self._waiting: deque[_Waiting] = deque()
        self._due = threading.Event()
        self._closing = False
        self._has_ended = False  # all sound is written
        try:
            self._writer = RecordingWriter(path, stream, plan, time.time)
        except (OSError, ValueError) as error:  # ValueError: an impossible file name
            raise RecordError(
                f"cannot record to {str(path)!r} ({getattr(error, 'strerror', error)})",
                "Choose a folder of your own that can be written to, with --record FILE.wav",
            ) from None
        source.copy = self._ring = source.sibling()
        self._ring.on_wake(self._due.set)
        self._chunker = Chunker(self._ring, _PIECE_SAMPLES, live)
        self._due.set()  # the first look requests the wake-ups
        self._thread = threading.Thread(target=self._run, name="emotiond-recorder", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The sound file that is being written."""
        return self._writer.path

    @property
    def present_paths(self) -> Sequence[Path]:
        """The sound files of the parts that are being written; none after a failure."""
        return () if self.failure is not None else self._writer.present_paths

    @property
    def deleted(self) -> tuple[int, int]:
        """Files, and bytes, that were deleted for the quota."""
        quota = self._writer.quota
        return (0, 0) if quota is None else (quota.deleted_files, quota.deleted_bytes)

    def send(self, message: Message) -> None:
        """Queue an event of the stream, or drop it if the queue is full."""
        if message.stream != self.stream or self.failure is not None:
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(_Waiting(message, time.monotonic()))
        else:
            self.dropped += 1
        self._due.set()

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free, the queue is empty, or writing has failed."""
        most = 0 if wholly else MOST_WAITING // 2
        await wait_while(lambda: len(self._waiting) > most and self.failure is None)

    def close(self, timeout_seconds: float) -> None:
        """Write the rest, if the disk takes it in time. Files without any content are removed."""
        self._closing = True
        self._due.set()
        self._thread.join(timeout_seconds)

    def about(self) -> dict[str, Any]:
        """Return the state for ``/healthz``."""
        deleted_files, deleted_bytes = self.deleted
        return {
            "file": str(self.path),
            "seconds": round(self._writer.seconds, 2),
            "parts": self._writer.parts,
            "deleted_files": deleted_files,
            "deleted_bytes": deleted_bytes,
            "dropped_samples": self._chunker.dropped_samples,
            "dropped_events": self.dropped,
            "failure": self.failure,
        }

    def _run(self) -> None:
        try:
            is_done = True
            while not self._closing:
                self._due.wait(None if is_done else _LOOK_SECONDS)
                self._due.clear()
                is_done = self._write()
            self._write()  # the last audio and events
            self._writer.close()
        except Exception as error:  # most likely a full disk; the stream continues
            reason = error.strerror if isinstance(error, OSError) else cause_of(error)
            self.failure = f"the recording {self.path} ends ({reason})"
            _log.error("%s: %s", self.stream, self.failure)
            self._on_failure(self.failure)
            with contextlib.suppress(OSError):
                self._writer.close()
        finally:
            self._source.copy = None
            while self._chunker.next_chunk() is not None:
                pass  # a source may be waiting for room in the ring

    def _write(self) -> bool:
        """Write all queued audio, then the queued events. Returns whether nothing waits."""
        while (chunk := self._chunker.next_chunk()) is not None:
            self._has_ended = chunk.last
            if chunk.samples.shape[0]:
                self._record(chunk)
        while self._waiting and self._may_be_written(self._waiting[0]):
            message = self._waiting.popleft().message
            self._writer.add_event(message.event, message.text)
        return self._writer.flush() and not self._waiting

    def _may_be_written(self, waiting: _Waiting) -> bool:
        """Return whether it is known in which part an event lies.

        That is where its sound ends, which may come a moment later here than to the pipeline. An
        event does not wait for long: its source may have stopped, or never begun.
        """
        has_sound = self._writer.sound_end_seconds > 0
        position = position_of_event(waiting.message.event)
        is_known = has_sound and (position or 0.0) <= self._writer.sound_end_seconds
        is_old = time.monotonic() - waiting.since >= _PATIENCE_SECONDS
        return is_known or is_old or self._closing or self._has_ended

    def _record(self, chunk: Chunk) -> None:
        count = chunk.samples.shape[0]
        captured = self._chunker.capture_time(chunk.position + count)
        age_seconds = 0.0 if captured is None else time.monotonic() - captured
        self._writer.add_sound(
            chunk.samples,
            chunk.position / SAMPLE_RATE,
            chunk.after_cut,
            time.time() - age_seconds - count / SAMPLE_RATE,
        )
