"""Graphs, losses and a whole tiny training; TensorFlow is the ``train`` extra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import soundfile  # noqa: E402

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.dsp.mfcc import Mfcc  # noqa: E402
from emotiond.exceptions import DataError  # noqa: E402
from emotiond.inference.classifier import Classifier, read_model  # noqa: E402
from emotiond.inference.runtime import find_runtime  # noqa: E402
from emotiond.models import heads, losses, prepare, train  # noqa: E402
from emotiond.models.encoder import log_mel, masks, whisper_input  # noqa: E402
from emotiond.models.shape import RECIPE  # noqa: E402
from emotiond.models.windows import cut_windows  # noqa: E402
from tests.models.sounds import RATE, babble  # noqa: E402
from tests.models.weights import random_whisper  # noqa: E402

FRAMES = 300


def window(seconds: float = 2.2) -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(FRAMES, 24))
    return list(cut_windows(front_end, babble(seconds)))[-1].features


def test_the_graph_undoes_the_dct_exactly() -> None:
    sound = babble(3.1)
    mfcc = Mfcc(RECIPE, np.float64)
    led = np.concatenate((np.zeros(1), sound))
    frames = np.stack([led[k * 160 : k * 160 + 401] for k in range(FRAMES)])
    expected = np.log10(np.maximum(mfcc.mel_powers(frames), 1e-10))
    mel = log_mel(tf.constant(mfcc(frames)[None], tf.float32))[0].numpy()
    np.testing.assert_allclose(mel, expected, atol=2e-4)


def test_whisper_hears_eight_decades() -> None:
    mel = tf.constant(np.linspace(-10, 1, 800, dtype=np.float32).reshape(1, 10, 80))
    scaled = whisper_input(mel).numpy()
    assert scaled.max() == pytest.approx((1 + 4) / 4)
    assert scaled.min() == pytest.approx((1 - 8 + 4) / 4)


def test_padding_is_told_from_sound() -> None:
    features = window(1.3)
    n_real = int(np.sum(np.abs(features - features[-1]).max(axis=1) > 1e-2))
    real, loud = masks(log_mel(tf.constant(features[None])))
    assert real.numpy().sum() == pytest.approx(n_real / 4, abs=1)
    assert 0 < loud.numpy().sum() <= real.numpy().sum()


def test_corpora_teach_nothing_of_what_they_do_not_know() -> None:
    corpus = np.array(["ravdess-speech", "ravdess-song", "nemo", "esc10"])
    allowed = losses.allowed_labels(corpus)
    assert allowed.sum(axis=1).tolist() == [8, 6, 7, 0]
    targets = losses.target_labels(np.array([0, 0, 0, -1]), corpus)
    assert targets.sum(axis=1).tolist() == [1, 1, 2, 0]
    logits = tf.random.normal((4, 8), seed=1)
    loss = losses.label_loss(logits, targets, allowed).numpy()
    assert np.isfinite(loss).all()
    assert loss[3] == 0
    hidden = logits.numpy()
    hidden[2, 6] += 100  # disgust, which nEMO does not have
    assert losses.label_loss(hidden, targets, allowed).numpy()[2] == pytest.approx(
        loss[2], abs=1e-3
    )


def test_a_cold_speaker_changes_nothing_and_a_known_one_is_removed() -> None:
    random = np.random.default_rng(0)
    standard = random.standard_normal((1, 75, heads.CHANNELS)).astype(np.float32)
    cold = np.zeros((1, heads.SPEAKER_SIZE), np.float32)
    np.testing.assert_allclose(heads.adapt(standard, cold), standard)
    loud = np.ones((1, 75, 1), np.float32)
    constants = {"log_deviation": np.zeros(heads.CHANNELS, np.float32)}
    statistics = heads.window_statistics(standard, loud, constants)
    mean, deviation = heads.masked_moments(heads.adapt(standard, statistics), loud)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(deviation, 1, atol=1e-3)


@pytest.mark.timeout(300)
def test_from_clips_to_models_that_the_daemon_loads(tmp_path: Path) -> None:
    whisper = tmp_path / "whisper.npz"
    random_whisper(whisper)
    for actor in (2, 3):
        for emotion in range(1, 9):
            path = tmp_path / "speech" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, babble(2.4, seed=actor + emotion), RATE)
    noise = tmp_path / "noise" / "rain" / "1-1-A.wav"
    noise.parent.mkdir(parents=True)
    soundfile.write(noise, babble(2.4, seed=99), RATE)
    common = ["--cache", str(tmp_path), "--whisper", str(whisper)]
    corpora = ["--speech", str(tmp_path / "speech"), "--esc10", str(tmp_path / "noise")]
    prepare.main([*corpora, *common, "--limit", "40"])
    with pytest.raises(DataError, match=r"windows of other recordings, or of a part of them"):
        prepare.main([*corpora, *common])
    run = ["--runs", str(tmp_path / "runs"), "--only", "fold1", "--scale", "0.002"]
    for name in ("full", "lite"):
        train.main([name, *common, *run])
        model = read_model(tmp_path / "runs" / "fold1" / f"{name}.tflite")
        classifier = Classifier(model, find_runtime())
        for features in (window(1.3), window(2.2)):
            told = classifier.judge(features, classifier.speaker())
            assert told.posteriors.sum() == pytest.approx(1)
            assert told.statistics is not None
            assert np.isfinite(told.statistics).all()
