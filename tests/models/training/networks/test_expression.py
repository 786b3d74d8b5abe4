"""Emotions do not count as traits of the speaker."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")

from emotiond.models.training.networks.expression import speakers_own  # noqa: E402
from emotiond.models.training.networks.heads import N_LABELS  # noqa: E402

SIZE = 6
RANDOM = np.random.default_rng(0)
MOVED = RANDOM.standard_normal((N_LABELS, SIZE))
MOVED -= MOVED.mean(axis=0)


@pytest.mark.parametrize("label", range(N_LABELS))
def test_a_lasting_emotion_shifts_the_statistics_by_nothing_on_average(label: int) -> None:
    """The posteriors give two thirds to the truth and divide the rest equally."""
    posteriors = np.full((1, N_LABELS), 0.35 / N_LABELS)
    posteriors[0, label] += 0.65
    logits = 0.6 * np.log(posteriors)
    own = speakers_own(MOVED[[label]], tf.constant(logits), tf.constant(MOVED))
    np.testing.assert_allclose(own, 0, atol=1e-9)


def test_without_an_emotion_the_statistics_stay() -> None:
    statistics = np.ones((1, SIZE))
    own = speakers_own(statistics, tf.zeros((1, N_LABELS), tf.float64), tf.constant(MOVED))
    np.testing.assert_allclose(own, statistics)
