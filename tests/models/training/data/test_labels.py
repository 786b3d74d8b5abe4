"""Each corpus has its own set of labels, and a window may have two right ones."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotiond.inference.card import LABELS
from emotiond.models.training.data.labels import allowed_labels, target_labels
from emotiond.models.training.data.sampling import VOICES

LACKING = {
    "ravdess-speech": set(),
    "ravdess-joined": set(),
    "ravdess-song": {"disgust", "surprised"},
    "nemo": {"disgust"},
    "esc10": set(LABELS),
    "synthetic": set(LABELS),
}


def test_a_corpus_allows_the_labels_that_it_has() -> None:
    allowed = allowed_labels(np.array([*LACKING]))
    for row, lacking in zip(allowed, LACKING.values(), strict=True):
        assert {label for label, is_allowed in zip(LABELS, row, strict=True) if not is_allowed} == (
            lacking
        )


def test_every_corpus_of_voices_in_a_batch_has_labels() -> None:
    assert allowed_labels(np.array([*VOICES])).any(axis=1).all()


def test_neutral_in_nemo_may_also_be_calm() -> None:
    neutral = np.full(2, LABELS.index("neutral"))
    in_ravdess, in_nemo = target_labels(neutral, np.array(["ravdess-speech", "nemo"]))
    assert [LABELS[i] for i in np.flatnonzero(in_ravdess)] == ["neutral"]
    assert [LABELS[i] for i in np.flatnonzero(in_nemo)] == ["neutral", "calm"]


def test_noise_has_no_label() -> None:
    assert not target_labels(np.array([-1, -1]), np.array(["esc10", "synthetic"])).any()


@given(st.lists(st.tuples(st.sampled_from([*LACKING]), st.integers(-1, 7)), max_size=20))
def test_every_right_label_is_allowed(windows: list[tuple[str, int]]) -> None:
    known = [
        (corpus, number)
        for corpus, number in windows
        if number < 0 or LABELS[number] not in LACKING[corpus]
    ]
    corpus = np.array([name for name, _ in known], np.str_)
    label = np.array([number for _, number in known], np.int64)
    targets = target_labels(label, corpus)
    assert targets.shape == (len(known), len(LABELS))
    allowed = allowed_labels(corpus).reshape(targets.shape)
    assert (targets <= allowed).all()
    np.testing.assert_array_equal(targets.any(axis=1), label >= 0)
