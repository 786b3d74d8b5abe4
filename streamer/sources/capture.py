"""PortAudio in a process of its own: it may hang, crash or fill its standard error.

PortAudio has no calls with a time limit, and some of its calls never return after the end of a
sound server. A process can be given up: the daemon waits for each answer for 10 s at most, and ends
the process without asking it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from emotiond import exceptions
from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DeviceError, NoMicrophoneError
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.child_processes import apart
from emotiond.streamer.sources.capture_process import ANSWER, BLOCK, BLOCK_HEAD, HEAD
from emotiond.streamer.sources.portaudio import Device, Opening

_PATIENCE_SECONDS = 10.0
_END_SECONDS = 1.0  # for a killed process to end; a driver may hold it
_COMMAND = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from emotiond.streamer.sources.capture_process import main; main()"
)
_STANDS_STILL = (
    "Start it again (PulseAudio: pulseaudio -k; PipeWire: systemctl --user restart pipewire), "
    "or feed sound in another way: --source FILE"
)

OnBlock = Callable[[FloatArray, float, int], None]
"""Takes samples of shape ``(n, channels)``, when the last of them came by the monotonic clock, and
how many were lost before them."""


class Capture:
    """One process. Its methods belong to one thread; blocks come from another one."""

    def __init__(self) -> None:
        self._process = _start()
        self._answers: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        self._channels = 1
        self._on_block: OnBlock = lambda *_: None
        self._on_end: Callable[[], None] = lambda: None
        self._is_closed = False
        self._reader = threading.Thread(target=self._read, name="emotiond-capture", daemon=True)
        self._reader.start()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether blocks may still come."""
        return self._reader.is_alive()

    def devices(self) -> Sequence[Device]:
        """Return all input devices.

        Raises:
            DeviceError: PortAudio cannot be used, or does not answer.
        """
        return [Device(**values) for values in self._ask("devices")]

    def opening(self, device: Device) -> Opening:
        """Return how to open a device: mono, at 16 kHz if possible, else at its own rate.

        Raises:
            DeviceError: the device cannot be opened at all.
        """
        values = self._ask("opening", asdict(device), SAMPLE_RATE)
        return Opening(device, values["sample_rate"], values["channels"])

    def rates(self, device: Device) -> Sequence[int]:
        """Return the usual sample rates that the device supports, in Hz.

        Raises:
            DeviceError: PortAudio does not answer.
        """
        return tuple(self._ask("rates", asdict(device)))

    def version(self) -> str:
        """Return what PortAudio says of itself.

        Raises:
            DeviceError: PortAudio cannot be used, or does not answer.
        """
        return str(self._ask("version"))

    def open(self, opening: Opening) -> float:
        """Open a device, which captures from now on. Returns its latency, in seconds.

        Raises:
            DeviceError: the device cannot be opened.
        """
        self._channels = opening.channels
        return float(self._ask("open", asdict(opening)))

    def play(self, on_block: OnBlock, on_end: Callable[[], None]) -> None:
        """Pass on the blocks of the open device. Nothing else can be asked from now on.

        Args:
            on_block: called with each block of 10 ms.
            on_end: called once if the device is lost, or the process ends.
        """
        self._on_block, self._on_end = on_block, on_end
        self._send("play")
        if not self.is_alive:  # it has ended before it knew whom to call
            on_end()

    def close(self) -> None:
        """End the process at once; no more blocks come. It may have ended already."""
        self._is_closed = True
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        if threading.current_thread() is not self._reader:
            self._reader.join(_END_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not self._reader.is_alive():
                with contextlib.suppress(OSError):  # a question that no process will read
                    pipe.close()

    def _send(self, name: str, *arguments: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the process is gone and will not answer
            self._process.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
            self._process.stdin.flush()

    def _ask(self, name: str, *arguments: Any) -> Any:
        self._send(name, *arguments)
        try:
            answer = self._answers.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty:
            self.close()
            raise NoMicrophoneError("the sound system does not answer", _STANDS_STILL) from None
        if answer is None:
            self.close()
            raise DeviceError(
                f"PortAudio crashed (status {self._process.returncode})",
                "Check the sound set-up with 'emotiond doctor'",
            )
        kind, content = answer
        if kind == ANSWER:
            return json.loads(content)
        error, problem, remedy = json.loads(content)
        raise getattr(exceptions, error)(problem, remedy)

    def _read(self) -> None:
        """Pass on blocks and answers until the process ends."""
        assert self._process.stdout is not None
        read = self._process.stdout.read
        with contextlib.suppress(OSError, ValueError):  # the pipe is closed
            while len(head := read(HEAD.size)) == HEAD.size:
                kind, length = HEAD.unpack(head)
                content = read(length)
                if len(content) < length:
                    break
                if kind != BLOCK:
                    self._answers.put((kind, content))
                elif not self._is_closed:
                    came_seconds, lost_samples = BLOCK_HEAD.unpack_from(content)
                    samples = np.frombuffer(content, np.float32, offset=BLOCK_HEAD.size)
                    block = samples.reshape(-1, self._channels)
                    self._on_block(block, came_seconds, lost_samples)
        self._answers.put(None)
        if not self._is_closed:
            self._on_end()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _COMMAND, *sys.path],  # where this process finds its modules
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # PortAudio may write tens of megabytes a second there
        **apart(),
    )
