"""The daemon's end of the process that decodes sound files: if that crashes, the daemon goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError, shortage_of
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.child_processes import apart
from emotiond.streamer.readers.confinement import Unconfined, warn
from emotiond.streamer.readers.decoder_process import (
    BLOCK,
    HEAD,
    MOST_BYTES_HELD,
    MOST_SECONDS_A_STEP,
    OPENED,
    PART,
    REFUSED,
)
from emotiond.streamer.readers.opening import State, open_once, open_to_read, unreadable
from emotiond.streamer.readers.sound_file import (
    HIGHEST_RATE,
    LOWEST_RATE,
    MOST_CHANNELS,
    MOST_SECONDS,
)
from emotiond.streamer.readers.stretch import WHOLE, Stretch

if TYPE_CHECKING:
    import socket  # slow: the command line imports this module at every start

_PART_BYTES = 2**18
_MOST_BYTES_SENT = 2**32  # of a file without a path
_MOST_BYTES_ANSWERED = {OPENED: 2**16, BLOCK: 2**26, REFUSED: 2**16}
_LAST_SECONDS = 5.0  # from the end of its output to the end of the process
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[2:]; "  # the first argument is the socket's number
    "from emotiond.streamer.readers.decoder_process import main; main()"
)
_BY_ANOTHER = "Convert it by another program, for instance: ffmpeg -i FILE out.wav"


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

    def open(
        self,
        path: str,
        file: Readable | None = None,
        stretch: Stretch = WHOLE,
        seen: State | None = None,
    ) -> Decoding:
        """Open a file. The rest of the file before it is discarded.

        Args:
            path: the path of a regular file, or a name for messages if the file is open already.
            file: an open file, which is read from its present position to its end.
            stretch: the part of the file that is wanted. What is before it is decoded, too.
            seen: the state that the file at the path has to be in; None for any.

        Raises:
            SourceError: the file cannot be decoded, has changed, or crashed the decoder.
        """
        if self._process.poll() is not None:
            self.close()
            self._process, self._socket = _start()
        if file is not None:
            self._send(path, file, stretch)
        else:
            with open_to_read(path, seen) as opened:  # Windows' process opens it itself
                self._request((path, stretch), opened)
        return Decoding(self, path)

    def open_once(self, path: str, stretch: Stretch = WHOLE) -> Decoding:
        """Open a pipe, or an open file like ``/dev/stdin``, and read it to its end.

        Raises:
            SourceError: it cannot be decoded, or crashed the decoder.
        """
        with open_once(path) as opened:
            return self.open(path, opened, stretch)

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

    def _send(self, path: str, file: Readable, stretch: Stretch) -> None:
        """Send the content of the next file if it fits into memory, else a copy of it, open."""
        with tempfile.SpooledTemporaryFile(MOST_BYTES_HELD) as opened:
            _keep(path, file, opened)
            if self._socket is not None and opened.tell() > MOST_BYTES_HELD:
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
                self._process.stdin.write(PART.pack(len(part)) + part)
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
        head = self._process.stdout.read(HEAD.size)
        if len(head) == HEAD.size:
            kind, length = HEAD.unpack(head)
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

    def __init__(self, decoder: Decoder, path: str) -> None:
        self._decoder = decoder
        self._path = path
        self._samples = 0
        self._ended = False
        content = self._receive(OPENED)
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
        content = b"" if self._ended else self._receive(BLOCK)
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
        if kind != REFUSED:
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
        return f"took longer than {MOST_SECONDS_A_STEP:g} s for a step"
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended (status {status})"
