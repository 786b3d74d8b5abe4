"""Sends events to the Lab Streaming Layer: scores and changes, two outlets for each stream."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pylsl

from emotiond import __version__
from emotiond.exceptions import ServeError, printable
from emotiond.inference.card import LABELS
from emotiond.streamer.outputs.lsl_channels import (
    CHANNELS,
    MOST_BUFFERED_HUNDREDS,
    MOST_WAITING,
)
from emotiond.streamer.outputs.lsl_confinement import Confinement, ConfinementError
from emotiond.streamer.outputs.output import About, call_in_thread, wait_while
from emotiond.streamer.protocol.events import Change, Emotion, Event, Status
from emotiond.streamer.server.prometheus import metric
from emotiond.streamer.sparing_log import SparingLog

if TYPE_CHECKING:
    from emotiond.streamer.hub import Message

_log = logging.getLogger(__name__)

_READINGS, _CLOSE_SECONDS = 8, 50e-6  # of the clocks: a reading takes 1 µs where nothing interrupts
PATIENCE_SECONDS = 5.0  # for outlets that hold up a lossless stream
_LINGER_SECONDS = 0.1  # in which inlets get the last samples: an outlet's end cuts them off


@dataclass(frozen=True)
class _Sample:
    """An event, and when its sound was captured, in LSL's clock."""

    event: Event
    seconds: float


@dataclass(frozen=True)
class _Outlets:
    """The outlets of one stream."""

    scores: pylsl.StreamOutlet
    changes: pylsl.StreamOutlet

    def push(self, sample: _Sample) -> None:
        """Push an event. liblsl only queues it. Each sample has its own time stamp.

        The scores are NaN where there are none: so silence differs from a loss of events.
        """
        event = sample.event
        if isinstance(event, Emotion):
            scores = event.scores or dict.fromkeys(LABELS, math.nan)
            values = [*(scores[label] for label in LABELS), event.level_dbfs, event.speech_ratio]
            self.scores.push_sample(values, sample.seconds)
        elif isinstance(event, Change):
            self.changes.push_sample([event.to_label or "none"], sample.seconds)


class LslOutput:
    """Makes, fills and ends the outlets in a thread of its own, since making them takes time.

    Args:
        daemon: the daemon's name.
        is_open: whether other machines may listen.

    Raises:
        ServeError: the outlets cannot be kept to this machine.
    """

    def __init__(self, daemon: str, is_open: bool) -> None:
        self.dropped = 0
        """Number of samples for which the queue had no room, or which had no outlet."""
        self.failure: str | None = None
        self._daemon = daemon
        self._open_to = "everyone who can reach this machine" if is_open else None
        self._samples: queue.Queue[_Sample | None] = queue.Queue(MOST_WAITING)
        self._seconds: dict[str, float] = {}  # of the last emotion of each stream
        self._outlets: dict[str, _Outlets] = {}
        self._ending: list[threading.Thread] = []
        self._pushed = 0
        self._faults = SparingLog(_log)
        self._confinement = None if is_open else _confinement()
        self._started: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="emotiond-lsl", daemon=True)
        self._thread.start()
        if (error := self._started.get()) is not None:
            raise error

    def send(self, message: Message) -> None:
        """Queue an event with its time in LSL's clock. It is dropped if the queue is full.

        That clock is read together with the system's: so a clock that was set does no harm.
        """
        event = message.event
        if isinstance(event, Emotion):
            self._seconds[event.stream] = event.time + _clock_offset_seconds()
        seconds = self._seconds.get(event.stream, 0.0)  # a change is that of the last emotion
        if isinstance(event, Status):
            if event.status != "ended":
                return
            self._seconds.pop(event.stream, None)
        try:
            self._samples.put_nowait(_Sample(event, seconds))
        except queue.Full:
            self.dropped += 1

    async def drained(self, wholly: bool = False) -> None:
        """Wait until half of the queue is free or, if ``wholly``, it is empty; 5 s at most."""
        most, deadline = 0 if wholly else MOST_WAITING // 2, time.monotonic() + PATIENCE_SECONDS
        await wait_while(lambda: self._samples.qsize() > most and time.monotonic() < deadline)

    def about(self) -> About:
        """Return who can listen, and how many streams and samples there are."""
        return About(
            address="LSL",
            open_to=self._open_to or "every user of this machine",
            health={"lsl": {"streams": len(self._outlets), "samples": self._pushed}},
            metrics=[
                metric(
                    "emotiond_lsl_samples_total", "counter", "Samples of LSL.", (self._pushed, {})
                )
            ],
        )

    async def ready(self) -> None:
        """Return at once: the outlets of a stream are made with its first event."""

    async def close(self, timeout_seconds: float) -> None:
        """Push the rest, and end all outlets, if that is possible in time."""
        await call_in_thread(self._close, time.monotonic() + timeout_seconds)

    def _close(self, deadline: float) -> None:
        try:
            self._samples.put(None, timeout=max(0.0, deadline - time.monotonic()))
        except queue.Full:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        for thread in self._ending:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        try:
            if self._confinement is not None:
                self._confinement.enter()
        except ConfinementError as error:
            self._started.put(_not_kept(error))
            return
        self._started.put(None)
        while (sample := self._samples.get()) is not None:
            try:
                self._take(sample)
            except Exception as error:  # one stream's fault must not cost the others
                self.dropped += 1
                self._faults.warning(f"LSL gets no sample ({type(error).__name__})")
        for stream in [*self._outlets]:
            self._end(stream)

    def _take(self, sample: _Sample) -> None:
        stream = sample.event.stream
        if isinstance(sample.event, Status):
            self._end(stream)
            return
        if stream not in self._outlets and isinstance(sample.event, Emotion):
            self._outlets[stream] = _make_outlets(self._daemon, sample.event)
        if stream in self._outlets:
            self._outlets[stream].push(sample)
            self._pushed += 1

    def _end(self, stream: str) -> None:
        """End the outlets of a stream in a while, and hold up no other stream."""
        if (outlets := self._outlets.pop(stream, None)) is None:
            return
        self._ending = [thread for thread in self._ending if thread.is_alive()]
        thread = threading.Thread(target=_linger, args=(outlets,), daemon=True)
        self._ending.append(thread)
        thread.start()


