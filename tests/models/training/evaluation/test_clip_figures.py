"""Tables of clips agree with the clips' own scores."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.inference.card import LABELS
from emotiond.models.training.evaluation.clip_figures import holding_table
from emotiond.models.training.evaluation.cross_validation import Fold
from emotiond.models.training.evaluation.replay import clip_scores


def test_clips_of_the_lasting_emotion_are_separate_from_others(folds: list[Fold]) -> None:
    fold = folds[0]
    cold, card = fold.inference.clips(fold.clips), fold.inference.card
    scores = [clip_scores(part.steps, card) for part in cold[:2]]
    labels = [None if s is None else LABELS[int(s.argmax())] for s in scores]
    lasted, other = [float(a == part.clip.label) for a, part in zip(labels, cold, strict=False)]
    held = str(cold[0].clip.label)
    table = holding_table([[(held, cold[0]), (held, cold[1])]], [cold], [card])
    assert table["the same emotion"] == {"before": lasted, "after": lasted}
    assert table["others"] == {"before": other, "after": other}
