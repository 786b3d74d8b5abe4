"""The daemon's end of the process that decodes a network stream."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError, shortage_of
from emotiond.streamer.audio.samples import fault_of, peak_of
from emotiond.streamer.child_processes import apart
from emotiond.streamer.readers.confinement import Unconfined, warn
from emotiond.streamer.readers.sound_file import HIGHEST_RATE, LOWEST_RATE, MOST_CHANNELS
from emotiond.streamer.readers.stream_process import BLOCK, FORM, HEAD, MOST_BLOCK_BYTES, REFUSED

_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from emotiond.streamer.readers.stream_process import main; main()"
)
_RTP_COMMAND = _COMMAND.replace("stream_process", "rtp_process")
_MOST_BYTES = {FORM: 2**16, BLOCK: MOST_BLOCK_BYTES, REFUSED: 2**16}
_OTHERWISE = "Let it send another format"


class Form(NamedTuple):
    """What samples mean."""

    sample_rate: int
    """Hz."""
    channels: int


class Sound(NamedTuple):
    """The next samples of a stream."""

    form: Form
    samples: FloatArray
    """Shape ``(n, channels)``."""


class StreamDecoder:
    """Decodes one stream: a thread feeds it, another one reads what comes of that.

    Args:
        is_rtp: whether it is fed with packets of RTP, else with a file.

    Raises:
        SourceError: no process can start.
    """

    def __init__(self, is_rtp: bool = False) -> None:
        self._form: Form | None = None
        # The addresses of streams, with their passwords, may be among the daemon's own variables.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("EMOTIOND_")}
        try:
            # It finds its modules where this process does.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _RTP_COMMAND if is_rtp else _COMMAND, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # FFmpeg prints warnings about streams there
                env={**environment, "OPENBLAS_NUM_THREADS": "1"},
                **apart(),
            )
        except OSError as error:
            problem, remedy = shortage_of(error) or (error.strerror or str(error), "Try again")
            raise SourceError(f"no decoder of streams can start: {problem}", remedy) from None

    def feed(self, data: bytes) -> bool:
        """Pass bytes on. This waits for as long as the decoder is busy. False if it has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def end_input(self) -> None:
        """Let it decode what it has, and end."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended
            self._process.stdin.close()

    def read(self) -> Sound | None:
        """Return the next samples; None at the end.

        Raises:
            SourceError: the stream cannot be decoded, or crashed the decoder.
        """
        while True:
            message = self._receive()
            if message is None:
                return None
            kind, content = message
            if kind == FORM:
                self._form = _form_of(content)
            elif kind == REFUSED:
                raise _refusal_of(content)
            else:
                return self._sound_of(content)

    def kill(self) -> None:
        """End the process at once: threads that wait for it are woken."""
        self._process.kill()

    def close(self) -> None:
        """End the process. No thread may use it any more."""
        self._process.kill()
        self.end_input()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()

    def _receive(self) -> tuple[bytes, bytes] | None:
        assert self._process.stdout is not None
        head = self._process.stdout.read(HEAD.size)
        if len(head) == HEAD.size:
            kind, length = HEAD.unpack(head)
            if length > _MOST_BYTES.get(kind, -1):
                raise _nonsense()
            content = self._process.stdout.read(length)
            if len(content) == length:
                return kind, content
        status = self._process.wait()
        if head or status:
            raise SourceError("its decoder has ended too early", _OTHERWISE)
        return None

    def _sound_of(self, content: bytes) -> Sound:
        form = self._form
        if form is None or len(content) % (form.channels * np.dtype(np.float32).itemsize):
            raise _nonsense()
        samples = np.frombuffer(content, np.float32).reshape(-1, form.channels)
        if fault_of(peak_of(samples)) is not None:
            raise _nonsense()
        return Sound(form, samples)


def _form_of(content: bytes) -> Form:
    try:
        rate, channels, unconfined = json.loads(content)
        form = Form(int(rate), int(channels))
        why = None if unconfined is None else Unconfined(*map(str, unconfined))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _nonsense() from None
    if not (
        LOWEST_RATE <= form.sample_rate <= HIGHEST_RATE and 1 <= form.channels <= MOST_CHANNELS
    ):
        raise _nonsense()
    if why is not None:
        warn("network streams", why)
    return form


def _refusal_of(content: bytes) -> SourceError:
    try:
        problem, remedy = map(str, json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return _nonsense()
    return SourceError(problem, remedy)


def _nonsense() -> SourceError:
    return SourceError("its decoder answers nonsense", _OTHERWISE)
