"""Decodes sound files in a process of its own: a crash of the decoder does not end the daemon.

The process reads one line per file, a list in JSON: the path, and whether the content follows,
for a file without a path. The content is sent in parts, each behind four bytes for its length; an
empty part ends it. The process answers with messages: one byte for the kind, four bytes for the
length, and the content.
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
from typing import IO, BinaryIO, Protocol, cast, runtime_checkable

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError, shortage_of
from emotiond.streamer.child_processes import apart
from emotiond.streamer.readers.opening import is_own, is_pipe, open_to_read, unreadable
from emotiond.streamer.readers.sound_file import MOST_SECONDS, open_sound_file, read_block

BLOCK_SECONDS = 0.5
_OPENED, _BLOCK, _REFUSED = b"O", b"B", b"X"
_HEAD = struct.Struct("<cI")
_PART = struct.Struct("<I")
_PART_BYTES = 2**18
_MOST_BYTES_SENT = 2**32  # of a file without a path
_MOST_BYTES_HELD = 2**24  # of it in memory; more goes into a temporary file
_MOST_SECONDS_A_STEP = 20.0  # to open a file, or to decode a block of it
_LAST_SECONDS = 5.0  # from the end of its output to the end of the process
_MOST_MEMORY_BYTES = 2**31  # of address space, libraries included
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from emotiond.streamer.readers.decoder import main; main()"
)
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
        self._process = _start()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, path: str, file: Readable | None = None) -> Decoding:
        """Open a file. The rest of the file before it is discarded.

        Args:
            path: the path, or a name for messages if the file is open already.
            file: an open file, which is read from its present position to its end. A pipe, or an
                open file like ``/dev/stdin``, is opened and read to its end in this process: its
                path means something else to another, or nothing.

        Raises:
            SourceError: the file cannot be decoded, or crashed the decoder.
        """
        if self._process.poll() is not None:
            self.close()
            self._process = _start()
        if file is not None:
            return Decoding(self, path, file)
        if is_own(path) or is_pipe(path):
            with open_to_read(path) as opened:
                return Decoding(self, path, opened)
        return Decoding(self, path)

    def close(self) -> None:
        """End the process at once. It may have ended already."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent data that no process will read
                    pipe.close()
        self._process.wait()

    def send(self, path: str, file: Readable | None = None) -> None:
        """Send the path of the next file, and the content of an open one.

        Raises:
            SourceError: the open file cannot be read, or is too large.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the process is gone and will not answer
            self._process.stdin.write(json.dumps([path, file is not None]).encode() + b"\n")
            for part in () if file is None else _parts(path, file):
                self._process.stdin.write(_PART.pack(len(part)) + part)
            self._process.stdin.flush()

    def receive(self, path: str) -> tuple[bytes, bytes]:
        """Return the kind and the content of the next message.

        Raises:
            SourceError: the decoder has ended.
        """
        assert self._process.stdout is not None
        head = self._process.stdout.read(_HEAD.size)
        if len(head) == _HEAD.size:
            kind, length = _HEAD.unpack(head)
            content = self._process.stdout.read(length)
            if len(content) == length:
                return kind, content
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_SECONDS)  # its own exit status says more than a kill
        self.close()
        raise SourceError(
            f"{path}: its decoder {_fate(self._process.returncode)}",
            "Convert it by another program, for instance: ffmpeg -i FILE out.wav",
        )


class Decoding:
    """The audio of one file, block by block.

    Raises:
        SourceError: the file cannot be decoded, or crashed the decoder.
    """

    def __init__(self, decoder: Decoder, path: str, file: Readable | None = None) -> None:
        self._decoder = decoder
        self._path = path
        self._samples = 0
        self._ended = False
        try:
            decoder.send(path, file)
        except BaseException:  # the process still waits for the rest of the file
            decoder.close()
            raise
        about = json.loads(self._receive(_OPENED))
        self.sample_rate: int = about["sample_rate"]
        self.channels: int = about["channels"]

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
        block = np.frombuffer(content, np.float32).reshape(-1, self.channels)
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
        raise SourceError(*json.loads(content))


def _parts(path: str, file: Readable) -> Iterator[bytes]:
    """Yield the content of an open file, with an empty part at the end."""
    total = 0
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
        total += len(part)
        if total > _MOST_BYTES_SENT:
            raise SourceError(
                f"{path}: it is larger than {_MOST_BYTES_SENT / 2**30:g} GiB, too large for a pipe "
                "or an open file",
                "Give the path of a file instead",
            )
        yield part


def _start() -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _COMMAND, *sys.path],  # where this process finds its modules
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print warnings about files there
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            **apart(),
        )
    except OSError as error:
        problem, remedy = shortage_of(error) or (error.strerror or str(error), "Try again")
        raise SourceError(f"no decoder of sound files can start: {problem}", remedy) from None


def _fate(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended (status {status})"


# The rest of this module runs in the decoder's process.


def main() -> None:
    """Decode the requested files until the daemon is gone."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _limit_memory()
    output = sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            path, has_content = json.loads(line)
            with contextlib.ExitStack() as stack:
                sent = None
                if has_content:
                    sent = stack.enter_context(tempfile.SpooledTemporaryFile(_MOST_BYTES_HELD))
                for kind, content in _answer(path, sent):
                    output.write(_HEAD.pack(kind, len(content)))
                    output.write(content)
                    output.flush()
    os._exit(0)  # a regular exit would try to flush standard output once more


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


def _answer(path: str, sent: IO[bytes] | None) -> Iterator[tuple[bytes, bytes]]:
    try:
        if sent is not None and (failure := _receive(sys.stdin.buffer, sent)) is not None:
            raise unreadable(path, failure)
        with _deadline():
            reader = open_sound_file(path, None if sent is None else cast("BinaryIO", sent))
        about = {"sample_rate": reader.sample_rate, "channels": reader.channels}
        yield _OPENED, json.dumps(about).encode()
        content = b"-"
        while content:
            with _deadline():
                content = read_block(reader, path, BLOCK_SECONDS).tobytes()
            yield _BLOCK, content
        reader.close()
    except SourceError as error:
        yield _REFUSED, json.dumps((error.problem, error.remedy)).encode()
    except OSError as error:
        refused = unreadable(path, error)
        yield _REFUSED, json.dumps((refused.problem, refused.remedy)).encode()
    except MemoryError:
        problem = f"{path}: it takes more memory than a sound file may"
        yield _REFUSED, json.dumps((problem, "Convert it again")).encode()


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    """End the process if this takes too long."""
    faulthandler.dump_traceback_later(_MOST_SECONDS_A_STEP, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):  # the system has no such limit
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
