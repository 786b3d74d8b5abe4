"""What tells a label or a voice without being heard is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.data.leaks import length_leak, voice_leaks
from emotiond.models.training.data.own import OwnCorpus

LABELS = ("happy", "sad", "angry")
PER_LABEL = 20
SIZE = 60


def corpus(seconds: dict[str, float], spread: float) -> OwnCorpus:
    """Clips of four speakers in four folds, whose mean length depends on the label."""
    random = np.random.default_rng(0)
    clips, lengths = [], []
    for fold in range(1, 5):
        for label in LABELS:
            for _ in range(PER_LABEL):
                clips.append(Clip(Path("x"), "own", f"own-00{fold}", label, fold))
                lengths.append(seconds[label] * np.exp(spread * random.standard_normal()))
    return OwnCorpus(clips, np.array(lengths), ("a", "b", "c", "d"), "")


def test_a_length_that_tells_the_label_is_noted_with_its_share() -> None:
    leak = length_leak(corpus({"happy": 1.0, "sad": 2.0, "angry": 4.0}, 0.05))
    assert leak is not None
    assert "100 % of the time, where chance is 33 %" in leak


def test_a_length_that_tells_nothing_is_not() -> None:
    assert length_leak(corpus(dict.fromkeys(LABELS, 2.0), 0.3)) is None


@pytest.mark.parametrize("constant", [1.0, 3.0])
def test_clips_of_one_length_are_fine(constant: float) -> None:
    assert length_leak(corpus(dict.fromkeys(LABELS, constant), 0.0)) is None


def voices(names: str, clips: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Statistics of clips: a capital letter is the voice of the small one under another name."""
    random = np.random.default_rng(1)
    own = {name: random.standard_normal(SIZE) for name in sorted({*names.lower()})}
    effect = random.standard_normal((len(LABELS), SIZE)) * 3
    speakers = np.repeat([*names], clips)
    labels = np.tile(np.arange(clips) % len(LABELS), len(names))
    base = np.stack([own[name.lower()] for name in speakers.tolist()])
    statistics = base + effect[labels] + random.standard_normal((speakers.size, SIZE))
    return statistics.astype(np.float32), speakers, labels


def test_one_voice_under_two_names_is_found() -> None:
    found = voice_leaks(*voices("abcBd"))
    assert [{one, other} for one, other, _ in found] == [{"b", "B"}]
    assert found[0][2] < 1.1


def test_different_voices_are_not_found() -> None:
    assert voice_leaks(*voices("abcdef")) == []


def test_speakers_with_few_clips_are_not_compared() -> None:
    assert voice_leaks(*voices("aA", clips=4)) == []
