"""Asks for a stream of RTSP, of which the sound comes over the same connection."""

from __future__ import annotations

import contextlib
import re
import socket
import time

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.rtp_input import FRAME, MARK
from emotiond.streamer.sources import network_socket
from emotiond.streamer.sources.network_address import Address
from emotiond.streamer.sources.network_attempt import Attempt
from emotiond.streamer.sources.network_faults import (
    NO_ACCESS,
    NOT_FOUND,
    fault_of_answer,
    no_access,
)
from emotiond.streamer.sources.network_socket import encrypted, refusal, shut
from emotiond.streamer.sources.rtsp_description import Track, track_of
from emotiond.streamer.sources.rtsp_messages import Answer, Dialogue

LONGEST_PAUSE_SECONDS = 30.0
"""After how long a server hears that somebody still listens, if its session lasts longer."""
_SESSION_SECONDS = 60  # RFC 2326, 12.37
_TEARDOWN_SECONDS = 1.0
_SESSION = re.compile(r"([!-:<-~]{1,200})(?: *; *timeout *= *([1-9][0-9]{0,5}))?.*")
_CHANNEL = re.compile(r"interleaved *= *([0-9]{1,3})", re.IGNORECASE)
_LOOK = "Look at the address in a player, such as VLC"
_NO_TCP = 461


class RtspConnection:
    """The sound that a server sends, as the decoder of RTP takes it.

    Args:
        connected: to the server.
        dialogue: has brought it to play.
        track: is what it plays.
        channel: of the packets.
        pause_seconds: after how long the server has to hear again that somebody listens.
        method: says so.
    """

    is_rtp = True

    def __init__(
        self,
        connected: socket.socket,
        dialogue: Dialogue,
        track: Track,
        channel: int,
        pause_seconds: float,
        method: str,
    ) -> None:
        self._socket, self._dialogue = connected, dialogue
        self._head = FRAME.pack(MARK, channel, len(track.description)) + track.description
        self._stream_url = track.stream_url
        self._pause_seconds, self._method = pause_seconds, method
        self._told_seconds = time.monotonic()

    def read(self, most: int) -> bytes:
        """Return what is there, up to so many bytes; nothing at the end.

        Raises:
            OSError: the connection is lost; ``TimeoutError`` if the server sends nothing.
        """
        if self._head:
            data, self._head = self._head[:most], self._head[most:]
            return data
        now = time.monotonic()
        if now - self._told_seconds > self._pause_seconds:
            self._told_seconds = now
            self._dialogue.tell(self._method, self._stream_url)
        return self._dialogue.read(most)

    def end(self) -> None:
        """Read no more: a thread that does is woken. The server can still be told."""
        self._dialogue.wake()

    def cut(self) -> None:
        """End the connection at once. The method of TLS would take its state from the reader."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Tell the server that nobody listens any more: some keep a place free for a minute."""
        with contextlib.suppress(OSError, ValueError):
            self._socket.settimeout(_TEARDOWN_SECONDS)
            self._dialogue.tell("TEARDOWN", self._stream_url)
        shut(self._socket)
        with contextlib.suppress(OSError):
            self._dialogue.close()


def connect(address: Address, attempt: Attempt | None = None) -> RtspConnection:
    """Ask for the sound of a stream: no other track of it is set up.

    The server answers, and sends, over this one connection. Whatever address it names, no other
    connection is made.

    Raises:
        SourceError: there is no sound. No message quotes what the server has sent.
    """
    attempt = attempt or Attempt()
    connected = attempt.connected_to(address, address)
    with attempt.deadline(connected) as is_late:
        try:
            connected = encrypted(connected, address)
            with contextlib.ExitStack() as stack:
                dialogue = Dialogue(connected, address)
                stack.callback(dialogue.close)
                playing = _playing(connected, dialogue, address)
                connected.settimeout(network_socket.SILENT_SECONDS)
                stack.pop_all()
        except BaseException as error:
            connected.close()
            if isinstance(error, SourceError):
                raise refusal(address, error.problem, error.remedy) from None
            if not isinstance(error, OSError | ValueError):
                raise
            fault = fault_of_answer(error, is_late.is_set(), "its answer is no RTSP", address)
            raise refusal(address, *fault) from None
    return playing


def _playing(connected: socket.socket, dialogue: Dialogue, address: Address) -> RtspConnection:
    def good(answer: Answer) -> Answer:
        return _good(answer, address, dialogue.is_proven)

    options = dialogue.ask("OPTIONS", address.url)
    described = good(dialogue.ask("DESCRIBE", address.url, {"Accept": "application/sdp"}))
    base = described.header("content-base") or described.header("content-location") or address.url
    track = track_of(described.content, base)
    over = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
    channel, session_seconds = _set_up(dialogue, good(dialogue.ask("SETUP", track.url, over)))
    good(dialogue.ask("PLAY", track.stream_url, {"Range": "npt=0.000-"}))
    return RtspConnection(
        connected,
        dialogue,
        track,
        channel,
        min(session_seconds / 2, LONGEST_PAUSE_SECONDS),
        "GET_PARAMETER" if "GET_PARAMETER" in options.header("public") else "OPTIONS",
    )


def _set_up(dialogue: Dialogue, answer: Answer) -> tuple[int, int]:
    """Note the session, and return the channel of the track and the seconds that it lasts."""
    transport, session = answer.header("transport"), _SESSION.fullmatch(answer.header("session"))
    if "TCP" not in transport.upper():
        raise _no_tcp()
    if session is None:
        raise ValueError("no session")
    dialogue.session = session[1]
    channel = _CHANNEL.search(transport)
    number = int(channel[1]) if channel else 0
    if number > 255:
        raise ValueError("no channel")
    return number, int(session[2] or _SESSION_SECONDS)


def _good(answer: Answer, address: Address, is_proven: bool) -> Answer:
    """Return an answer that brings the stream nearer.

    Raises:
        SourceError: it does not.
    """
    status = answer.status
    if status < 300:
        return answer
    if status < 400:
        raise SourceError("it redirects to another address", "Give the address of the sound itself")
    if status in NO_ACCESS:
        raise SourceError(*no_access(address, status, is_proven))
    if status == 404:
        raise SourceError(*NOT_FOUND)
    if status == _NO_TCP:
        raise _no_tcp()
    raise SourceError(f"it answers with status {status}", _LOOK)


def _no_tcp() -> SourceError:
    return SourceError(
        "it does not send its sound over the connection itself (TCP)",
        "Turn that on in its settings",
    )
