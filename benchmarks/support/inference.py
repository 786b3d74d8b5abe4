"""Inference of a speech that never ends, one stride at each call, and the time that it takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.support.harness import interleaved
from emotiond.dsp.frontend import Window
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Classifier
from emotiond.inference.runtime import find_runtime


def continuous_inference(classifier: Classifier, stride_samples: int) -> Callable[[], object]:
    """Return what infers the next stride of a speech that fills its window."""
    card = classifier.card
    stride_frames = stride_samples // card.recipe.hop_length
    held = card.window_frames + stride_frames + card.encoder.frames_per_call
    features = np.zeros((held, card.recipe.n_mfcc), np.float32)
    encoding, speaker = classifier.encoding(), classifier.speaker()
    window = Window(1, 0, held, features, card.window_frames, card.window_frames)

    def infer_next() -> None:
        nonlocal window
        classifier.infer(window, encoding, speaker)
        window = dataclasses.replace(window, end_frame=window.end_frame + stride_frames)

    infer_next()
    return infer_next


def inference_ms(model: str, stride_seconds: float) -> float:
    """Return the median of a model alone, in a loop."""
    runtime = find_runtime()
    classifier = Classifier(find_model(model, runtime), runtime)
    infer_next = continuous_inference(classifier, round(stride_seconds * SAMPLE_RATE))
    return float(np.median(interleaved({model: infer_next}, 30)[model])) / 1000
