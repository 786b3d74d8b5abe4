"""Make the tiny models of the tests: ``python tests/data/make_tiny.py``, with TensorFlow.

They know nothing, but they are real models, small enough to be kept beside the tests. ``tiny``
scores the mean of a window's features, and always finds a voice. ``adapting`` also takes a
speaker's statistics, and gives those of the window. ``slow`` takes a second for each window.
``past`` keeps a ring, a tail and a held value; ``tests/inference/test_past.py`` repeats in NumPy
what it computes.
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
STATES_PER_CALL = 25
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


def signature(**shapes: tuple[int, ...]) -> list[Any]:
    return [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()]


STATES = {"states": (1, FRAMES, N_MFCC), "levels": (1, FRAMES)}


class Tiny(tf.Module):  # type: ignore[misc]
    """Scores the mean features of a window. Each frame is a state."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=signature(
            features=(1, STATES_PER_CALL, N_MFCC), position=(1, 1), count=(1, 1)
        )
    )
    def encode(self, features: Any, position: Any, count: Any) -> dict[str, Any]:
        unused = 0 * (position + count)  # an input without a use would be removed
        return {"states": features + unused, "levels": tf.ones((1, STATES_PER_CALL)) + unused}

    @tf.function(input_signature=signature(**STATES))  # type: ignore[untyped-decorator]
    def classify(self, states: Any, levels: Any) -> dict[str, Any]:
        matrix, bias = weights()
        return {"logits": tf.matmul(mean_of(states, levels), matrix) + bias}


class Adapting(Tiny):
    """The same, less what is usual for the speaker."""

    @tf.function(input_signature=signature(**STATES, speaker=(1, N_MFCC)))  # type: ignore[untyped-decorator]
    def classify(self, states: Any, levels: Any, speaker: Any) -> dict[str, Any]:
        matrix, bias = weights()
        mean = mean_of(states, levels)
        return {"logits": tf.matmul(mean - speaker, matrix) + bias, "statistics": mean}


class Slow(Tiny):
    """Multiplies matrices that change next to nothing: 26 billion operations for a window."""

    @tf.function(input_signature=signature(**STATES))  # type: ignore[untyped-decorator]
    def classify(self, states: Any, levels: Any) -> dict[str, Any]:
        matrix, bias = weights()
        mean = mean_of(states, levels)
        product = tf.fill((1024, 1024), tf.tanh(tf.reduce_mean(mean)) / 1024)
        for _ in range(12):
            product = tf.tanh(tf.matmul(product, product))
        return {"logits": tf.matmul(mean, matrix) + bias + 1e-6 * tf.reduce_mean(product)}


PAST_STATES_PER_CALL, PAST_RING, PAST_TAIL = 5, 16, 3
PAST_ENCODER = {
    "frames_per_state": 2,
    "look_back_frames": 2,
    "look_ahead_frames": 1,
    "states_per_call": PAST_STATES_PER_CALL,
}


class Past(tf.Module):  # type: ignore[misc]
    """Keeps all three kinds of past. Each state describes two frames, and sees three more."""

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=signature(
            features=(1, 2 + 2 * PAST_STATES_PER_CALL + 1, N_MFCC),
            position=(1, 1),
            count=(1, 1),
            ring_frames=(1, 1, PAST_RING, N_MFCC),
            tail_means=(1, PAST_TAIL, N_MFCC),
            hold_sum=(1, N_MFCC),
        )
    )
    def encode(
        self, features: Any, position: Any, count: Any, ring_frames: Any, tail_means: Any,
        hold_sum: Any,
    ) -> dict[str, Any]:  # fmt: skip
        calls = PAST_STATES_PER_CALL
        averaging = np.zeros((calls, 2 + 2 * calls + 1), np.float32)
        for state in range(calls):
            averaging[state, 2 * state : 2 * state + 5] = 1 / 5
        means = tf.matmul(tf.constant(averaging), features[0])
        numbers = tf.constant(np.arange(calls, dtype=np.float32)[:, None])
        valid = tf.cast(numbers < count, tf.float32) * means
        earlier = tf.concat((tail_means[0], means), axis=0)[:calls]
        until = tf.constant(np.tri(calls, dtype=np.float32))
        states = (
            means
            + 0.5 * earlier
            + 0.1 * tf.reduce_mean(ring_frames[0, 0], axis=0, keepdims=True)
            + 0.01 * (hold_sum + tf.matmul(until, valid))
            + 0.001 * (position + numbers)
        )
        return {
            "states": states[None],
            "levels": 1 + tf.reduce_mean(tf.square(means), axis=1)[None],
            "ring_frames": features[None, :, 2 : 2 + 2 * calls],
            "tail_means": means[None],
            "hold_sum": hold_sum + tf.reduce_sum(valid, axis=0, keepdims=True),
        }

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=signature(states=(1, FRAMES // 2, N_MFCC), levels=(1, FRAMES // 2))
    )
    def classify(self, states: Any, levels: Any) -> dict[str, Any]:
        matrix, bias = weights()
        return {"logits": tf.matmul(mean_of(states, levels), matrix) + bias}


def mean_of(states: Any, levels: Any) -> Any:
    """Mean of the states that hold sound."""
    return tf.matmul(levels / tf.reduce_sum(levels), states[0])


FRAME_ENCODER = {
    "frames_per_state": 1,
    "look_back_frames": 0,
    "look_ahead_frames": 0,
    "states_per_call": STATES_PER_CALL,
}


def export(
    name: str,
    module: Any,
    adaptation: dict[str, float] | None = None,
    encoder: dict[str, int] = FRAME_ENCODER,
) -> None:
    """Write a model and its card."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(
            module, folder, signatures={"encode": module.encode, "classify": module.classify}
        )
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["encode", "classify"]
        )
        content: bytes = converter.convert()
    (HERE / f"{name}.tflite").write_bytes(content)
    card = {
        "format": 2,
        "name": name,
        "description": "A linear model with fixed random weights, for the tests",
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(LABELS),
        "recipe": dataclasses.asdict(RECIPE),
        "window_frames": FRAMES,
        "minimum_frames": 38,
        "encoder": encoder,
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
    export("tiny", Tiny())
    export(
        "adapting",
        Adapting(),
        {"prior_seconds": 2.0, "horizon_seconds": 60.0, "bound": 2.0},
    )
    export("slow", Slow())
    export("past", Past(), encoder=PAST_ENCODER)
