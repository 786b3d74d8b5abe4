"""The process that captures: it alone calls PortAudio. ``capture.py`` is its other end.

It reads one line per question, a list in JSON: the name and the arguments. It answers with
messages: one byte for the kind, four bytes for the length, and the content. Asked to play an open
device, it sends nothing but blocks of samples from then on. It ends with the daemon, whatever
PortAudio does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from emotiond.exceptions import EmotiondError, cause_of
from emotiond.streamer.sources.portaudio import (
    Device,
    Opening,
    find_opening,
    list_devices,
    load_portaudio,
    not_openable,
    opened_by,
    supported_rates,
)

ANSWER, REFUSAL, BLOCK = b"A", b"X", b"B"
HEAD = struct.Struct("<cI")
BLOCK_HEAD = struct.Struct("<dI")
"""When the block came, by the monotonic clock, and how many samples were lost before it."""

_BLOCK_SECONDS = 0.01
_MOST_WAITING = 500  # blocks, while the daemon does not read
_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # they end the daemon, and that ends this process

_Waiting = queue.Queue[bytes | None]


def main() -> None:
    """Answer questions, and capture, until the daemon is gone."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    questions: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_questions, args=(questions,), daemon=True).start()
    waiting: _Waiting = queue.Queue(_MOST_WAITING)
    try:
        while True:
            name, *arguments = questions.get()
            if name == "play":
                _send_blocks(waiting)
            _send(*_answer(name, arguments, waiting))
    except OSError:  # the daemon is gone
        os._exit(0)


def _read_questions(questions: queue.SimpleQueue[list[Any]]) -> None:
    for line in sys.stdin.buffer:
        questions.put(json.loads(line))
    os._exit(0)  # the daemon is gone; the main thread may be waiting for PortAudio for ever


def _send(kind: bytes, content: bytes) -> None:
    sys.stdout.buffer.write(HEAD.pack(kind, len(content)) + content)
    sys.stdout.buffer.flush()


def _send_blocks(waiting: _Waiting) -> None:
    """Send all blocks. PortAudio's thread never waits for the daemon."""
    while (block := waiting.get()) is not None:
        _send(BLOCK, block)
    os._exit(0)  # the device is lost: closing it might never return


def _answer(name: str, arguments: list[Any], waiting: _Waiting) -> tuple[bytes, bytes]:
    try:
        found = _open(arguments[0], waiting) if name == "open" else _QUESTIONS[name](*arguments)
        return ANSWER, json.dumps(found).encode()
    except EmotiondError as error:
        refusal = (type(error).__name__, error.problem, error.remedy)
    except Exception as error:  # whatever it is, the daemon says it
        refusal = ("DeviceError", cause_of(error), "Report it")
    return REFUSAL, json.dumps(refusal).encode()


_QUESTIONS: Mapping[str, Callable[..., Any]] = {
    "devices": lambda: [asdict(device) for device in list_devices()],
    "opening": lambda device, rate: asdict(find_opening(Device(**device), rate)),
    "rates": lambda device: supported_rates(Device(**device)),
    "version": lambda: load_portaudio().get_portaudio_version()[1],
}


def _open(values: dict[str, Any], waiting: _Waiting) -> float:
    """Open a device. Returns the seconds of its latency."""
    opening = Opening(**{**values, "device": Device(**values["device"])})
    sounddevice = load_portaudio()
    try:
        with opened_by(opening.device) as index:
            stream = sounddevice.RawInputStream(
                device=index,
                samplerate=opening.sample_rate,
                channels=opening.channels,
                blocksize=round(_BLOCK_SECONDS * opening.sample_rate),
                dtype="float32",
                latency="low",
                callback=_Callback(opening.sample_rate, waiting),
                finished_callback=lambda: waiting.put(None),
            )
            stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise not_openable(opening.device, error) from None
    _keep.append(stream)
    return float(stream.latency)


_keep: list[Any] = []  # the open stream, which would close if nothing referred to it


class _Callback:
    """Copies each block, notes its time, and returns."""

    def __init__(self, sample_rate: int, waiting: _Waiting) -> None:
        self._sample_rate = sample_rate
        self._waiting = waiting
        self._expected_adc_seconds: float | None = None
        """Time of the next block's first sample in PortAudio's clock; None for the first block."""
        self._lost_samples = 0

    def __call__(self, block: Any, samples: int, times: Any, status: Any) -> None:
        now, expected_seconds = time.monotonic(), self._expected_adc_seconds
        if status.input_overflow and expected_seconds is not None:
            # PortAudio lost samples before this block. Its clock gives how many.
            lost_seconds = times.inputBufferAdcTime - expected_seconds
            self._lost_samples += max(0, round(lost_seconds * self._sample_rate))
        self._expected_adc_seconds = times.inputBufferAdcTime + samples / self._sample_rate
        try:
            self._waiting.put_nowait(BLOCK_HEAD.pack(now, self._lost_samples) + bytes(block))
            self._lost_samples = 0
        except queue.Full:
            self._lost_samples += samples
