"""The exported models give the posteriors of the trained networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import tensorflow as tf

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.inference.classifier import Classifier, softmax
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training.common.cards import UNFITTED, write_card
from emotiond.models.training.common.model_input import MINIMUM_FRAMES, RECIPE, WINDOW_FRAMES
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.sampling import Sampler
from emotiond.models.training.data.windows import cut_windows
from emotiond.models.training.fitting.detector import train_detector
from emotiond.models.training.fitting.distillation import Distiller, Lesson
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.detector import describe
from emotiond.models.training.networks.frozen import FrozenEncoder
from emotiond.models.training.networks.full import Network, masks_of
from emotiond.models.training.networks.heads import (
    SPEAKER_SIZE,
    HeadSize,
    describe_population,
    standardise,
)
from emotiond.models.training.networks.tflite import export_full, export_lite
from emotiond.models.training.networks.whisper import load_encoder
from tests.models.sounds import babble
from tests.models.weights import random_whisper

Windows = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Return windows as the trainer cuts them."""
    front_end = FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES, MINIMUM_FRAMES))
    return np.stack([cut.features for cut in cut_windows(front_end, babble(4.1))]).astype(
        np.float32
    )


def posteriors_of(model: Path, content: bytes, windows: Windows) -> npt.NDArray[np.float64]:
    """Infer windows as the daemon does, without speaker statistics."""
    model.write_bytes(content)
    write_card(model, UNFITTED, {})
    classifier = Classifier(read_model(model), find_runtime())
    return np.stack([classifier.infer(window, None).posteriors for window in windows])


def test_exported_full_gives_the_trained_posteriors(windows: Windows, tmp_path: Path) -> None:
    random_whisper(tmp_path / "whisper.npz")
    weights = load_encoder(tmp_path / "whisper.npz")
    encoder = FrozenEncoder(weights, WINDOW_FRAMES)
    states = np.stack([encoder(window) for window in windows])
    real, loud = masks_of(windows)
    network = Network.new(describe_population(states, loud), HeadSize(), seed=0)
    described = describe(standardise(states.astype(np.float32), network.moments), real).numpy()
    detector = train_detector(described, np.ones(len(windows), np.bool_), seed=0)
    expression = np.zeros((8, SPEAKER_SIZE), np.float32)
    exported = export_full(network, expression, detector, weights)
    exported_posteriors = posteriors_of(tmp_path / "full.tflite", exported, windows)
    # the encoder is trained upon as int8; the heads become it on the way
    np.testing.assert_allclose(
        exported_posteriors, softmax(network.label_logits(states, real)), atol=4e-3
    )


def test_exported_lite_gives_the_trained_posteriors(windows: Windows, tmp_path: Path) -> None:
    n = len(windows)
    columns = Columns(
        np.zeros(n, np.int64),
        np.ones(n, np.int64),
        np.full(n, "ravdess-speech"),
        np.full(n, "ravdess-02"),
        np.full(n, 100),
    )
    spectrum = lite.describe_spectrum(windows)
    statistics = np.zeros((n, lite.SPEAKER_SIZE), np.float32)
    sampler = Sampler(columns, np.arange(n), statistics, 2, {"ravdess-speech": 1.0}, seed=0)
    lesson = Lesson(steps=2, rate=1e-3, hint_weight=0.5)
    student = Distiller(lite.new_network(0), spectrum, lesson, sampler, tmp_path / "lite")
    mel, real, _ = lite.relative_mel(tf.constant(windows))
    cold = tf.zeros((1, lite.SPEAKER_SIZE))
    hidden = lite.hidden_states(mel, cold, student.parameters, spectrum)
    described = lite.described_states(hidden, real).numpy()
    detector = train_detector(described, np.ones(n, np.bool_), seed=0)
    exported = export_lite(student.parameters, detector, spectrum)
    exported_posteriors = posteriors_of(tmp_path / "lite.tflite", exported, windows)
    np.testing.assert_allclose(
        exported_posteriors, softmax(student.label_logits(windows)), atol=1e-3
    )
