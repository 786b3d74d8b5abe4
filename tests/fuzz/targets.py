"""What is fuzzed: every place that parses bytes from outside.

Each target opens what it needs and gives a function that takes one input. Whatever the input
is, the function returns: an exception, a hang or a crash is a fault of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from emotiond.dsp.frontend import FrontEnd
from emotiond.exceptions import (
    CardError,
    ConfigError,
    EmotiondError,
    ProfileError,
    SourceError,
)
from emotiond.inference.card import load_card
from emotiond.inference.encoding import Encoding
from emotiond.streamer.profiles import folder, read_profile
from emotiond.streamer.protocol.events import encode
from emotiond.streamer.protocol.requests import (
    REQUESTS,
    Audio,
    Request,
    RequestError,
    parse,
    type_of,
)
from emotiond.streamer.readers.sound_file import open_sound_file, read_block
from emotiond.streamer.server import refusals
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.settings.layers import make_config
from tests.support.port import port, until

Run = Callable[[bytes], None]

_MOST_BLOCKS = 200
_ANSWERS = (101, 200, 400, 403, 404, 405, 421, 426, 431, 505)


@contextlib.contextmanager
def messages() -> Iterator[Run]:
    """A message of a WebSocket client: it is parsed, or answered with an error."""

    def run(data: bytes) -> None:
        for message in (data, data.decode(errors="replace")):
            try:
                parse(message)
            except RequestError as error:
                answer = encode(error.to_json(None))
                assert json.loads(answer)["type"] == "error"
                assert len(answer.encode()) < 4096
                _check_line(error)

    yield run


@contextlib.contextmanager
def cards() -> Iterator[Run]:
    """A model's card: it is refused, or frames can be made and encoded by it."""
    second = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    with _file("card.json") as path:

        def run(data: bytes) -> None:
            path.write_bytes(data)
            try:
                card = load_card(path)
            except CardError as error:
                _check_line(error)
                return
            front_end = FrontEnd(card.recipe, card.shape)
            for part in np.split(second, 4):
                window = front_end.push(part).window
            assert window is None or np.isfinite(window.features).all()
            if window is not None:
                count, features = Encoding(card.encoder, card.window_states, 1, {}).next_call(
                    window
                )
                assert 0 < count <= card.encoder.states_per_call
                assert features.shape[0] <= card.encoder.frames_per_call
            smoother = card.smoothing.smoother()
            for label in (0, 1, 0, 2):
                smoother.update(np.eye(8, dtype=np.float32)[label], 1.0, 0.25, 0.1, 0.1)
                assert smoother.scores is not None
                assert np.isfinite(smoother.scores).all()

        yield run


@contextlib.contextmanager
def profiles() -> Iterator[Run]:
    """A voice's profile: it is refused, or the statistics are numbers."""
    with tempfile.TemporaryDirectory() as home, _environment("XDG_DATA_HOME", home):
        path = folder() / "voice.json"
        path.parent.mkdir(parents=True)

        def run(data: bytes) -> None:
            path.write_bytes(data)
            try:
                profile = read_profile("voice")
            except ProfileError as error:
                _check_line(error)
            else:
                assert np.isfinite(np.array(profile.mean) * profile.speech_seconds).all()

        yield run


@contextlib.contextmanager
def settings() -> Iterator[Run]:
    """A file of settings."""
    with _file("emotiond.toml") as path:

        def run(data: bytes) -> None:
            path.write_bytes(data)
            try:
                make_config({"config": str(path)}, {})
            except ConfigError as error:
                _check_line(error)

        yield run


@contextlib.contextmanager
def recordings() -> Iterator[Run]:
    """A sound file: it is refused, or its samples are numbers, block after block to an end."""
    with _file("sound") as path:

        def run(data: bytes) -> None:
            path.write_bytes(data)
            try:
                reader = open_sound_file(str(path))
            except SourceError as error:
                _check_line(error)
                return
            try:
                for _ in range(_MOST_BLOCKS):
                    block = read_block(reader, str(path), 0.5)
                    assert np.isfinite(block).all()
                    assert block.shape[1] == reader.channels
                    if not block.shape[0]:
                        break
            except SourceError as error:
                _check_line(error)
            finally:
                reader.close()

        yield run


@contextlib.contextmanager
def connections() -> Iterator[Run]:
    """All that a client sends on one connection: the request, and frames after the handshake.

    Every connection is answered as HTTP answers, or not at all, and leaves nothing behind: no
    connection, no line in the log.
    """
    loop = asyncio.new_event_loop()

    async def heed(client: Connection, request: Request) -> None:
        client.send_json({"type": type_of(request)})

    opening = port(handlers=dict.fromkeys((Audio, *REQUESTS.values()), heed))
    at = loop.run_until_complete(opening.__aenter__())
    lines = _Lines()
    logging.getLogger().addHandler(lines)

    async def converse(data: bytes) -> bytes:
        client = await at.raw()
        answer = b""
        with client, contextlib.suppress(ConnectionError):
            await loop.sock_sendall(client, data)
            client.shutdown(socket.SHUT_WR)
            while piece := await loop.sock_recv(client, 65_536):
                answer += piece
            # Closed by a reset: of many thousand connections none is to linger.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await until(lambda: at.server.occupancy.count == 0)
        return answer

    def run(data: bytes) -> None:
        answer = loop.run_until_complete(asyncio.wait_for(converse(data), 30))
        # who hangs up at once may get a pong before the answer to his handshake
        assert not answer.startswith(b"HTTP") or int(answer[9:12]) in _ANSWERS, answer[:200]
        assert not lines.logged, lines.logged

    try:
        yield run
    finally:
        logging.getLogger().removeHandler(lines)
        loop.run_until_complete(opening.__aexit__(None, None, None))
        loop.close()


TARGETS: Mapping[str, Callable[[], AbstractContextManager[Run]]] = {
    target.__name__: target
    for target in (messages, cards, profiles, settings, recordings, connections)
}


class _Lines(logging.Handler):
    """Collects every line of the log, asyncio's own among them, but refused names: those are meant.

    Each of these is logged once, and 20 at most.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.logged: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # websockets 16 says so of every malformed request; the daemon does not log it.
        is_theirs = record.getMessage() == "opening handshake failed"
        if record.name != refusals.__name__ and not is_theirs:
            self.logged.append(f"{record.getMessage()} {record.exc_info}")


def _check_line(error: EmotiondError) -> None:
    """An error is one line, with a remedy, that can be printed."""
    assert "\n" not in str(error)
    assert error.remedy in str(error)
    str(error).encode(errors="backslashreplace")


@contextlib.contextmanager
def _file(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place) / name


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        yield