def _clock_offset_seconds() -> float:
    """Return LSL's clock less the system's, from the reading that was interrupted the least.

    A busy machine can stop this thread for milliseconds between the two clocks.
    """
    readings: list[tuple[float, float]] = []
    for _ in range(_READINGS):
        before, lsl_seconds, after = time.time(), pylsl.local_clock(), time.time()
        readings.append((abs(after - before), lsl_seconds - (before + after) / 2))
        if abs(after - before) < _CLOSE_SECONDS:
            break
    return min(readings)[1]


def _linger(_outlets: _Outlets) -> None:
    """Keep outlets for a moment. pylsl ends an outlet with its last reference."""
    time.sleep(_LINGER_SECONDS)


def lsl_name(stream: str) -> str:
    """Return a stream's name as a part of an outlet's, which then is that of no other stream."""
    shown = printable(stream.encode("utf-8", "backslashreplace").decode())
    return shown.replace("%", "%25").replace("/", "%2F")


def _make_outlets(daemon: str, event: Emotion) -> _Outlets:
    """Make the outlets of a stream. The same one has the same source, so that inlets find it again.

    The rate is irregular: strides grow under load, and mute makes pauses. At a nominal rate,
    readers such as pyxdf would move the time stamps.
    """
    name = lsl_name(event.stream)
    source = f"emotiond/{printable(daemon)}/{name}"
    scores = pylsl.StreamInfo(
        f"emotiond/{name}",
        "Emotion",
        len(CHANNELS),
        pylsl.IRREGULAR_RATE,
        pylsl.cf_float32,
        f"{source}/scores",
    )
    channels = scores.desc().append_child("channels")
    for label, unit, kind in CHANNELS:
        channel = channels.append_child("channel")
        for key, value in (("label", label), ("unit", unit), ("type", kind)):
            channel.append_child_value(key, value)
    changes = pylsl.StreamInfo(
        f"emotiond/{name}/changes",
        "Markers",
        1,
        pylsl.IRREGULAR_RATE,
        pylsl.cf_string,
        f"{source}/changes",
    )
    for info in (scores, changes):
        acquisition = info.desc().append_child("acquisition")
        acquisition.append_child_value("manufacturer", "emotiond")
        acquisition.append_child_value("version", __version__)
        if event.demo:
            acquisition.append_child_value("demo", "true")
        if event.replay:
            acquisition.append_child_value("replay", "true")
    return _Outlets(
        pylsl.StreamOutlet(scores, max_buffered=MOST_BUFFERED_HUNDREDS),
        pylsl.StreamOutlet(changes, max_buffered=MOST_BUFFERED_HUNDREDS),
    )


def _confinement() -> Confinement:
    try:
        return Confinement()
    except ConfinementError as error:
        raise _not_kept(error) from None


def _not_kept(error: ConfinementError) -> ServeError:
    return ServeError(
        f"LSL cannot be kept to this machine: {error}",
        "Leave out --lsl, or let other machines listen with --insecure",
    )


async def open_lsl(daemon: str, is_open: bool) -> LslOutput:
    """Open the output in a thread, so that nothing waits.

    Raises:
        ServeError: the outlets cannot be kept to this machine.
    """
    _quieten()
    if is_open:
        _log.warning("everyone who can reach this machine can listen by LSL, without encryption")
    return await asyncio.to_thread(LslOutput, daemon, is_open)


def _quieten() -> None:
    """Have liblsl log errors alone to standard error, unless the user has settings for it."""
    named = os.environ.get("LSLAPICFG")
    places = (
        *((Path(named),) if named else ()),
        Path("lsl_api.cfg"),
        Path("~/lsl_api/lsl_api.cfg").expanduser(),
        Path("/etc/lsl_api/lsl_api.cfg"),
    )
    if not any(place.is_file() for place in places):
        pylsl.set_config_content("[log]\nlevel = -2\n")
