"""``--record``: writes the audio of one stream, as the pipeline gets it, and its events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from emotiond.exceptions import RecordError
from emotiond.streamer.options import Option
from emotiond.streamer.outputs.output import (
    About,
    Opener,
    Output,
    OutputKind,
    Surroundings,
    call_in_thread,
    uses_no_network,
)
from emotiond.streamer.recordings.plan import Plan, parse_plan

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message
    from emotiond.streamer.outputs.recorder_thread import Recorder

SUFFIX = ".wav"


@dataclass(frozen=True)
class RecordSettings:
    """The settings of the recordings."""

    record: tuple[str, ...] = ()
    """Values ``[NAME=]FILE.wav``: streams whose audio and events are recorded."""
    record_rotate: tuple[str, ...] = ()
    """When a new file begins: at a size such as ``100MB``, each ``day``, or both."""
    record_quota: str | None = None
    """Size of all files of a recording, beyond which the oldest are deleted; None to keep all."""
    record_events: Literal["jsonl", "sqlite", "both"] = "jsonl"
    """In which form events are written."""


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
        name, file = _split(text)
        name = streams[0] if name is None else name
        if name not in streams:
            known = ", ".join(streams)
            raise RecordError(f"there is no stream {name!r} to record", f"Choose one of: {known}")
        if Path(file).suffix.lower() != SUFFIX:
            raise RecordError(f"a recording cannot be {file!r}", f"Use --record FILE{SUFFIX}")
        if name in paths:
            raise RecordError(f"{name!r} is recorded already", "Give --record once for each stream")
        paths[name] = Path(file)
    return paths


def recorded_folders(settings: RecordSettings) -> Sequence[Path]:
    """Return the folders of all recordings, each once."""
    files = (Path(_split(text)[1]) for text in settings.record)
    return [*dict.fromkeys(file.absolute().parent for file in files)]


def _split(text: str) -> tuple[str | None, str]:
    """Return the name of the stream, None for the first one, and the file."""
    name, separator, file = text.partition("=")
    return (None, text) if not separator or "/" in name else (name, file)


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

    @property
    def present_paths(self) -> Sequence[Path]:
        """The sound files that are being written."""
        return [path.absolute() for each in self._recorders for path in each.present_paths]

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
        from emotiond.streamer.server.prometheus import metric

        deleted = [(each.deleted, {"stream": each.stream}) for each in self._recorders]
        return About(
            remarks=[f"recording {each.stream} to {each.path}" for each in self._recorders],
            health={"recordings": {each.stream: each.about() for each in self._recorders}},
            hello={
                "recording": [e.stream for e in self._recorders if e.failure is None],
                "sessions": True,
            },
            metrics=(
                metric(
                    "emotiond_recording_deleted_files_total",
                    "counter",
                    "Files of recordings that were deleted for the quota.",
                    *((float(files), stream) for (files, _), stream in deleted),
                ),
                metric(
                    "emotiond_recording_deleted_bytes_total",
                    "counter",
                    "Their size.",
                    *((float(size), stream) for (_, size), stream in deleted),
                ),
            ),
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


def _plan(settings: RecordSettings) -> Plan:
    return parse_plan(settings.record_rotate, settings.record_quota, settings.record_events)


def _check(settings: RecordSettings) -> None:
    """Check each value alone: whether they go together is known when all settings are."""
    parse_plan(settings.record_rotate or ("day",), settings.record_quota, settings.record_events)


def _prepare(settings: RecordSettings) -> Opener | None:
    plan = _plan(settings)

    async def open_recorders(around: Surroundings) -> Output:
        from emotiond.streamer.outputs.recorder_thread import Recorder
        from emotiond.streamer.streams.replay import Replay

        streams = {stream.name: stream for stream in around.streams}
        paths = parse_records(settings.record, tuple(streams))
        recorders: list[Recorder] = []
        try:
            for name, stream in streams.items():
                if name not in paths:
                    continue
                if isinstance(stream, Replay):
                    raise RecordError(f"{name!r} has no sound to record", "Copy its recording")
                live, ring = stream.source.about.live, stream.ring
                recorders.append(Recorder(paths[name], name, ring, stream.report, plan, live))
        except RecordError:
            await Recordings(recorders).close(RECORDER.close_seconds)
            raise
        return Recordings(recorders)

    return open_recorders if settings.record else None


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
        Option(
            "--record-rotate",
            "begin a new file at a size such as 100MB, or at midnight; repeat it for both",
            "SIZE|day",
        ),
        Option(
            "--record-quota",
            "delete the oldest files of a recording beyond this size of all of them",
            "SIZE",
        ),
        Option(
            "--record-events",
            "write the events as lines of JSON or as an SQLite database (default: jsonl)",
            "jsonl|sqlite|both",
        ),
    ),
    check=_check,
    reach=uses_no_network,
    prepare=_prepare,
    queue="recorded_events",
    absent=About(health={"recordings": {}}, hello={"recording": [], "sessions": False}),
)
