"""A daemon with many streams: ``python -m benchmarks.support.many_streams MODEL COUNT``.

One thread plays the sound of all streams, so that the cost of players is not measured.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from benchmarks.support.demo import demo
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.daemon.app import serve
from emotiond.streamer.daemon.preparing import prepare
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import SourceSpec
from emotiond.streamer.sources.source import About, OnStatus, Switch

_BLOCK_SECONDS = 0.05
_BLOCK = round(_BLOCK_SECONDS * SAMPLE_RATE)


class PlayedSource:
    """A source whose blocks the playing thread writes.

    Args:
        first: position in the recording at which it starts.
    """

    sample_rate, channels = SAMPLE_RATE, 1
    failure: str | None = None
    switch: Switch | None = None

    def __init__(self, first: int) -> None:
        self.about = About()
        self._position = first
        self._ring: Ring | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        """Accept sound."""
        self._ring = ring

    def stop(self) -> None:
        """Stop accepting sound."""
        self._ring = None

    def play(self, samples: FloatArray, due_seconds: float) -> None:
        """Write the next block of a recording that repeats."""
        if self._ring is not None:
            block = samples[self._position : self._position + _BLOCK, None]
            self._ring.write(block, due_seconds)
            self._position = (self._position + _BLOCK) % (samples.shape[0] - _BLOCK)


def _play(sources: Sequence[PlayedSource]) -> None:
    """Play all sources block by block, at times spread over the length of a block."""
    samples, due = demo(), time.monotonic()
    while True:
        for source in sources:
            due += _BLOCK_SECONDS / len(sources)
            time.sleep(max(0.0, due - time.monotonic()))
            source.play(samples, due)


def main() -> None:
    """Run until killed."""
    model, count = sys.argv[1], int(sys.argv[2])
    sources = [PlayedSource(3 * _BLOCK * i % (20 * SAMPLE_RATE)) for i in range(count)]
    named = [(SourceSpec(f"s{i}", "demo"), source) for i, source in enumerate(sources)]
    threading.Thread(target=_play, args=(sources,), daemon=True).start()
    settings = {"model": model, "port": 0, "zmq": "tcp://127.0.0.1:*", "history": "off"}
    config = make_config(settings, {})
    serve(config, prepare(config), named)


if __name__ == "__main__":
    main()
