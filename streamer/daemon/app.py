"""The daemon: it starts sources, workers, hub and outputs, and ends them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emotiond import __version__
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Model
from emotiond.inference.profile import Profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.config import Config
from emotiond.streamer.daemon.greeting import hello
from emotiond.streamer.daemon.health import health
from emotiond.streamer.daemon.metrics import make_metrics
from emotiond.streamer.daemon.mute import MuteSwitch
from emotiond.streamer.daemon.signals import handling_signals
from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.interpreter_check import checked_runtime
from emotiond.streamer.outputs.recorder import Recorder, parse_records
from emotiond.streamer.outputs.stdout import LineWriter
from emotiond.streamer.outputs.zeromq import ZeroMQPublisher
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.server.access import Access, is_loopback
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.credentials import make_tls, read_token
from emotiond.streamer.server.http import Pages
from emotiond.streamer.server.limits import Limits, affordable_connections
from emotiond.streamer.server.prometheus import Metric
from emotiond.streamer.server.websocket import PATH, WebSocketServer
from emotiond.streamer.sources.factory import SourceSpec
from emotiond.streamer.sources.source import Source
from emotiond.streamer.streams.stream import Stream
from emotiond.streamer.streams.workers import Worker
from emotiond.streamer.uploads.history import History
from emotiond.streamer.uploads.uploads import Uploads

_log = logging.getLogger(__name__)

_STOP_SECONDS = 0.3  # per part; all parts together end within a second
_MOST_WORKERS = 2


Sources = Sequence[tuple[SourceSpec, Source]]


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
    runtime = checked_runtime()
    model = find_model(config.model, runtime)
    token = None if config.token_file is None else read_token(Path(config.token_file))
    access = Access(config.host, config.allow_host, config.allow_origin, token)
    cert, key = config.tls_cert, config.tls_key
    tls = None if cert is None or key is None else make_tls(Path(cert), Path(key))
    sources = opened()
    _warn_of_exposure(config)
    profile = None if config.profile is None else profile_for(config.profile, model.card)
    return asyncio.run(Daemon(config, runtime, model, profile, sources, access, tls).run())


def _warn_of_exposure(config: Config) -> None:
    if is_loopback(config.host):
        return
    if config.token_file is None:
        _log.warning("whoever can reach %s can listen; --token-file changes that", config.host)
    if config.tls_cert is None:
        _log.warning("on %s nothing is encrypted; --tls-cert changes that", config.host)


class Daemon:
    """All parts of one running daemon."""

    def __init__(
        self,
        config: Config,
        runtime: Runtime,
        model: Model,
        profile: Profile | None,
        sources: Sources,
        access: Access,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._config = config
        self._access = access
        self._tls = tls
        self._model = model
        self._profile = profile
        count = min(len(sources), _MOST_WORKERS, os.cpu_count() or 1)
        self._workers = [Worker(model, runtime) for _ in range(count)]
        self._round_robin = itertools.cycle(self._workers)
        self._sources = sources
        self._stopping = asyncio.Event()
        self._started_seconds = time.monotonic()

    async def run(self) -> int:
        """Start all parts, wait for the end, and close all parts."""
        config = self._config
        self._mute_switch = MuteSwitch([source for _, source in self._sources])
        with handling_signals(self._stopping.set, self._mute_switch.toggle):
            self._hub = Hub(asyncio.get_running_loop())
            self._streams = [
                Stream(spec.name, source, config.lossless, config.stride_samples, self._publish)
                for spec, source in self._sources
            ]
            limits = Limits(
                connections=affordable_connections(config.max_connections),
                uploads=config.max_client_streams,
            )
            self._history = History(config.history_path)
            self._uploads = Uploads(
                self._adopt,
                self._hub,
                self._history,
                config.stride_samples,
                limits,
                taken=[stream.name for stream in self._streams],
            )
            self._server = WebSocketServer(
                self._greeting,
                Pages(self._health, self._metrics),
                self._access,
                limits,
                self._tls,
                {
                    **self._uploads.handlers,
                    **self._history.handlers,
                    **self._mute_switch.handlers,
                },
                self._remove_client,
            )
            self._recorders: list[Recorder] = []
            self._zeromq: ZeroMQPublisher | None = None
            self._lines = LineWriter() if config.json else None
            try:
                await self._open_outputs()
                await self._until_stopped(self._play())
            finally:
                await self._close()
        failures = [stream.failure for stream in self._streams]
        failures += [recorder.failure for recorder in self._recorders]
        failures += [self._lines.failure] if self._lines else []
        return 1 if any(failures) else 0

    def _adopt(self, stream: Stream) -> None:
        """Give an upload to the next worker in turn, without a profile."""
        next(self._round_robin).adopt(stream)

    def _remove_client(self, client: Connection) -> None:
        self._uploads.leave(client)
        self._history.leave(client)

    def _publish(self, stream: str, events: Sequence[Any], lossless: bool) -> None:
        self._hub.publish(events, lossless)

    async def _open_outputs(self) -> None:
        config = self._config
        paths = parse_records(config.record, [stream.name for stream in self._streams])
        port = await self._server.open(config.host, config.port)
        self._hub.add(self._server)
        if config.zmq != "off":
            keys = None if config.zmq_curve is None else Path(config.zmq_curve)
            self._zeromq = ZeroMQPublisher(config.zmq, self._last_messages, config.lossless, keys)
            self._hub.add(self._zeromq)
        if self._lines is not None:
            self._hub.add(self._lines)
        for stream in self._streams:
            if (path := paths.get(stream.name)) is not None:
                recorder = Recorder(path, stream.name, stream.ring, stream.report)
                self._recorders.append(recorder)
                self._hub.add(recorder)
        self._announce(port)

    def _announce(self, port: int) -> None:
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        secure = "" if self._tls is None else "s"
        zeromq = "" if self._zeromq is None else f", ZeroMQ {self._zeromq.endpoint}"
        streams = ", ".join(stream.name for stream in self._streams)
        print(
            f"emotiond {__version__}: hearing {streams} with the model "
            f"{self._model.card.name!r}; open http{secure}://{host}:{port}/ "
            f"(WebSocket ws{secure}://{host}:{port}{PATH}{zeromq})",
            file=sys.stderr,
            flush=True,
        )
        for recorder in self._recorders:
            print(f"emotiond: recording {recorder.stream} to {recorder.path}", file=sys.stderr)

    async def _play(self) -> None:
        await self._server.wait_for_clients(self._config.wait_clients)
        apart_seconds = 0 if self._config.lossless else self._config.stride / len(self._streams)
        for index, stream in enumerate(self._streams):
            if index:  # evenly spread strides wait less than simultaneous ones
                await asyncio.sleep(apart_seconds)
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
        self._uploads.close()
        for stream in self._streams:
            await asyncio.to_thread(stream.stop)
        for worker in self._workers:
            await asyncio.to_thread(worker.close, _STOP_SECONDS)
        self._hub.close()
        await self._server.close()
        if self._zeromq is not None:
            self._zeromq.close()
        if self._lines is not None:
            await asyncio.to_thread(self._lines.close, _STOP_SECONDS)
        for recorder in self._recorders:
            await asyncio.to_thread(recorder.close, _STOP_SECONDS)
        self._history.close()

    def _greeting(self) -> Sequence[str]:
        """Return ``hello`` with the last event of the first stream, then the other last events."""
        last = self._hub.last_emotion.get(self._streams[0].name)
        first = hello(
            self._model.card,
            self._config.stride,
            self._streams,
            self._uploads,
            self._recorders,
            None if last is None else last.event,
        )
        rest = [message.text for message in self._last_messages() if message is not last]
        return [encode(first), *rest]

    def _last_messages(self) -> Sequence[Message]:
        return (*self._hub.last_status.values(), *self._hub.last_emotion.values())

    def _health(self) -> dict[str, Any]:
        return health(
            self._model.card.name,
            time.monotonic() - self._started_seconds,
            self._mute_switch.state,
            self._workers,
            self._streams,
            self._uploads,
            self._recorders,
            self._hub,
            self._server,
            self._zeromq,
            self._lines,
        )

    def _metrics(self) -> Sequence[Metric]:
        return make_metrics(self._health(), self._hub.event_counts)
