"""Plays a network stream, and connects again after a loss."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from typing import Protocol

from emotiond.exceptions import SourceError, cause_of
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.readers.stream_decoder import Sound, StreamDecoder
from emotiond.streamer.sources import http_connection, rtsp_connection
from emotiond.streamer.sources.live_writer import LiveWriter
from emotiond.streamer.sources.network_address import Address
from emotiond.streamer.sources.network_attempt import Attempt
from emotiond.streamer.sources.network_socket import SILENT_SECONDS
from emotiond.streamer.sources.pace import Flood, Pace
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.reconnecting import Supervisor
from emotiond.streamer.sources.source import About, OnStatus

FIRST_SECONDS = 20.0
"""How long the first sound may take after the connection."""
MOST_CHANGES, CHANGES_SECONDS = 10, 10.0
"""How often the rate or the channels may change in how long."""
_BLOCK_SECONDS = 0.1
_FASTER = "the server sends faster than real time, so that labels come late. Let it send live sound"
_READ_BYTES = 2**14
_END_SECONDS = 0.5  # for a thread to end by itself


class Connection(Protocol):
    """What a server sends."""

    is_rtp: bool
    """Whether it is packets of RTP, else a file."""

    def read(self, most: int) -> bytes:
        """Return what is there, up to so many bytes; nothing at the end.

        Raises:
            OSError: the connection is lost; ``TimeoutError`` if the server sends nothing.
            http.client.HTTPException: the server breaks the rules of HTTP.
        """

    def end(self) -> None:
        """End the sound: a thread that reads is woken."""

    def cut(self) -> None:
        """End the connection at once, whatever a thread does with it."""

    def close(self) -> None:
        """Free the connection. No thread may read."""


class NetworkStream:
    """Keeps a stream open, and writes its sound as it comes: it is a microphone in the network.

    Args:
        address: of the stream.
        waits: whether a server that is not there yet is waited for.

    Raises:
        SourceError: it is not there, and not waited for.
    """

    lost_detail = ""
    muted_detail = "the connection is closed until it is unmuted"

    def __init__(self, address: Address, waits: bool) -> None:
        self.sample_rate, self.channels = SAMPLE_RATE, 1
        self.about = About(device=address.shown, live=True)
        self.failure: str | None = None
        self.switch = Supervisor(self, self._give_up)
        self._address = address
        self._thread: threading.Thread | None = None
        self._session: _Session | None = None
        self._attempt = Attempt()
        self._found: Connection | None = None
        """Is not open yet."""
        if not waits:
            self.find()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to play."""
        self._ring = ring
        found = self._found
        self._thread = start_playing(
            "network", self, ring, lambda: self.switch.keep_open(found, ring, on_status)
        )

    def stop(self) -> None:
        """End the connection. This waits for a second at most."""
        self.switch.stop()
        if self._thread is not None:
            self._thread.join(1.0)
        else:
            self.close()

    def find(self) -> Connection:
        """Connect.

        Raises:
            SourceError: nobody serves the stream.
        """
        connect = rtsp_connection.connect if self._address.is_rtsp else http_connection.connect
        while True:
            self._attempt = attempt = Attempt()
            if self.switch.is_unwanted:  # since before there was something to give up
                attempt.give_up()
            try:
                self._found = found = connect(self._address, attempt)
                return found
            except SourceError:
                if self.switch.is_unwanted or not attempt.is_given_up:
                    raise  # else it is wanted again by now

    def _give_up(self) -> None:
        self._attempt.give_up()

    def open(self, found: Connection) -> None:
        """Play what comes.

        Raises:
            SourceError: no decoder can start.
        """
        try:
            self._session = _Session(found, self.switch, self._ring)
        except BaseException:
            self.close()
            raise
        self._found = None

    def is_lost(self) -> bool:
        """Return whether the stream has ended, or gives no sound."""
        session = self._session
        if session is None:
            return True
        reason = session.reason
        patience_seconds = SILENT_SECONDS if session.has_played else FIRST_SECONDS
        if reason is None and self.switch.silent_seconds > patience_seconds:
            reason = f"no sound has come for {patience_seconds:g} s"
        if reason is not None:
            self.lost_detail = f"{self._address.shown}: {reason}. It is connected to again."
        return reason is not None

    def close(self) -> None:
        """End the connection and the decoder."""
        if self._session is not None:
            self._session.end()
            self._session = None
        if self._found is not None:
            self._found.close()
            self._found = None


