"""Measures each part of one stride, from the callback of the device to the JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle

from benchmarks.support.demo import demo
from benchmarks.support.harness import Section, interleaved, spread
from benchmarks.support.inference import continuous_inference
from emotiond.dsp.framing import FrameStream
from emotiond.dsp.frontend import FrontEnd
from emotiond.dsp.gate import LevelGate
from emotiond.dsp.level import levels_dbfs
from emotiond.dsp.mfcc import Mfcc
from emotiond.dsp.types import FloatArray
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Classifier
from emotiond.inference.runtime import find_runtime
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import encode, to_json
from emotiond.streamer.streams.decider import Decider
from emotiond.streamer.streams.event_builder import EventBuilder, Timing
from emotiond.streamer.streams.pipeline import Pipeline

_STRIDE = SAMPLE_RATE // 4


def measure(quick: bool) -> Section:
    """Measure each part by itself, interleaved with the others, for both models."""
    rows = []
    for name in ("lite", "full"):
        runtime = find_runtime()
        classifier = Classifier(find_model(name, runtime), runtime)
        spent = interleaved(_parts(classifier), repeats=20 if quick else 100)
        rows += [[name, part, spread(values)] for part, values in spent.items()]
    return Section(
        title="One stride",
        header=["model", "part", "µs"],
        rows=rows,
        note="Stride of 250 ms: 25 new frames. The callback runs 25 times per stride, the rest "
        "once. The part above contains the parts with a dash.",
    )


def _parts(classifier: Classifier) -> Mapping[str, Callable[[], object]]:
    card, samples = classifier.card, demo()
    blocks = cycle(
        samples[first : first + _STRIDE] for first in range(0, samples.shape[0] - _STRIDE, _STRIDE)
    )
    front_end, frames = FrontEnd(card.recipe, card.shape), FrameStream(card.recipe)
    framed = FrameStream(card.recipe).push(samples[: 400 + 24 * 160])
    levels = levels_dbfs(framed[:, 1:])
    mfcc, gate = Mfcc(card.recipe), LevelGate(100)
    pipeline = Pipeline(card, classifier.encoding(), classifier.speaker())
    decider, event_builder = Decider(card), EventBuilder("mic")
    for position in range(0, 4 * SAMPLE_RATE, _STRIDE):
        block = samples[position : position + _STRIDE]
        stride = pipeline.push(Chunk(block, position, position == 0, last=False))
        prediction = pipeline.infer(stride, classifier)
        pipeline.adapt(stride, prediction)
        decision = decider.decide(stride, prediction)
        if decision.scores is not None:
            break
    timing = Timing(1.0, 1.0, 0)

    def adapt_and_decide() -> None:
        pipeline.adapt(stride, prediction)
        decider.decide(stride, prediction)

    event = event_builder.build(decision, timing)[0]
    return {
        "callback: write 10 ms into the ring": _write_block(samples),
        "features: push one stride": lambda: front_end.push(next(blocks)),
        "- cut it into frames": lambda: frames.push(samples[:_STRIDE]),
        "- levels of the frames": lambda: levels_dbfs(framed[:, 1:]),
        "- speech gate": lambda: gate.push(levels),
        "- MFCC": lambda: mfcc(framed),
        "inference": continuous_inference(classifier, _STRIDE),
        "smoothing, label, state": adapt_and_decide,
        "event": lambda: event_builder.build(decision, timing),
        "JSON": lambda: encode(to_json(event)),
    }


def _write_block(samples: FloatArray) -> Callable[[], object]:
    ring, block = Ring(10 * SAMPLE_RATE, 1, SAMPLE_RATE), samples[:160, None]
    return lambda: ring.write(block, 0.0)
