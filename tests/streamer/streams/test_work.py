"""Each frame, window and event is computed once, for any stride and any number of clients."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame

from emotiond.dsp.mfcc import Mfcc
from emotiond.dsp.types import FloatArray
from emotiond.inference.classifier import Classifier
from emotiond.streamer import hub
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.protocol import events
from emotiond.streamer.server import websocket_server
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.pipeline import Pipeline
from tests.support.analysis import analyzed
from tests.support.daemon import DEMO
from tests.support.port import EVENT, port, run
from tests.support.signals import RATE, demo


@pytest.mark.parametrize("stride_samples", [1600, 4000, 5000])
def test_each_frame_is_computed_once_though_windows_overlap(
    tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch, stride_samples: int
) -> None:
    computed: list[int] = []
    compute = Mfcc.__call__

    def counted(mfcc: Mfcc, frames: FloatArray) -> FloatArray:
        computed.append(frames.shape[0])
        return compute(mfcc, frames)

    # The first pipeline computes a frame of silence for all that follow.
    Pipeline(tiny_classifier.card, tiny_classifier.encoding(), tiny_classifier.speaker())
    monkeypatch.setattr(Mfcc, "__call__", counted)
    analyzed(DEMO, tiny_classifier, stride_samples)
    assert sum(computed) == tiny_classifier.card.recipe.frames_in(demo().shape[0])


def test_the_model_runs_once_for_a_loud_window_and_never_in_silence(
    tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    inferences = 0
    infer = tiny_classifier.infer

    def counted(*arguments: Any) -> Any:
        nonlocal inferences
        inferences += 1
        return infer(*arguments)

    monkeypatch.setattr(tiny_classifier, "infer", counted)
    pipeline = Pipeline(tiny_classifier.card, tiny_classifier.encoding(), tiny_classifier.speaker())
    silence = np.zeros(10 * RATE, np.float32)
    states = _process(pipeline, tiny_classifier, silence)
    assert (len(states), inferences) == (40, 0)
    states = _process(pipeline, tiny_classifier, demo(), position=silence.shape[0])
    inferred = sum(state in ("speech", "uncertain") for state in states)
    assert 0 < inferred <= inferences <= len(states)


def test_an_event_is_encoded_once_for_all_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def counted(message: Any) -> str:
        encoded.append(events.encode(message))
        return encoded[-1]

    monkeypatch.setattr(hub, "encode", counted)

    async def publish() -> list[_Output]:
        outputs = [_Output() for _ in range(5)]
        carrier = Hub(asyncio.get_running_loop())
        for number, output in enumerate(outputs):
            carrier.add(str(number), output)
        status = events.Status(0, "mic", "running", "", None, None, False)
        await asyncio.to_thread(carrier.publish, [Message.of(status)], True)
        return outputs

    outputs = asyncio.run(publish())
    assert len(encoded) == 1
    assert all(output.texts[0] is encoded[0] for output in outputs)


def test_an_event_is_framed_once_for_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    framed: list[bytes] = []

    class Counted(Frame):
        def serialize(self, **options: Any) -> bytes:
            framed.append(super().serialize(**options))
            return framed[-1]

    monkeypatch.setattr(websocket_server, "Frame", Counted)

    async def listen() -> None:
        async with port() as server_port, contextlib.AsyncExitStack() as connections:
            clients = [
                await connections.enter_async_context(connect(server_port.url)) for _ in range(5)
            ]
            await server_port.server.wait_for_clients(len(clients))
            server_port.server.send(EVENT)
            for client in clients:
                assert await client.recv() == '{"type":"hello"}'
                assert await client.recv() == EVENT.text

    run(listen)
    assert len(framed) == 1


def test_a_stream_creates_no_cyclic_garbage(tiny_classifier: Classifier) -> None:
    pipeline = Pipeline(tiny_classifier.card, tiny_classifier.encoding(), tiny_classifier.speaker())
    speech = np.tile(demo(), 2)
    _process(pipeline, tiny_classifier, speech[: 10 * RATE])
    gc.collect()
    before = len(gc.get_objects())
    _process(pipeline, tiny_classifier, speech[10 * RATE :], position=10 * RATE)
    assert gc.collect() == 0  # no cycles
    assert len(gc.get_objects()) <= before + 10


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_linear_algebra_starts_no_threads() -> None:
    program = "import os, emotiond.streamer.cli, numpy; print(len(os.listdir('/proc/self/task')))"
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1"


class _Output:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def send(self, message: Message) -> None:
        self.texts.append(message.text)

    async def drained(self, wholly: bool = False) -> None:
        """Always has room."""


def _process(
    pipeline: Pipeline, classifier: Classifier, samples: FloatArray, position: int = 0
) -> list[str]:
    """Process samples, encode the events, and return the state of each stride."""
    event_builder, states, stride = EventBuilder("mic"), [], 4000
    for first in range(0, samples.shape[0], stride):
        after_cut = position + first == 0
        chunk = Chunk(samples[first : first + stride], position + first, after_cut, last=False)
        decision = pipeline.process(chunk, classifier)
        for event in event_builder.build(decision, Timing(0.0, None, 0)):
            events.encode(events.to_json(event))
        states.append(decision.state)
    return states
