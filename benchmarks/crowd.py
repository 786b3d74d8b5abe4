"""A daemon with many streams: ``python -m benchmarks.crowd MODEL COUNT``.

Their sound is played by one thread, as a sound system or a network would bring it, so that what
is measured are the streams and not as many players.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.catalog import find_model
from emotiond.inference.runtime import find_runtime
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.config import make_config
from emotiond.streamer.daemon.app import prepare_outputs, serve
from emotiond.streamer.sources.factory import SourceSpec
from emotiond.streamer.sources.source import About, OnStatus, Switch
from tests.support.signals import demo

_BLOCK_SECONDS = 0.05
_BLOCK = round(_BLOCK_SECONDS * SAMPLE_RATE)


class Voice:
    """A source that somebody else plays."""

    sample_rate, channels = SAMPLE_RATE, 1
    failure: str | None = None
    switch: Switch | None = None

    def __init__(self, first: int) -> None:
        self.about = About()
        self._position = first
        self._ring: Ring | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Begin to take sound."""
        self._ring = ring

    def stop(self) -> None:
        """Take no more."""
        self._ring = None

    def play(self, samples: FloatArray, due_seconds: float) -> None:
        """The next block of a recording that goes round."""
        if self._ring is not None:
            block = samples[self._position : self._position + _BLOCK, None]
            self._ring.write(block, due_seconds)
            self._position = (self._position + _BLOCK) % (samples.shape[0] - _BLOCK)


def _play(voices: Sequence[Voice]) -> None:
    """All voices, block by block, each at its own moment within a block's length."""
    samples, due = demo(), time.monotonic()
    while True:
        for voice in voices:
            due += _BLOCK_SECONDS / len(voices)
            time.sleep(max(0.0, due - time.monotonic()))
            voice.play(samples, due)


def main() -> None:
    """Run until killed."""
    model, count = sys.argv[1], int(sys.argv[2])
    runtime = find_runtime()
    voices = [Voice(3 * _BLOCK * i % (20 * SAMPLE_RATE)) for i in range(count)]
    sources = [(SourceSpec(f"s{i}", "demo"), voice) for i, voice in enumerate(voices)]
    threading.Thread(target=_play, args=(voices,), daemon=True).start()
    config = make_config({"port": 0, "zmq": "tcp://127.0.0.1:*", "history": "off"}, {})
    model_read = find_model(model, runtime)
    serve(config, runtime, model_read, None, sources, prepare_outputs(config))


if __name__ == "__main__":
    main()
