"""The socket at which Wyoming clients stream sound into the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import AsyncIterator

from wyoming.audio import AudioStop
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from emotiond.exceptions import SourceError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.reach import audience
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.reconnecting import Supervisor
from emotiond.streamer.sources.source import About, OnStatus
from emotiond.streamer.sources.turns import Turns
from emotiond.streamer.sources.wyoming_client import WyomingClient
from emotiond.streamer.sources.wyoming_events import (
    MOST_LINE_BYTES,
    Sound,
    pong_to,
    read_event,
    sound_of,
)
from emotiond.streamer.sparing_log import SparingLog

MOST_CLIENTS = 8
"""Connections at one time."""
SILENT_SECONDS = 60.0
"""For how long a client may send nothing."""
STREAMING_SECONDS = 5.0
"""For how long a client that streams may send nothing, before another one may stream."""
SEAMS_AT_ONCE, SEAMS_PER_SECOND = 10, 2.0
"""Beginnings of sound, of all clients together: after a stop, or in another form. More wait."""
_MOST_BLOCK_SECONDS = 0.1

_log = SparingLog(logging.getLogger(__name__))


class WyomingDoor:
    """Listens for Wyoming clients, and plays the sound of one of them at a time.

    Args:
        host: name or address to listen at.
        port: to listen at.
        announces: whether to announce it by mDNS.

    Raises:
        SourceError: the place is taken, or does not exist.
    """

    lost_detail = "the Wyoming socket is closed; it is opened again"
    muted_detail = "no Wyoming client can connect until it is unmuted"

    def __init__(self, host: str, port: int, announces: bool) -> None:
        self.sample_rate, self.channels = SAMPLE_RATE, 1
        self._place = f"wyoming://[{host}]:{port}" if ":" in host else f"wyoming://{host}:{port}"
        self.about = About(device=self._place, live=True, open_to=audience(host))
        self.failure: str | None = None
        self.switch = Supervisor(self)
        self._host, self._port, self._announces = host, port, announces
        self._idle_detail = f"no Wyoming client streams to {self._place}"
        self._thread: threading.Thread | None = None
        self._serving: _Serving | None = None
        self._listener: socket.socket | None = None
        self.find()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to listen."""
        self._ring = ring
        first = self._listener
        self._thread = start_playing(
            "wyoming", self, ring, lambda: self.switch.keep_open(first, ring, on_status)
        )

    def stop(self) -> None:
        """Close the socket and all connections. This waits for a second at most."""
        self.switch.stop()
        if self._thread is None:
            self.close()
        else:
            self._thread.join(1.0)

    def _refuse_loopback(self) -> None:
        from emotiond.streamer.announcement import reachable_addresses

        if not reachable_addresses(self._host):
            raise SourceError(
                f"only this machine reaches {self._host}, so it cannot be announced",
                "Leave --wyoming-announce out, or listen at another address",
            )

    def find(self) -> socket.socket:
        """Bind the socket.

        Raises:
            SourceError: the place is taken, or does not exist.
        """
        try:
            if self._announces:
                self._refuse_loopback()
            family, *_, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._listener = socket.create_server(address[:2], family=family)
            return self._listener
        except (socket.gaierror, UnicodeError) as error:  # no name can be like this
            raise self._refusal(str(error)) from None
        except OSError as error:
            raise self._refusal(os.strerror(error.errno or 0)) from None

    def _refusal(self, reason: str) -> SourceError:
        return SourceError(
            f"cannot listen at {self._place} ({reason})", "Choose another address or port"
        )

    def open(self, found: socket.socket) -> None:
        """Let clients connect."""
        self._listener = found
        self.switch.pause(self._idle_detail)
        announced = (self._host, self._port) if self._announces else None
        self._serving = _Serving(found, self.switch, self._ring, self._idle_detail, announced)

    def is_lost(self) -> bool:
        """Return whether nobody can connect any more."""
        return self._serving is None or not self._serving.is_alive

    def close(self) -> None:
        """Close the socket and all connections."""
        if self._serving is not None:
            self._serving.end()
            self._serving = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class _Serving:
    """Serves the clients of one opening, in a thread with an event loop of its own.

    Args:
        listener: bound and listening.
        switch: is told of each block and each pause.
        ring: gets the sound.
        idle_detail: what the status says while nobody streams.
        announced: host and port to announce by mDNS; None not to.
    """

    def __init__(
        self,
        listener: socket.socket,
        switch: Supervisor[socket.socket],
        ring: Ring,
        idle_detail: str,
        announced: tuple[str, int] | None,
    ) -> None:
        self._listener, self._switch, self._ring = listener, switch, ring
        self._idle_detail, self._announced = idle_detail, announced
        self._clients: dict[asyncio.Task[None], WyomingClient] = {}
        self._seams = Turns(SEAMS_AT_ONCE, SEAMS_PER_SECOND)
        self._speaker: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emotiond-wyoming-socket")
        self._thread.daemon = True
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether clients can connect."""
        return self._thread.is_alive()

    def end(self) -> None:
        """End all connections, and wait for that."""
        self._ending.set()
        if (loop := self._loop) is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # is_lost says so
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_log.loop_exception)
        if self._ending.is_set():
            return
        server = await asyncio.start_server(
            self._welcome, sock=self._listener, limit=MOST_LINE_BYTES
        )
        async with _announced(self._announced):
            await self._stopped.wait()
            server.close()  # at once, however long the network takes to hear of it
            tasks = [*self._clients]
            for task in tasks:
                self._send_away(task)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        client = WyomingClient(reader, writer)
        if len(self._clients) >= MOST_CLIENTS:
            self._make_room()
        self._clients[task] = client
        try:
            await self._talk(client, task)
        except (asyncio.TimeoutError, OSError, asyncio.CancelledError):  # silent, or at the end
            pass
        except SourceError as error:
            _log.warning("a Wyoming client was disconnected: it sent what is no Wyoming sound")
            with contextlib.suppress(asyncio.TimeoutError, OSError, asyncio.CancelledError):
                await client.refuse(Error(str(error), "invalid"))
        finally:
            self._clients.pop(task, None)
            self._fall_silent(client, task)
            client.hang_up()
            await client.ended()

    def _make_room(self) -> None:
        """Disconnect who has been here longest without streaming."""
        _log.warning(f"a Wyoming client made room for a new one: {MOST_CLIENTS} were connected")
        oldest = next(task for task in self._clients if task is not self._speaker)
        self._send_away(oldest)

    def _send_away(self, task: asyncio.Task[None]) -> None:
        self._clients.pop(task).hang_up()
        task.cancel()

    async def _talk(self, client: WyomingClient, task: asyncio.Task[None]) -> None:
        while True:
            if self._speaker is task:
                patience_seconds = client.heard_seconds + STREAMING_SECONDS - time.monotonic()
            else:
                patience_seconds = SILENT_SECONDS
            event = await asyncio.wait_for(read_event(client.reader), patience_seconds)
            if event is None or client.is_gone:  # wait_for of Python 3.11 can swallow cancelling
                return
            await client.events.take()
            sound = sound_of(event)
            if sound is not None:
                if self._speaker not in (None, task):
                    _log.warning("a Wyoming client was turned away: another one streams")
                    await client.refuse(Error("another client streams at present", "busy"))
                    return
                if not sound.data:
                    continue  # who announces sound and sends none must not keep others from it
                if self._speaker is None:
                    self._speaker, client.heard_seconds = task, time.monotonic()
                await self._play(client, sound)
            elif AudioStop.is_type(event.type):
                self._fall_silent(client, task)
            elif Describe.is_type(event.type):
                await client.answer(Info())
            elif Ping.is_type(event.type):
                await client.answer(pong_to(event))

    async def _play(self, client: WyomingClient, sound: Sound) -> None:
        """Write sound when it is due: a client that sends faster waits."""
        if client.begins_with(sound.form):
            await self._seams.take()
        writer = client.writer_of(sound.form, self._ring)
        samples, rate = sound.decoded(), sound.form.sample_rate
        block_size = max(1, round(_MOST_BLOCK_SECONDS * rate))
        for start in range(0, samples.shape[0], block_size):
            block = samples[start : start + block_size]
            block_seconds = block.shape[0] / rate
            await asyncio.sleep(client.pace.admit(block_seconds))
            now = time.monotonic()
            self._switch.note_block(now, block_seconds)
            writer.write(block, now)
            client.heard_seconds = time.monotonic()

    def _fall_silent(self, client: WyomingClient, task: asyncio.Task[None]) -> None:
        if self._speaker is task:
            self._speaker = None
            client.flush()
            self._switch.pause(self._idle_detail)


@contextlib.asynccontextmanager
async def _announced(place: tuple[str, int] | None) -> AsyncIterator[None]:
    """Announce the socket by mDNS meanwhile."""
    if place is None:
        yield
        return
    from emotiond.streamer.announcement import announced

    async with announced("_wyoming._tcp", *place, "the Wyoming source"):
        yield
