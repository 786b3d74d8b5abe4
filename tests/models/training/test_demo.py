"""The choice of the demo's clips: the best of two actors of the training, in their places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS
from emotiond.models.training import demo
from emotiond.models.training.data.corpora import Clip, fold_of
from emotiond.models.training.demo import (
    Verdict,
    choose_actors,
    describe,
    join,
    judge,
    levelled,
    without_lead,
    worst,
)
from emotiond.streamer.protocol.events import Emotion
from tests.conftest import DATA
from tests.support.signals import RATE, noise, sentence
from tests.support.signals import demo as demo_sound

SILENT = Emotion(0, "a", 0, 0.245, 0, "silence", None, None, None, None, 0, -80, None, 0)


def event(end: float, label: str | None, confidence: float = 0.8) -> Emotion:
    state = "silence" if label is None else "speech"
    return replace(SILENT, end=end, state=state, label=label, confidence=confidence)


def clip(actor: int, label: str, number: int = 1) -> Clip:
    path = Path(f"03-01-{LABELS.index(label) + 1:02d}-01-01-{number:02d}-{actor:02d}.wav")
    return Clip(path, "ravdess-speech", f"ravdess-{actor:02d}", label, fold_of(actor))


def test_a_clip_is_judged_by_its_own_stretch_alone() -> None:
    events = [event(1, "sad"), event(2, None), event(3, "happy", 0.6), event(4, "calm")]
    events += [event(5, "happy", 0.8), event(6, "sad")]
    verdict = judge(events, "happy", begin=1, end=5)
    assert verdict.is_first
    assert verdict.share == pytest.approx(2 / 3)
    assert verdict.confidence == pytest.approx(0.7)
    assert not judge(events, "happy", begin=3, end=5).is_first
    assert judge(events, "fearful", begin=0, end=6) == Verdict(False, 0.0, 0.0)


def test_what_is_left_of_the_clip_before_does_not_count() -> None:
    events = [event(1, "sad"), event(2, "sad"), event(3, None), event(4, "happy")]
    assert judge(events, "happy", begin=1, end=4) == Verdict(True, 1.0, pytest.approx(0.8))
    assert judge(events[1:], "happy", begin=1, end=4).is_first is False


def test_the_worst_of_the_models_counts() -> None:
    assert worst([Verdict(True, 0.9, 0.5), Verdict(False, 1.0, 0.4)]) == Verdict(False, 0.9, 0.4)


def test_the_better_woman_and_man_are_chosen() -> None:
    verdicts = {clip(actor, label): Verdict(True, 0.8, 0.5) for actor in (2, 3) for label in LABELS}
    verdicts |= {
        clip(actor, label): Verdict(label not in ("sad", "angry"), 1.0, 0.9)
        for actor in (5, 6)
        for label in LABELS
    }
    assert set(choose_actors(verdicts)) == {"ravdess-02", "ravdess-03"}
    women = {key: value for key, value in verdicts.items() if key.female}
    without_a_label = {key: value for key, value in verdicts.items() if key.label != "calm"}
    for too_few in (women, without_a_label):
        with pytest.raises(DataError, match="no woman and man have"):
            choose_actors(too_few)


def test_levels_come_closer_and_never_clip() -> None:
    quiet, loud = levelled(0.001 * demo_sound()[:RATE]), levelled(0.5 * demo_sound()[:RATE])
    far = 20 * np.log10(500)
    assert 20 * np.log10(np.abs(loud).max() / np.abs(quiet).max()) <= far / 2 + 0.1
    spike = np.zeros(RATE, np.float32)
    spike[5000] = 1.0
    assert np.abs(levelled(spike)).max() <= 0.9 + 1e-6


def test_the_first_clip_begins_shortly_before_its_voice() -> None:
    voice = sentence("sad")
    begin = int(np.argmax(np.abs(voice) > 0.1 * np.abs(voice).max()))
    for silence in (0.3, 1.0, 1.2, 2.05):
        hiss = noise(silence, -70)
        shorter = without_lead(np.concatenate((hiss, voice[begin:])))
        left = len(shorter) - len(voice[begin:])
        assert 0.23 * RATE < left <= 0.5 * RATE
        assert (len(hiss) - left) % (RATE // 4) == 0  # the windows stay where they were
    assert np.array_equal(without_lead(voice[begin:]), voice[begin:])


def test_the_recording_holds_whole_strides_and_says_what_stands_where() -> None:
    clips = [np.zeros(round(seconds * RATE), np.float32) for seconds in (1.1, 0.9, 1.4)]
    assert len(join(clips)) == 3.25 * RATE
    assert describe(["sad", "calm", "happy"], clips) == (
        "sad 0.000-1.100, calm 1.100-2.000, happy 2.000-3.250"
    )


def test_the_recording_holds_one_clip_for_each_emotion_of_training_actors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "speech"
    corpus.mkdir()
    for actor in (1, 2, 3):  # 1 is of the test fold
        for label in LABELS:
            soundfile.write(corpus / clip(actor, label).path, demo_sound()[: 2 * RATE], RATE)
    out = tmp_path / "demo.flac"
    model = str(DATA / "tiny.tflite")
    with pytest.raises(DataError, match="the demo would show"):
        demo.main(["--speech", str(corpus), "--model", model, "--out", str(out)])
    with soundfile.SoundFile(out) as file:
        assert 14.0 < file.frames / RATE <= 16.0
        assert file.frames % (RATE // 4) == 0
        described = [part.split()[0] for part in file.comment.split(", ")]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:8]] == described
    assert set(described) == set(LABELS)
    assert {line.split()[2][-2:] for line in lines[:8]} == {"02", "03"}
    assert [line.split()[2][-1] for line in lines[:8]] in (["2", "3"] * 4, ["3", "2"] * 4)
