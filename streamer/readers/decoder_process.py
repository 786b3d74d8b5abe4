"""Decodes sound files: the decoder's process, of which a crash does not end the daemon.

The process opens no file and is confined (``confinement.py``): it gets open ones through a socket,
except on Windows. It reads one line per file, a list in JSON: the path, the stretch that is wanted,
and whether the content follows, for a file without a path that fits into memory. The content is
sent in parts, each behind four bytes for its length; an empty part ends it. The process answers
with messages: one byte for the kind, four bytes for the length, and the content.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import struct
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.readers.confinement import Unconfined, confine
from emotiond.streamer.readers.opening import open_to_read, unreadable
from emotiond.streamer.readers.reader import SoundReader
from emotiond.streamer.readers.sound_file import open_sound_file, read_block, try_readers
from emotiond.streamer.readers.stretch import Stretch, blocks_in

if TYPE_CHECKING:
    import socket  # slow: the command line imports this module at every start

OPENED, BLOCK, REFUSED = b"O", b"B", b"X"
HEAD = struct.Struct("<cI")
"""Of a message: kind and length."""
PART = struct.Struct("<I")
"""Of a part of the content: its length."""
BLOCK_SECONDS = 0.5
MOST_BYTES_HELD = 2**24
"""Of a file without a path, in memory. More goes into a temporary file."""
MOST_SECONDS_A_STEP = 20.0
"""To open a file, or to decode a block of it."""
MOST_MEMORY_BYTES = 2**31
"""Of address space, libraries included."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # they end the daemon, and that ends the decoder


def main() -> None:
    """Decode the requested files until the daemon is gone."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":  # what started the daemon may have had another wish
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _limit_memory()
    handed_over = _socket_of(int(sys.argv[1]))
    unconfined = _confine()
    output = sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            path, stretch, has_content = json.loads(line)
            given = _given(path, has_content, handed_over)
            for kind, content in _answer(path, Stretch(*stretch), given, unconfined):
                output.write(HEAD.pack(kind, len(content)))
                output.write(content)
                output.flush()
    os._exit(0)  # a regular exit would try to flush standard output once more


def _socket_of(number: int) -> socket.socket | None:
    if sys.platform == "win32":
        return None
    import socket

    return socket.socket(fileno=number)


def _confine() -> Unconfined | None:
    """Do once all that decoding imports and opens, then give up everything else."""
    try:
        with _deadline():
            try_readers()
    except SourceError as error:  # no file will be decoded
        return Unconfined(error.problem, error.remedy)
    return confine()


@contextlib.contextmanager
def _given(path: str, has_content: bool, handed_over: socket.socket | None) -> Iterator[IO[bytes]]:
    """Yield the requested file, open."""
    if has_content:
        with tempfile.SpooledTemporaryFile(MOST_BYTES_HELD) as sent:
            if (failure := _receive(sys.stdin.buffer, sent)) is not None:
                raise unreadable(path, failure)
            yield sent
    elif sys.platform == "win32" or handed_over is None:
        with open_to_read(path) as opened:
            yield opened
    else:
        import socket

        _, (descriptor,), _, _ = socket.recv_fds(handed_over, 1, 1)
        with os.fdopen(descriptor, "rb") as opened:
            yield opened


def _receive(stream: BinaryIO, content: IO[bytes]) -> OSError | None:
    """Keep the content that follows a path. Returns why it cannot be kept."""
    failure = None
    while True:
        head = stream.read(PART.size)
        if len(head) < PART.size:  # the daemon is gone
            os._exit(0)
        (length,) = PART.unpack(head)
        if not length:
            return failure
        part = stream.read(length)
        try:
            if failure is None:
                content.write(part)
        except OSError as error:
            failure = error


def _answer(
    path: str,
    stretch: Stretch,
    given: contextlib.AbstractContextManager[IO[bytes]],
    unconfined: Unconfined | None,
) -> Iterator[tuple[bytes, bytes]]:
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(given)
            with _deadline():
                reader = open_sound_file(path, cast("BinaryIO", file))
            about = (reader.sample_rate, reader.channels, unconfined)
            yield OPENED, json.dumps(about).encode()
            for block in blocks_in(stretch, lambda: _read(reader, path), reader.sample_rate, path):
                yield BLOCK, block.tobytes()
            yield BLOCK, b""
            reader.close()
        except SourceError as error:
            yield REFUSED, json.dumps((error.problem, error.remedy)).encode()
        except OSError as error:
            refused = unreadable(path, error)
            yield REFUSED, json.dumps((refused.problem, refused.remedy)).encode()
        except MemoryError:
            problem = f"{path}: it takes more memory than a sound file may"
            yield REFUSED, json.dumps((problem, "Convert it again")).encode()


def _read(reader: SoundReader, path: str) -> FloatArray:
    with _deadline():
        return read_block(reader, path, BLOCK_SECONDS)


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    """End the process if this takes too long. Only Windows needs a thread for that."""
    if sys.platform == "win32":
        faulthandler.dump_traceback_later(MOST_SECONDS_A_STEP, exit=True)
    else:
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS_A_STEP)
    try:
        yield
    finally:
        if sys.platform == "win32":
            faulthandler.cancel_dump_traceback_later()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):  # the system has no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
