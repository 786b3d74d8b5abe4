"""The uploads of clients: audio in over the WebSocket, events out to that client alone."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from emotiond.exceptions import HistoryError, SourceError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.protocol.events import Event, Status
from emotiond.streamer.protocol.names import likeness
from emotiond.streamer.protocol.requests import Audio, Cancel, End, RequestError, Start
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.uploads.history import History
from emotiond.streamer.uploads.upload_source import decode
from emotiond.streamer.uploads.upload_stream import IdleTimer, Recipient, Upload

STREAMS_SHARE = 2
"""The streams of one address may be one of this many of all."""
PUBLISHED_EVENTS_PER_SECOND = 100.0
"""The mean rate at which a published stream may make ``emotion`` events: 25 times real time."""
START_PAUSE_SECONDS = 0.05
"""From one start of a stream to the next, for all clients together."""


class Uploads:
    """Starts, feeds and ends uploads, one per connection at most. It runs in the event loop.

    A worker never waits for a client. For a lossless upload, the daemon reads no more audio from
    the socket until the stream has room and the client has read its events.

    Args:
        adopt: lets a worker serve a stream.
        hub: gets the events of published uploads.
        history: keeps the results of files.
        stride_samples: the stride, in samples at 16 kHz.
        limits: the limits of all clients.
        taken: the names of other streams.
    """

    def __init__(
        self,
        adopt: Callable[[Stream], None],
        hub: Hub,
        history: History,
        stride_samples: int,
        limits: Limits,
        taken: Collection[str],
    ) -> None:
        self._adopt = adopt
        self._hub = hub
        self._history = history
        self._stride_samples = stride_samples
        self._limits = limits
        self._numbered = map("client-{}".format, itertools.count(1))
        self._taken = {likeness(name): name for name in taken}
        self._loop = asyncio.get_running_loop()
        self._running: dict[Connection, Upload] = {}
        # Clients whose audio has no stream. They have already got an error.
        self._without_stream: set[Connection] = set()
        self._turn = asyncio.Lock()
        self._next_start_seconds = 0.0  # in the loop's time
        self.handlers: Mapping[type, Callable[[Connection, Any], Any]] = {
            Start: self._start,
            Audio: self._take,
            End: self._end,
            Cancel: self._cancel,
        }
        """The handlers of requests about uploads."""

    @property
    def count(self) -> int:
        """Number of uploads."""
        return len(self._running)

    @property
    def limit(self) -> int:
        """Largest number of uploads."""
        return self._limits.uploads

    @property
    def published(self) -> Sequence[str]:
        """The names of the published uploads."""
        return [stream.name for stream in self._running.values() if stream.to.start.publish]

    def about(self) -> dict[str, Any]:
        """Return the part of ``hello`` about uploads."""
        return {
            "max": self.limit,
            "max_file_seconds": self._limits.file_seconds,
            "max_message_bytes": self._limits.message_bytes,
            "history": self._history.is_kept,
        }

    def leave(self, client: Connection) -> None:
        """Abort the upload of a client that has left, unless it is a whole file to be kept."""
        stream = self._running.get(client)
        if stream is not None:
            is_whole_file = stream.is_file and stream.is_complete
            if not (is_whole_file and self._history.is_kept):
                self._abort(stream, "the client has gone")
        self._without_stream.discard(client)

    def close(self) -> None:
        """Abort all uploads."""
        for stream in tuple(self._running.values()):
            self._abort(stream, "the daemon ends")

    async def _start(self, client: Connection, start: Start) -> None:
        if client in self._running:
            raise RequestError(
                "stream-running",
                "this connection has a stream already",
                "End or cancel it, or open another connection",
            )
        self._without_stream.add(client)  # in case the upload is refused
        async with self._turn:  # a stream costs memory and work, however soon it is cancelled
            await asyncio.sleep(max(0.0, self._next_start_seconds - self._loop.time()))
            if client.transport.is_closing():
                return
            self._admit(client, start)
            self._next_start_seconds = self._loop.time() + START_PAUSE_SECONDS

    def _admit(self, client: Connection, start: Start) -> None:
        """Start a stream, unless the limits refuse it."""
        if self.count >= self.limit:
            raise RequestError(
                "too-many-streams",
                f"clients have {self.count} streams, and {self.limit} is the most",
                "Try again when one has ended, or allow more with --max-client-streams",
            )
        here = sum(other.limited_as == client.limited_as for other in self._running)
        most_here = max(1, self.limit // STREAMS_SHARE)
        if client.limited_as is not None and here >= most_here:
            raise RequestError(
                "too-many-streams",
                f"this address has {here} streams, and {most_here} is the most for one",
                "Try again when one has ended; clients with a token (--token-file) may have all",
            )
        if start.purpose == "file" and (start.duration or 0) > self._limits.file_seconds:
            raise self._too_long()
        name = self._name_for(start)
        self._without_stream.discard(client)
        self._taken[likeness(name)] = name
        to = Recipient(client, start)
        publish = functools.partial(self._publish, to)
        idle_timer = IdleTimer(self._limits.idle_seconds, functools.partial(self._end_idle, client))
        stream = Upload(name, to, self._stride_samples, publish, idle_timer)
        self._running[client] = stream
        client.pace_audio(stream.is_file)
        about = {"stream": stream.name, "purpose": start.purpose, "name": start.name}
        client.send_json({"type": "started", **about})
        self._adopt(stream)

    def _name_for(self, start: Start) -> str:
        """Return the name of a new stream: the client's own where others get to see it."""
        if not (start.publish and start.name.strip()):
            return next(name for name in self._numbered if likeness(name) not in self._taken)
        taken = self._taken.get(likeness(start.name))
        if taken is not None:
            alike = "" if taken == start.name else f", and {start.name!r} looks like it"
            raise RequestError(
                "name-taken",
                f"there is a stream called {taken!r} already{alike}",
                "Choose another name, or try again when that one has ended",
            )
        return start.name

    async def _take(self, client: Connection, audio: Audio) -> None:
        stream = self._running.get(client)
        if stream is None:
            if client not in self._without_stream:
                self._without_stream.add(client)
                raise _no_stream("a binary message has come, but no stream was started")
            return
        start, sound = stream.to.start, stream.source
        try:
            samples = decode(audio.data, start.format, start.channels)
        except SourceError as error:
            self._abort(stream, str(error))
            raise RequestError("bad-audio", error.problem, error.remedy) from None
        if not samples.shape[0]:
            return  # no sound: the client is as idle as before
        total_seconds = (sound.pushed_samples + samples.shape[0]) / start.sample_rate
        if stream.is_file and total_seconds > self._limits.file_seconds:
            too_long = self._too_long()
            self._abort(stream, too_long.problem)
            raise too_long
        stream.idle_timer.stop()
        await sound.push(samples)
        if stream.is_file:
            await client.caught_up()
        if start.publish:
            await asyncio.sleep(self._pace_seconds(samples.shape[0] / start.sample_rate))
        if self._running.get(client) is stream:  # it may have been aborted
            stream.idle_timer.restart()

    def _pace_seconds(self, sound_seconds: float) -> float:
        """Return how long a published stream waits, so that others get its events in peace."""
        stride_seconds = self._stride_samples / SAMPLE_RATE
        return sound_seconds / stride_seconds / PUBLISHED_EVENTS_PER_SECOND

    async def _end(self, client: Connection, end: End) -> None:
        stream = self._running.get(client)
        if stream is None:
            self._expect_without_stream(client)
            return
        stream.idle_timer.stop()
        stream.is_complete = True
        stream.stop()
        await stream.to.ended.wait()
        if self._running.get(client) is not stream:  # it was aborted at the end
            return
        self._remove(stream)
        if stream.is_file:
            await self._conclude(stream)

    async def _cancel(self, client: Connection, cancel: Cancel) -> None:
        stream = self._running.get(client)
        if stream is None:
            self._expect_without_stream(client)
        else:
            self._abort(stream, "the client has cancelled it")
            await stream.to.ended.wait()  # its name is free then
        self._without_stream.discard(client)

    async def _conclude(self, stream: Upload) -> None:
        """Send the result for a whole file, and add it to the history."""
        to = stream.to
        seconds = stream.source.pushed_samples / stream.source.sample_rate
        summary = stream.summarizer.summary(seconds)
        result = {"name": to.start.name, "time": round(time.time(), 4), **summary.to_json()}
        number, problem = None, None
        if self._history.is_kept:
            try:
                number = await self._history.add(result, to.log)
            except HistoryError as error:
                problem = error
        about = {"type": "analysis", "id": number, "stream": stream.name}
        to.client.send_json({**about, **result, "events": to.log.count})
        if problem is not None:
            raise RequestError("history-failed", problem.problem, problem.remedy)

    def _publish(self, to: Recipient, name: str, events: Sequence[Event], _: bool) -> None:
        """Publish events. The worker calls this, and the loop when an upload starts or aborts."""
        messages = [Message.of(event, to.client) for event in events]
        if to.start.publish:
            self._hub.publish(messages, lossless=False)
        if to.start.purpose == "file":
            for message in messages:
                if not isinstance(message.event, Status):
                    to.log.add(message.text)
        has_ended = any(isinstance(event, Status) and event.status == "ended" for event in events)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all clients
            self._loop.call_soon_threadsafe(self._deliver, to, name, messages, has_ended)

    def _deliver(
        self, to: Recipient, name: str, messages: Sequence[Message], has_ended: bool
    ) -> None:
        for message in () if to.start.publish else messages:  # the hub sends published events
            to.client.send_text(message.text)
        if not has_ended:
            return
        to.ended.set()
        self._taken.pop(likeness(name), None)
        if to.start.publish:
            self._hub.forget(name)
        stream = self._running.get(to.client)
        if stream is not None and stream.to is to and stream.failure is not None:
            self._remove(stream)
            self._without_stream.add(to.client)
            error = RequestError("failed", f"the stream has ended: {stream.failure}", "Try again")
            to.client.send_json(error.to_json(None))

    def _end_idle(self, client: Connection) -> None:
        """Abort the upload of a client that sends no more audio."""
        problem = f"no sound has come for {self._limits.idle_seconds:g} s"
        self._abort(self._running[client], problem)
        client.send_json(RequestError("idle", problem, "Start again").to_json(None))

    def _abort(self, stream: Upload, detail: str) -> None:
        """End an upload at once and ignore the rest of its audio."""
        self._remove(stream)
        self._without_stream.add(stream.to.client)
        stream.source.stop()
        stream.end(None, detail)

    def _remove(self, stream: Upload) -> None:
        """Forget an upload. Only its worker may still hold a reference to it."""
        del self._running[stream.to.client]
        stream.to.client.pace_audio(False)
        stream.ring.on_wake(_nothing)
        stream.idle_timer.stop()

    def _expect_without_stream(self, client: Connection) -> None:
        """Accept the end of an upload that was refused or aborted. Any other end is an error."""
        if client not in self._without_stream:
            raise _no_stream("there is no stream to end")
        self._without_stream.discard(client)

    def _too_long(self) -> RequestError:
        return RequestError(
            "too-long",
            f"a file may have {self._limits.file_seconds / 60:g} minutes",
            "Analyse it where it is, as WAV, FLAC, OGG, Opus or MP3: emotiond analyze FILE",
        )


def _no_stream(problem: str) -> RequestError:
    return RequestError("no-stream", problem, "Send a start message first")


def _nothing() -> None:
    """Do nothing. Unlike the callback that it replaces, it holds no reference to the stream."""
