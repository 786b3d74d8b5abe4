"""Training curves survive an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs pip install .[train]")

from emotiond.models.training.fitting.curves import Curves, save_curves, share_right  # noqa: E402


def test_curves_of_parts_are_concatenated(tmp_path: Path) -> None:
    parts = [Curves(2), Curves(3)]
    parts[1].record(0, tf.constant(1.5), tf.constant(0.25))
    parts[1].held_out[2].assign(0.5)
    save_curves(tmp_path / "curves.npz", parts)
    with np.load(tmp_path / "curves.npz") as kept:
        assert kept["loss"].tolist() == [0, 0, 1.5, 0, 0]
        np.testing.assert_array_equal(kept["accuracy"], [np.nan, np.nan, 0.25, np.nan, np.nan])
        np.testing.assert_array_equal(kept["held_out"], [np.nan] * 4 + [0.5])


def test_curves_resume_from_a_checkpoint(tmp_path: Path) -> None:
    before, after = Curves(2), Curves(2)
    before.record(0, tf.constant(1.5), tf.constant(0.25))
    path = tf.train.Checkpoint(**before.variables).save(str(tmp_path / "state"))
    tf.train.Checkpoint(**after.variables).restore(path).assert_consumed()
    assert after.arrays()["loss"].tolist() == [1.5, 0]
    assert after.arrays()["accuracy"][0] == 0.25


def test_noise_does_not_count_and_either_of_two_labels_is_right() -> None:
    scores = tf.one_hot([0, 1, 2, 3], 8)
    targets = np.zeros((4, 8), np.float32)
    targets[0, [0, 1]] = targets[1, [0, 1]] = 1  # neutral or calm, said so in two ways
    targets[2, 7] = 1  # wrong
    assert float(share_right(scores, tf.constant(targets))) == pytest.approx(2 / 3)
