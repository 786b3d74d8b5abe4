"""The small network learns from a teacher and resumes from its checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

from emotiond.models.training.data.examples import Streams  # noqa: E402
from emotiond.models.training.data.sampling import VOICES_AND_NOISES, Sampler  # noqa: E402
from emotiond.models.training.fitting.distillation import Distiller, Hints, Lesson  # noqa: E402
from emotiond.models.training.fitting.run import SPEECH_STATES, Windows  # noqa: E402
from emotiond.models.training.networks import lite  # noqa: E402

pytestmark = pytest.mark.usefixtures("untraced")


def sampler(windows: Windows) -> Sampler:
    rows = np.arange(windows.columns.label.size)
    measured = windows.columns.one_of_each_stream(rows, np.random.default_rng(0))
    statistics = np.zeros((measured.size, lite.SPEAKER_SIZE), np.float32)
    return Sampler(windows.columns, rows, measured, statistics, 8, VOICES_AND_NOISES, seed=0)


def distiller(windows: Windows, folder: Path, steps: int, window_states: int = 37) -> Distiller:
    mel, loudest, block = windows.speeches(np.arange(0, 60, 5))
    spectrum, hints = lite.describe_spectrum(mel, loudest), Hints.of(block, loudest)
    lesson = Lesson(steps, 1e-3, hint_weight=0.5, window_states=window_states)
    return Distiller(lite.new_network(0), spectrum, hints, lesson, folder)


def test_the_scores_of_a_teacher_change_the_network(streams: Streams, tmp_path: Path) -> None:
    windows = Windows(streams)
    student = distiller(windows, tmp_path, steps=3)
    before = student.label_logits(windows, np.arange(2))
    teacher = np.eye(8, dtype=np.float32)[streams.columns.label % 8]
    student.run(windows, sampler(windows), teacher.__getitem__, lambda: 0.5, "test")
    curves = student.curves.arrays()
    assert np.isfinite(curves["loss"]).all()
    assert (curves["loss"] > 0).all()
    assert curves["held_out"][-1] == 0.5
    logits = student.label_logits(windows, np.arange(2))
    assert logits.shape == (2, 8)
    assert np.abs(logits - before).max() > 0


def test_without_a_teacher_it_learns_labels_and_a_finished_training_is_not_repeated(
    streams: Streams, tmp_path: Path
) -> None:
    windows = Windows(streams)
    first = distiller(windows, tmp_path, steps=2)
    first.run(windows, sampler(windows), None, lambda: 0.5, "test")
    loss = first.curves.arrays()["loss"]
    assert (loss > 0).all()

    def refuse() -> float:
        raise AssertionError

    again = distiller(windows, tmp_path, steps=2)
    again.run(windows, sampler(windows), None, refuse, "test")
    np.testing.assert_array_equal(again.curves.arrays()["loss"], loss)
    rows = np.arange(2)
    np.testing.assert_allclose(
        again.label_logits(windows, rows), first.label_logits(windows, rows), atol=1e-5
    )


def test_a_window_is_the_end_of_a_speech(streams: Streams, tmp_path: Path) -> None:
    """The states before it are hidden, but not those of digital silence in it."""
    long = np.flatnonzero(streams.end_frame - streams.first_frame >= 8 * SPEECH_STATES)[:3]
    short = np.flatnonzero(streams.end_frame - streams.first_frame < 8 * 20)[:3]
    row = int(long[0])
    at = streams.end_frame[row] - (streams.end_frame[row] - streams.first_frame[row]) % 8
    streams.mel[at - 16 : at - 8] = -10
    windows = Windows(streams)
    student = distiller(windows, tmp_path, steps=2)
    rows = np.concatenate((long, short))
    states, levels = student.window_states(windows, rows)
    assert states.shape == (rows.size, SPEECH_STATES, lite.CHANNELS)
    shown = levels.numpy() > 0
    assert np.flatnonzero(shown[0]).tolist() == [*range(12, 47), 48]
    assert (np.flatnonzero(shown[1]) == np.arange(12, 49)).all()
    shorter = distiller(windows, tmp_path, steps=2, window_states=25)
    _, two_seconds = shorter.window_states(windows, rows)
    assert np.flatnonzero(two_seconds.numpy()[0] > 0).tolist() == [*range(24, 47), 48]
    for number, row in enumerate(short.tolist(), len(long)):
        n = (streams.end_frame[row] - streams.first_frame[row]) // 8
        assert np.flatnonzero(shown[number]).tolist() == [*range(n)]


def test_hints_are_standardised_over_speech_without_padding(streams: Streams) -> None:
    _, loudest, block = Windows(streams).speeches(np.arange(0, 60, 5))
    standard = Hints.of(block, loudest).standard(block)
    assert standard.shape == (12, SPEECH_STATES, 384)
    speech = standard[loudest > 0]
    np.testing.assert_allclose(speech.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(speech.std(axis=0), 1, atol=0.01)
