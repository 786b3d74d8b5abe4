"""The daemon: it starts sources, workers, hub and outputs, and ends them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from emotiond.exceptions import ConfigError, cause_of
from emotiond.streamer.daemon.greeting import hello
from emotiond.streamer.daemon.health import health
from emotiond.streamer.daemon.metrics import make_metrics
from emotiond.streamer.daemon.mute import MuteSwitch
from emotiond.streamer.daemon.opening_lines import opening_lines
from emotiond.streamer.daemon.preparing import Openers, Prepared, prepare
from emotiond.streamer.daemon.supervision import Supervisor, state_line
from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.outputs.output import About, Output, OutputKind, Surroundings
from emotiond.streamer.outputs.recorder import RECORDER, Recordings, recorded_folders
from emotiond.streamer.past.past import Past
from emotiond.streamer.protocol.events import Event, encode
from emotiond.streamer.recordings.catalog import Catalog
from emotiond.streamer.rooms.rooms import Rooms
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.limits import Limits
from emotiond.streamer.server.prometheus import Metric
from emotiond.streamer.sessions.sessions import Sessions
from emotiond.streamer.settings.config import Config
from emotiond.streamer.signals import handling_signals
from emotiond.streamer.sources.factory import SourceSpec
from emotiond.streamer.sources.source import EventSource, Source
from emotiond.streamer.sparing_log import SparingLog
from emotiond.streamer.standard_streams import say
from emotiond.streamer.streams.replay import OwnStream, Replay
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.streams.workers import Worker
from emotiond.streamer.uploads.archive import Archive
from emotiond.streamer.uploads.archives import archive_at
from emotiond.streamer.uploads.history import History
from emotiond.streamer.uploads.uploads import Uploads

_log = logging.getLogger(__name__)

_STOP_SECONDS = 0.3  # per part; all parts together end within a second
_SPARE_SECONDS = 0.5  # for an output, beyond its own time
_MOST_WORKERS = 2


Sources = Sequence[tuple[SourceSpec, Source | EventSource]]


def run(config: Config, opened: Callable[[], Sources]) -> int:
    """Run the daemon until its sources end (``once``) or a signal stops it.

    Args:
        config: all settings.
        opened: waits for the sources, which open in the background, and returns them.

    Returns:
        The exit status: 1 if a source or an output failed, else 0.

    Raises:
        EmotiondError: the daemon cannot start.
    """
    prepared, sources = prepare(config), opened()
    for _, source in sources:
        if source.about.stands_in_because is not None:
            say(f"emotiond: {source.about.stands_in_because}")
            say(
                "emotiond: playing the bundled demo recording instead, on the page alone. "
                "'--source demo' plays it on all outputs, '--source mic' waits for a microphone."
            )
    return serve(config, prepared, sources)


def serve(config: Config, prepared: Prepared, sources: Sources) -> int:
    """Run the daemon with what it has read. See :func:`run`."""

    async def until_the_end() -> int:
        asyncio.get_running_loop().set_exception_handler(SparingLog(_log).loop_exception)
        daemon = Daemon(config, prepared, sources)
        return await daemon.run(prepared.openers)

    return asyncio.run(until_the_end())


def _archive(config: Config) -> Archive | None:
    """Return the archive of the history. The daemon does without one where it has no place."""
    try:
        place = config.history_place
        return None if place is None else archive_at(place)
    except ConfigError as error:
        _log.warning("no history is kept: %s", error)
        return None


class Daemon:
    """All parts of one running daemon. Create it in the event loop that runs it."""

    def __init__(
        self,
        config: Config,
        prepared: Prepared,
        sources: Sources,
    ) -> None:
        self._config = config
        self._model = model = prepared.model
        self._profile = prepared.profile
        count = min(len(sources), _MOST_WORKERS, os.cpu_count() or 1)
        self._workers = [Worker(model, prepared.runtime) for _ in range(count)]
        self._round_robin = itertools.cycle(self._workers)
        self._stopping = asyncio.Event()
        self._started_seconds = time.monotonic()
        self._mute_switch = MuteSwitch([source for _, source in sources])
        self._hub = Hub(asyncio.get_running_loop())
        self._streams = [self._new_stream(spec.name, source) for spec, source in sources]
        self._limits = Limits(uploads=config.max_client_streams)
        self._history = History(_archive(config))
        self._uploads = Uploads(
            self._adopt,
            self._hub,
            self._history,
            config.stride_samples,
            self._limits,
            taken=[stream.name for stream in self._streams],
        )
        self._sessions = Sessions(self._catalog(config))
        self._past = Past(
            config.keep_hours,
            demos={s.name: s.source.about.demo for s in self._streams},
            forget_last=self._hub.forget_last,
        )
        self._instance = uuid.uuid4().hex
        self._rooms = Rooms(
            prepared.followed, config.daemon_name, self._instance, self._stream_names
        )
        self._outputs: dict[OutputKind[Any], Output] = {}
        """The open outputs, in the order of the table."""
        self._close_failures: list[str] = []
        self._supervisor = Supervisor()
        self._watching: asyncio.Future[None] | None = None

    async def run(self, openers: Openers) -> int:
        """Open the outputs, play the sources, wait for the end, and close all parts."""
        with handling_signals(self._stopping.set, self._mute_switch.toggle):
            try:
                await self._until_stopped(self._open_and_play(openers))
            finally:
                self._supervisor.tell("STOPPING=1")
                await self._close()
        return 1 if self._failures() else 0

    def _failures(self) -> Sequence[str]:
        """Return why sources and outputs have stopped early."""
        failures = [stream.failure for stream in self._streams]
        failures += [output.failure for output in self._outputs.values()]
        return [*filter(None, failures), *self._hub.failures.values(), *self._close_failures]

    def _new_stream(self, name: str, source: Source | EventSource) -> OwnStream:
        lossless, stride_samples = self._config.lossless, self._config.stride_samples
        if isinstance(source, EventSource):
            return Replay(name, source, lossless, self._config.stride, self._publish)
        return Stream(name, source, lossless, stride_samples, self._publish)

    def _adopt(self, stream: Stream) -> None:
        """Give an upload to the next worker, round-robin and without a profile."""
        next(self._round_robin).adopt(stream)

    def _remove_client(self, client: Connection) -> None:
        self._uploads.leave(client)
        self._history.leave(client)
        self._sessions.leave(client)
        self._past.leave(client)
        self._rooms.leave(client)

    def _catalog(self, config: Config) -> Catalog | None:
        """Return what is recorded; None for a daemon that records nothing."""
        settings = next(each for kind, each in config.outputs if kind is RECORDER)
        folders = recorded_folders(settings)
        return Catalog(folders, self._recorded_paths) if folders else None

    def _recorded_paths(self) -> Sequence[Path]:
        """Return the sound files that are being written."""
        recordings = self._outputs.get(RECORDER)
        return recordings.present_paths if isinstance(recordings, Recordings) else ()

    def _stream_names(self) -> Sequence[str]:
        """Return the names of all public streams."""
        return [*(stream.name for stream in self._streams), *self._uploads.published]

    def _publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        self._hub.publish([Message.of(event) for event in events], lossless)

    def _withheld(self, kind: OutputKind[Any]) -> Set[str]:
        """Return the names of the streams that an output does not carry."""
        stand_ins = {
            stream.name for stream in self._streams if stream.source.about.stands_in_because
        }
        return frozenset() if kind.carries_stand_in else stand_ins

    def _surroundings(self, withheld: Set[str]) -> Surroundings:
        return Surroundings(
            self._config.daemon_name,
            self._streams,
            self._config.lossless,
            lambda: [each for each in self._hub.last_messages() if each.stream not in withheld],
            self._greeting,
            self._health,
            self._metrics,
            self._limits,
            {
                **self._uploads.handlers,
                **self._history.handlers,
                **self._sessions.handlers,
                **self._past.handlers,
                **self._mute_switch.handlers,
                **self._rooms.handlers,
            },
            self._remove_client,
            self._config.insecure,
            self._mute_switch,
            self._model.report,
        )

    async def _open_and_play(self, openers: Openers) -> None:
        self._hub.add("the kept past", self._past)
        for kind, opener in openers:
            withheld = self._withheld(kind)
            self._outputs[kind] = await opener(self._surroundings(withheld))
            self._hub.add(kind.name, self._outputs[kind], withheld)
        for line in opening_lines(self._config, self._model, self._streams, self._abouts()):
            say(line)
        self._rooms.start()
        self._watching = asyncio.ensure_future(self._supervisor.watch(self._state_line))
        await self._play()

    async def _play(self) -> None:
        for output in self._outputs.values():
            await output.ready()
        self._supervisor.tell("READY=1")
        apart_seconds = 0 if self._config.lossless else self._config.stride / len(self._streams)
        for index, stream in enumerate(self._streams):
            if index:  # evenly spread strides wait less than simultaneous ones
                await asyncio.sleep(apart_seconds)
            if isinstance(stream, Replay):
                stream.start()
                continue
            worker = self._workers[index % len(self._workers)]
            await asyncio.to_thread(worker.adopt, stream, self._profile)
        await asyncio.gather(*(stream.wait_until_finished() for stream in self._streams))
        if not self._config.once:
            await self._stopping.wait()  # the sources have ended, but clients are still served
        if self._config.lossless:
            await self._hub.drained(wholly=True)

    async def _until_stopped(self, work: Any) -> None:
        """Run until the work is done or has failed, or a signal comes."""
        playing = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((playing, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if playing.done():
            playing.result()
        playing.cancel()

    async def _close(self) -> None:
        await self._rooms.close()
        self._uploads.close()
        await stop_together([stream.stop for stream in self._streams])
        for worker in self._workers:
            await asyncio.to_thread(worker.close, _STOP_SECONDS)
        self._hub.close()
        for kind, output in self._outputs.items():
            await self._close_in_time(kind, output)
        self._history.close()
        self._sessions.close()
        self._past.close()
        self._mute_switch.close()

    def _greeting(self) -> Sequence[str]:
        """Return ``hello`` with the last event of the first stream, then the other last events."""
        last = self._hub.last_emotion.get(self._streams[0].name)
        first = hello(
            self._config.daemon_name,
            self._instance,
            self._model,
            self._config.stride,
            self._streams,
            self._uploads,
            self._abouts(),
            None if last is None else last.event,
        )
        rest = [message.text for message in self._hub.last_messages() if message is not last]
        return [encode(first), *rest]

    def _health(self) -> dict[str, Any]:
        return health(
            self._config.daemon_name,
            self._model.card.name,
            time.monotonic() - self._started_seconds,
            self._mute_switch.state,
            self._workers,
            self._streams,
            self._uploads,
            self._hub,
            self._rooms.health(),
            {kind: self._outputs.get(kind) for kind, _ in self._config.outputs},
            self._abouts(),
            self._failures(),
        )

    def _state_line(self) -> str:
        return state_line(self._health())

    def _metrics(self) -> Sequence[Metric]:
        return make_metrics(
            self._health(),
            self._hub.event_counts,
            self._abouts(),
            [*self._rooms.metrics(), *self._sessions.metrics()],
        )

    def _abouts(self) -> Sequence[About]:
        """Return the descriptions of all outputs of the table."""
        return [
            kind.absent if (output := self._outputs.get(kind)) is None else output.about()
            for kind, _ in self._config.outputs
        ]

    async def _close_in_time(self, kind: OutputKind[Any], output: Output) -> None:
        """Close an output. Neither a fault nor a delay in it keeps the other parts from closing."""
        try:
            seconds = kind.close_seconds + _SPARE_SECONDS
            await asyncio.wait_for(output.close(kind.close_seconds), seconds)
        except asyncio.TimeoutError:
            _log.warning("%s does not end, and is not waited for any more", kind.name)
        except Exception as error:
            self._close_failures.append(f"{kind.name} cannot be closed ({cause_of(error)})")
            _log.error("%s", self._close_failures[-1])


async def stop_together(stops: Sequence[Callable[[], object]]) -> None:
    """Stop all sources at once: each may take a second, as while a server does not answer."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(stops)) as threads:
        await asyncio.gather(*(loop.run_in_executor(threads, stop) for stop in stops))
