"""Accuracy and calibration agree with what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.models.training.evaluation import accuracy

TRUTH = np.array([0, 0, 1, 1, 2, 2, 2, 2])
FOUND = np.array([0, 1, 1, 1, 2, 2, 0, -1])


def test_a_missing_result_is_wrong() -> None:
    assert accuracy.accuracy(TRUTH, FOUND) == pytest.approx(5 / 8)
    assert accuracy.confusion(TRUTH, FOUND).sum() == 7


def test_recall_is_unweighted_over_the_labels_that_occur() -> None:
    figures = accuracy.summary(TRUTH, FOUND, ["a"] * 4 + ["b"] * 4)
    assert figures["unweighted_average_recall"] == pytest.approx((1 / 2 + 1 + 1 / 2) / 3, abs=1e-4)


def test_precision_recall_and_f1() -> None:
    calm = accuracy.per_class(TRUTH, FOUND)["calm"]
    assert calm == {"precision": 0.6667, "recall": 1.0, "f1": 0.8}
    assert accuracy.per_class(TRUTH, FOUND)["angry"] == {"precision": 0, "recall": 0, "f1": 0}


def test_the_interval_is_over_actors_and_not_over_clips() -> None:
    truth = np.zeros(200, np.int64)
    found = np.repeat([0, 1], 100)
    by_clip = accuracy.bootstrap(accuracy.accuracy, truth, found, [str(i) for i in range(200)])
    by_actor = accuracy.bootstrap(accuracy.accuracy, truth, found, ["a"] * 100 + ["b"] * 100)
    assert by_actor == (0.0, 1.0)
    assert 0.4 < by_clip[0] < 0.5 < by_clip[1] < 0.6


def test_calibrated_scores_have_no_error() -> None:
    scores = np.zeros((1000, 8))
    scores[:, 0], scores[:, 1] = 0.75, 0.25
    truth = np.repeat([0, 1], [750, 250])
    assert accuracy.calibration(scores, truth).error == pytest.approx(0, abs=1e-9)
    assert accuracy.calibration(scores, np.zeros(1000, np.int64)).error == pytest.approx(0.25)
