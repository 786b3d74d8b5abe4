"""A corpus teaches nothing about labels that it lacks."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")


from emotiond.models.training.data.labels import allowed_labels, target_labels  # noqa: E402
from emotiond.models.training.fitting import losses  # noqa: E402


def test_corpora_teach_nothing_about_labels_that_they_lack() -> None:
    corpus = np.array(["ravdess-speech", "ravdess-song", "nemo", "esc10"])
    allowed = allowed_labels(corpus)
    targets = target_labels(np.array([0, 0, 0, -1]), corpus)
    logits = tf.random.normal((4, 8), seed=1)
    loss = losses.label_loss(logits, targets, allowed).numpy()
    assert np.isfinite(loss).all()
    assert loss[3] == 0
    hidden = logits.numpy()
    hidden[2, 6] += 100  # disgust, which nEMO does not have
    assert losses.label_loss(hidden, targets, allowed).numpy()[2] == pytest.approx(
        loss[2], abs=1e-3
    )
