"""Make the tiny models of the tests: ``python tests/data/make_tiny.py``, with TensorFlow.

Their labels are meaningless, but they are real models, small enough to be kept beside the tests.
``tiny`` scores the mean of a window's features and always detects a voice. ``adapting`` also takes
a speaker's statistics and returns the window's. ``slow`` takes a second for each window.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from emotiond.dsp.recipe import Recipe
from emotiond.inference.card import LABELS

FRAMES, N_MFCC = 100, 13
RECIPE = Recipe(
    sample_rate=16_000,
    frame_length=400,
    hop_length=160,
    n_fft=512,
    n_mels=26,
    n_mfcc=N_MFCC,
    spectrum="periodogram",
)
HERE = Path(__file__).parent


def weights() -> tuple[Any, Any]:
    """Return small fixed weights. The last output, the voice, is always likely."""
    generator = np.random.default_rng(7)
    matrix = 0.1 * generator.standard_normal((N_MFCC, len(LABELS) + 1))
    matrix[:, -1] = 0
    bias = np.zeros(len(LABELS) + 1)
    bias[-1] = 4
    return tf.constant(matrix, tf.float32), tf.constant(bias, tf.float32)


class Tiny(tf.Module):  # type: ignore[misc]
    """Scores the mean features of a window."""

    @tf.function(input_signature=[tf.TensorSpec((None, FRAMES, N_MFCC), tf.float32, "features")])  # type: ignore[untyped-decorator]
    def infer(self, features: Any) -> dict[str, Any]:
        matrix, bias = weights()
        return {"logits": tf.matmul(tf.reduce_mean(features, 1), matrix) + bias}


class Adapting(tf.Module):  # type: ignore[misc]
    """The same, after the speaker's statistics are subtracted."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec((None, FRAMES, N_MFCC), tf.float32, "features"),
            tf.TensorSpec((None, N_MFCC), tf.float32, "speaker"),
        ]
    )
    def infer(self, features: Any, speaker: Any) -> dict[str, Any]:
        matrix, bias = weights()
        mean = tf.reduce_mean(features, 1)
        return {"logits": tf.matmul(mean - speaker, matrix) + bias, "statistics": mean}


class Slow(tf.Module):  # type: ignore[misc]
    """Multiplies matrices that change next to nothing: 26 billion operations for a window."""

    @tf.function(input_signature=[tf.TensorSpec((None, FRAMES, N_MFCC), tf.float32, "features")])  # type: ignore[untyped-decorator]
    def infer(self, features: Any) -> dict[str, Any]:
        matrix, bias = weights()
        mean = tf.reduce_mean(features, 1)
        product = tf.fill((1024, 1024), tf.tanh(tf.reduce_mean(mean)) / 1024)
        for _ in range(12):
            product = tf.tanh(tf.matmul(product, product))
        return {"logits": tf.matmul(mean, matrix) + bias + 1e-6 * tf.reduce_mean(product)}


def export(name: str, module: Any, adaptation: dict[str, float] | None) -> None:
    """Write a model and its card."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": module.infer})
        content: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    (HERE / f"{name}.tflite").write_bytes(content)
    card = {
        "format": 1,
        "name": name,
        "description": "A linear model with fixed random weights, for the tests",
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(LABELS),
        "recipe": dataclasses.asdict(RECIPE),
        "window_frames": FRAMES,
        "minimum_frames": 38,
        "temperature": 1.0,
        "voice_threshold": 0.5,
        "smoothing": {
            "kind": "hmm",
            "persistence_seconds": 5.0,
            "evidence_seconds": 2.0,
            "margin": 0.05,
            "uncertain_below": 0.1,
            "settling_seconds": 0.0,
            "sharpness": 1.0,
        },
        "licence": {"weights": "MIT", "code": "MIT"},
        "training_data": [],
        "evaluation": {},
        "intended_use": "Tests",
        "not_for": "Anything else",
        "known_weaknesses": ["It knows nothing"],
        "adaptation": adaptation,
    }
    (HERE / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    export("tiny", Tiny(), None)
    export(
        "adapting",
        Adapting(),
        {"prior_seconds": 2.0, "horizon_seconds": 60.0, "bound": 2.0},
    )
    export("slow", Slow(), None)
