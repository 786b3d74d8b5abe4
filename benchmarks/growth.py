"""Measures whether the cost of a stream grows over a day."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.support.demo import demo
from benchmarks.support.harness import Plot, Section, spread
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Classifier, Prediction
from emotiond.inference.runtime import find_runtime
from emotiond.streamer.audio.chunker import Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import encode, to_json
from emotiond.streamer.streams.decider import Decider
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.pipeline import Pipeline

_STRIDE, _BLOCK = SAMPLE_RATE // 4, SAMPLE_RATE // 100


def measure(quick: bool) -> Section:
    """Simulate a day from ring to JSON, in blocks of 10 ms, without inference."""
    minutes = (1, 2, 5) if quick else (1, 10, 60, 360, 1440)
    spent = _microseconds_per_frame(minutes[-1])
    rows, medians = [], []
    for minute in minutes:
        end = minute * 60 * SAMPLE_RATE // _STRIDE
        values = spent[max(0, end - 240) : end]  # the last minute before it
        medians.append(float(np.median(values)))
        rows.append([f"{minute} min", spread(values, 2)])
    plot = Plot("Growth", "minutes of stream", "µs per frame", {"emotiond": (minutes, medians)})
    return Section(
        title="Growth with time",
        header=["age of the stream", "µs per frame"],
        rows=rows,
        note="Ring, features, state, event and JSON for continuous sound with a simulated clock.",
        plots={"growth": plot},
    )


def _microseconds_per_frame(minutes: int) -> list[float]:
    runtime = find_runtime()
    classifier = Classifier(find_model("lite", runtime), runtime)
    ring, samples = Ring(10 * SAMPLE_RATE, 1, SAMPLE_RATE), demo()
    chunker, event_builder = Chunker(ring, _STRIDE), EventBuilder("mic")
    pipeline = Pipeline(classifier.card, classifier.encoding(), classifier.speaker())
    decider = Decider(classifier.card)
    posteriors = np.full(len(LABELS), 1 / len(LABELS), np.float32)
    prediction = Prediction(posteriors, 1.0, None)
    spent, position = [], 0
    for _ in range(minutes * 60 * SAMPLE_RATE // _STRIDE):
        began = time.perf_counter_ns()
        for _ in range(_STRIDE // _BLOCK):
            position += _BLOCK
            start = position % (samples.shape[0] - _BLOCK)
            ring.write(samples[start : start + _BLOCK, None], position / SAMPLE_RATE)
        while (chunk := chunker.next_chunk()) is not None:
            stride = pipeline.push(chunk)
            inferred = prediction if stride.needs_inference else None
            pipeline.adapt(stride, inferred)
            decision = decider.decide(stride, inferred)
            captured = chunker.capture_time(stride.end_sample)
            for event in event_builder.build(decision, Timing(captured or 0.0, None, 0)):
                encode(to_json(event))
        spent.append((time.perf_counter_ns() - began) / 1000 / (_STRIDE // _BLOCK))
    return spent