class _Session:
    """One connection: a thread feeds the decoder with its bytes, another plays what comes of them.

    Args:
        connection: gives the bytes.
        switch: is told of each block.
        ring: gets the sound.

    Raises:
        SourceError: no decoder can start.
    """

    def __init__(
        self,
        connection: Connection,
        switch: Supervisor[Connection],
        ring: Ring,
    ) -> None:
        self.reason: str | None = None
        """Why it has ended; None while it plays."""
        self.has_played = False
        self._connection, self._decoder = connection, StreamDecoder(connection.is_rtp)
        self._switch, self._ring = switch, ring
        self._end_of_bytes = "the server has ended the stream"
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=f"emotiond-network-{name}", daemon=True)
            for name, run in (("bytes", self._feed), ("sound", self._run))
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:  # no thread is left
            self._decoder.kill()
            self._decoder.close()
            raise

    def end(self) -> None:
        """End both threads, the connection and the decoder."""
        self._ending.set()
        self._connection.end()
        self._decoder.kill()
        for thread in self._threads:
            thread.join(_END_SECONDS)
        if any(thread.is_alive() for thread in self._threads):  # OpenSSL reads on, or a write waits
            self._connection.cut()
        for thread in self._threads:
            thread.join()
        self._connection.close()
        self._decoder.close()

    def _feed(self) -> None:
        try:
            while (data := self._connection.read(_READ_BYTES)) and self._decoder.feed(data):
                pass
        except TimeoutError:
            self._end_of_bytes = f"the server has sent nothing for {SILENT_SECONDS:g} s"
        except (OSError, http.client.HTTPException, ValueError):
            self._end_of_bytes = "the connection is lost"
        self._decoder.end_input()

    def _run(self) -> None:
        try:
            self._play()
            self.reason = self._end_of_bytes
        except Exception as error:  # whatever it is, the stream is connected to again
            self.reason = cause_of(error).rstrip(".")
        self._switch.check()

    def _play(self) -> None:
        """Write sound when it is due: a server that sends faster waits.

        Raises:
            SourceError: it is no sound, or changes its form too often.
        """
        pace = Pace(SILENT_SECONDS if self._connection.is_rtp else 0.0)
        flood = Flood()
        writer = None
        form, changes = None, deque[float](maxlen=MOST_CHANGES)
        while (sound := self._read(flood)) is not None:
            if writer is None or form != sound.form:
                now = time.monotonic()
                if len(changes) == MOST_CHANGES and now - changes[0] < CHANGES_SECONDS:
                    raise SourceError(
                        "it changes its rate or channels all the time", "Let it keep to one form"
                    )
                changes.append(now)
                if writer is not None:
                    writer.flush()
                    self._ring.cut()
                form, writer = sound.form, LiveWriter(*sound.form, self._ring)
            if not self._write(sound, writer, pace):
                return
        if writer is not None:
            writer.flush()

    def _read(self, flood: Flood) -> Sound | None:
        """Return the next sound, and complain of live sound that comes faster than real time."""
        asked = time.monotonic()
        sound = self._decoder.read()
        floods = flood.is_one(time.monotonic() - asked) and self._connection.is_rtp
        complaint = _FASTER if floods else ""
        if complaint != self._switch.complaint:
            self._switch.complain(complaint)
        return sound

    def _write(self, sound: Sound, writer: LiveWriter, pace: Pace) -> bool:
        rate = sound.form.sample_rate
        size = max(1, round(_BLOCK_SECONDS * rate))
        for start in range(0, sound.samples.shape[0], size):
            block = sound.samples[start : start + size]
            block_seconds = block.shape[0] / rate
            if self._ending.wait(pace.admit(block_seconds)):
                return False
            now = time.monotonic()
            self._switch.note_block(now, block_seconds)
            self.has_played = True
            writer.write(block, now)
        return True
