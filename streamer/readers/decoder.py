"""Decodes sound files in a process of its own: a crash of the decoder does not end the daemon.

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
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol, cast, runtime_checkable

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError, shortage_of
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.child_processes import apart
from emotiond.streamer.readers.confinement import Unconfined, confine, warn
from emotiond.streamer.readers.opening import is_own, is_pipe, open_to_read, unreadable
from emotiond.streamer.readers.reader import SoundReader
from emotiond.streamer.readers.sound_file import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MOST_CHANNELS,
    MOST_SECONDS,
    open_sound_file,
    read_block,
    try_readers,
)
from emotiond.streamer.readers.stretch import WHOLE, Stretch, blocks_in

if TYPE_CHECKING:
    import socket  # slow: the command line imports this module at every start

BLOCK_SECONDS = 0.5
_OPENED, _BLOCK, _REFUSED = b"O", b"B", b"X"
_HEAD = struct.Struct("<cI")
_PART = struct.Struct("<I")
_PART_BYTES = 2**18
_MOST_BYTES_SENT = 2**32  # of a file without a path
_MOST_BYTES_HELD = 2**24  # of it in memory; more goes into a temporary file
_MOST_BYTES_ANSWERED = {_OPENED: 2**16, _BLOCK: 2**26, _REFUSED: 2**16}
_MOST_SECONDS_A_STEP = 20.0  # to open a file, or to decode a block of it
_LAST_SECONDS = 5.0  # from the end of its output to the end of the process
_MOST_MEMORY_BYTES = 2**31  # of address space, libraries included
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[2:]; "  # the first argument is the socket's number
    "from emotiond.streamer.readers.decoder import main; main()"
)
_BY_ANOTHER = "Convert it by another program, for instance: ffmpeg -i FILE out.wav"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # they end the daemon, and that ends the decoder


@runtime_checkable
class Readable(Protocol):
    """The part of a binary file that is used."""

    def read(self, size: int, /) -> bytes: ...


class Decoder:
    """Decodes one file after the other. It belongs to one thread.

    A new process replaces one that crashed, hung or was left in the middle of a file. As a
    context manager, it ends its process.
    """

    def __init__(self) -> None:
        self._process, self._socket = _start()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, path: str, file: Readable | None = None, stretch: Stretch = WHOLE) -> Decoding:
        """Open a file. The rest of the file before it is discarded.

        Args:
            path: the path, or a name for messages if the file is open already.
            file: an open file, which is read from its present position to its end. A pipe, or an
                open file like ``/dev/stdin``, is opened and read to its end in this process: its
                path means something else to another, or nothing.
            stretch: the part of the file that is wanted. What is before it is decoded, too.

        Raises:
            SourceError: the file cannot be decoded, or crashed the decoder.
        """
        if self._process.poll() is not None:
            self.close()
            self._process, self._socket = _start()
        if file is not None:
            return Decoding(self, path, file, stretch)
        if is_own(path) or is_pipe(path):
            with open_to_read(path) as opened:
                return Decoding(self, path, opened, stretch)
        return Decoding(self, path, None, stretch)

    def close(self) -> None:
        """End the process at once. It may have ended already."""
        self._process.kill()
        if self._socket is not None:
            self._socket.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent data that no process will read
                    pipe.close()
        self._process.wait()

    def send(self, path: str, file: Readable | None, stretch: Stretch) -> None:
        """Send the next file: open, or its content if that has no path and fits into memory.

        Raises:
            SourceError: the file cannot be opened or read, or is too large.
        """
        with contextlib.ExitStack() as stack:
            opened: IO[bytes] | None = None
            if file is None:
                opened = None if self._socket is None else stack.enter_context(open_to_read(path))
                self._request((path, stretch), opened)
                return
            opened = stack.enter_context(tempfile.SpooledTemporaryFile(_MOST_BYTES_HELD))
            _keep(path, file, opened)
            if self._socket is not None and opened.tell() > _MOST_BYTES_HELD:
                self._request((path, stretch), opened)
            else:
                opened.seek(0)
                self._request((path, stretch), None, opened)

    def _request(
        self,
        wanted: tuple[str, Stretch],
        opened: IO[bytes] | None,
        content: IO[bytes] | None = None,
    ) -> None:
        assert self._process.stdin is not None
        try:
            if opened is not None and self._socket is not None:
                _hand_over(self._socket, opened.fileno())
            self._process.stdin.write(json.dumps([*wanted, content is not None]).encode() + b"\n")
            part = b"" if content is None else b"-"
            while part and content is not None:
                part = content.read(_PART_BYTES)
                self._process.stdin.write(_PART.pack(len(part)) + part)
            self._process.stdin.flush()
        except OSError:  # the process is gone and will not answer
            pass
        except BaseException:  # the process still waits for the rest of the file
            self.close()
            raise

    def receive(self, path: str) -> tuple[bytes, bytes]:
        """Return the kind and the content of the next message.

        Raises:
            SourceError: the decoder has ended, or the message is too long.
        """
        assert self._process.stdout is not None
        head = self._process.stdout.read(_HEAD.size)
        if len(head) == _HEAD.size:
            kind, length = _HEAD.unpack(head)
            if length > _MOST_BYTES_ANSWERED.get(kind, -1):
                raise self.nonsense(path)
            content = self._process.stdout.read(length)
            if len(content) == length:
                return kind, content
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_SECONDS)  # its own exit status says more than a kill
        self.close()
        raise SourceError(f"{path}: its decoder {_fate(self._process.returncode)}", _BY_ANOTHER)

    def nonsense(self, path: str) -> SourceError:
        """End the process, which answers what no decoder does. Returns what to say of the file."""
        self.close()
        return SourceError(f"{path}: its decoder answers nonsense", _BY_ANOTHER)


class Decoding:
    """The audio of one file, block by block.

    Raises:
        SourceError: the file cannot be decoded, or crashed the decoder.
    """

    def __init__(
        self, decoder: Decoder, path: str, file: Readable | None, stretch: Stretch
    ) -> None:
        self._decoder = decoder
        self._path = path
        self._samples = 0
        self._ended = False
        decoder.send(path, file, stretch)
        content = self._receive(_OPENED)
        try:
            rate, channels, unconfined = json.loads(content)
            self.sample_rate, self.channels = int(rate), int(channels)
            self.unconfined = None if unconfined is None else Unconfined(*map(str, unconfined))
            """Why the process could do more than decode; None if it cannot."""
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise decoder.nonsense(path) from None
        is_possible = LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE
        if not (is_possible and 1 <= self.channels <= MOST_CHANNELS):
            raise decoder.nonsense(path)
        if self.unconfined is not None:
            warn("recordings", self.unconfined)

    def read(self) -> FloatArray:
        """Return the next samples, shape ``(n, channels)``; ``n`` is 0 at the end.

        Raises:
            SourceError: the file is damaged here, too long, or crashed the decoder.
        """
        if self._samples > MOST_SECONDS * self.sample_rate:
            raise SourceError(
                f"{self._path}: it is longer than {MOST_SECONDS / 3600:g} hours", "Cut it up"
            )
        content = b"" if self._ended else self._receive(_BLOCK)
        self._ended = not content
        if len(content) % (self.channels * np.dtype(np.float32).itemsize):
            raise self._decoder.nonsense(self._path)
        block = np.frombuffer(content, np.float32).reshape(-1, self.channels)
        if fault_of(peak_of(block)) is not None:
            raise self._decoder.nonsense(self._path)
        self._samples += block.shape[0]
        return block

    def close(self) -> None:
        """Stop reading."""
        if not self._ended:
            self._ended = True
            self._decoder.close()

    def _receive(self, wanted: bytes) -> bytes:
        kind, content = self._decoder.receive(self._path)
        if kind == wanted:
            return content
        self._ended = True
        if kind != _REFUSED:
            raise self._decoder.nonsense(self._path)
        try:
            problem, remedy = map(str, json.loads(content))
        except (ValueError, TypeError, RecursionError):
            raise self._decoder.nonsense(self._path) from None
        raise SourceError(problem, remedy)


def _keep(path: str, file: Readable, kept: IO[bytes]) -> None:
    """Copy the content of an open file."""
    part = b"-"
    while part:
        try:
            part = file.read(_PART_BYTES)
        except OSError as error:
            raise unreadable(path, error) from None
        except ValueError as error:  # it is closed
            raise SourceError(f"{path}: it cannot be read ({error})", "Open it again") from None
        if not isinstance(part, bytes):
            raise SourceError(
                f"{path}: it gives {type(part).__name__} instead of bytes", "Open it in mode 'rb'"
            )
        if kept.tell() + len(part) > _MOST_BYTES_SENT:
            raise SourceError(
                f"{path}: it is larger than {_MOST_BYTES_SENT / 2**30:g} GiB, too large for a pipe "
                "or an open file",
                "Give the path of a file instead",
            )
        try:
            kept.write(part)
            kept.flush()
        except OSError as error:
            raise unreadable(path, error) from None


def _start() -> tuple[subprocess.Popen[bytes], socket.socket | None]:
    """Start the process. Returns it with the socket for open files, which Windows does not have."""
    ours: socket.socket | None = None
    with contextlib.ExitStack() as stack:
        try:
            numbers: tuple[int, ...] = ()
            if sys.platform != "win32":
                import socket

                ours, theirs = socket.socketpair()
                numbers = (stack.enter_context(theirs).fileno(),)
            # It finds its modules where this process does.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _COMMAND, str(numbers[0] if numbers else -1), *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries print warnings about files there
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=numbers,
                **apart(),
            )
        except OSError as error:
            if ours is not None:
                ours.close()
            problem, remedy = shortage_of(error) or (error.strerror or str(error), "Try again")
            raise SourceError(f"no decoder of sound files can start: {problem}", remedy) from None
    return process, ours


def _hand_over(to: socket.socket, descriptor: int) -> None:
    if sys.platform != "win32":
        import socket

        socket.send_fds(to, [b"F"], [descriptor])


def _fate(status: int) -> str:
    if sys.platform != "win32" and status == -signal.SIGALRM:
        return f"took longer than {_MOST_SECONDS_A_STEP:g} s for a step"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended (status {status})"


# The rest of this module runs in the decoder's process.


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
                output.write(_HEAD.pack(kind, len(content)))
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
        with tempfile.SpooledTemporaryFile(_MOST_BYTES_HELD) as sent:
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
        head = stream.read(_PART.size)
        if len(head) < _PART.size:  # the daemon is gone
            os._exit(0)
        (length,) = _PART.unpack(head)
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
            yield _OPENED, json.dumps(about).encode()
            for block in blocks_in(stretch, lambda: _read(reader, path), reader.sample_rate, path):
                yield _BLOCK, block.tobytes()
            yield _BLOCK, b""
            reader.close()
        except SourceError as error:
            yield _REFUSED, json.dumps((error.problem, error.remedy)).encode()
        except OSError as error:
            refused = unreadable(path, error)
            yield _REFUSED, json.dumps((refused.problem, refused.remedy)).encode()
        except MemoryError:
            problem = f"{path}: it takes more memory than a sound file may"
            yield _REFUSED, json.dumps((problem, "Convert it again")).encode()


def _read(reader: SoundReader, path: str) -> FloatArray:
    with _deadline():
        return read_block(reader, path, BLOCK_SECONDS)


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    """End the process if this takes too long. Only Windows needs a thread for that."""
    if sys.platform == "win32":
        faulthandler.dump_traceback_later(_MOST_SECONDS_A_STEP, exit=True)
    else:
        signal.setitimer(signal.ITIMER_REAL, _MOST_SECONDS_A_STEP)
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
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
