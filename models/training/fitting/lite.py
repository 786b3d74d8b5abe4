"""Trains ``lite``, a small network, on the scores of ``full`` and Whisper's hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from emotiond.dsp.types import FloatArray
from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data.sampling import VOICES_AND_NOISES, Sampler
from emotiond.models.training.fitting.curves import save_curves
from emotiond.models.training.fitting.distillation import Distiller, Lesson
from emotiond.models.training.fitting.full import train_network
from emotiond.models.training.fitting.run import BATCH, Run, parts_of
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.heads import CHANNELS, N_LABELS, describe_population
from emotiond.models.training.networks.layers import Arrays, Tensor, constants, values
from emotiond.models.training.networks.tflite import export_lite

LITE_START = (Lesson(steps=6000, rate=1.5e-3, hint_weight=0.5),)
LITE = (
    Lesson(steps=5000, rate=1.5e-3, hint_weight=0.5),
    Lesson(steps=5000, rate=1e-3, hint_weight=0.5),
    Lesson(steps=8000, rate=1.5e-3, hint_weight=5.0),
)
"""Consecutive parts. Each restarts from a high rate and still improves the network. On actors of
the training side, weights of 3 and 10 were equally good, and better than 0.5."""
_NO_ROWS = np.empty(0, np.int64)


def train_lite(run: Run) -> bytes:
    """Train the small network on the scores of the run's ``full``, and export ``lite``."""
    teacher = _teacher_scores(run)
    student = _distilled(run, run.rows, _start(run), LITE, run.folder, teacher, run.watched)
    fixed = constants(values(student.parameters))
    cold = tf.zeros((1, lite.SPEAKER_SIZE))

    def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
        mel, real, _ = lite.relative_mel(tf.constant(run.data.features[rows]))
        hidden = lite.hidden_states(mel, cold, fixed, student.spectrum)
        return lite.described_states(hidden, real)

    return export_lite(student.parameters, run.detector(describe_part), student.spectrum)


def _start(run: Run) -> Arrays:
    """Return initial values of the small network, trained on nEMO and Whisper's hidden states.

    They are the same for all runs, since RAVDESS is left out. Without other corpora they are
    random.
    """
    path = run.folder.parent / "start.npz"
    rows = np.flatnonzero(~np.char.startswith(run.data.columns.corpus, "ravdess"))
    new = lite.new_network(run.settings.seed)
    if not run.data.spoken(rows).size:
        return new
    if not path.exists():
        folder = run.folder.parent / "start"
        student = _distilled(run, rows, new, LITE_START, folder, None, _NO_ROWS)
        save_arrays(path, values(student.parameters))
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def _distilled(
    run: Run,
    rows: npt.NDArray[np.int64],
    learned: Arrays,
    lessons: Sequence[Lesson],
    folder: Path,
    teacher: FloatArray | None,
    watched: npt.NDArray[np.int64],
) -> Distiller:
    """Train the small network in consecutive lessons."""
    data, settings, curves = run.data, run.settings, []
    spectrum = lite.describe_spectrum(data.features[data.spoken(rows)])
    statistics = _spectrum_statistics(run, spectrum)
    hints = _hints(run, rows)
    for part, lesson in enumerate(lessons):
        seed = settings.seed * len(lessons) + part
        sampler = Sampler(data.columns, rows, statistics, BATCH, VOICES_AND_NOISES, seed)
        student = Distiller(
            learned, spectrum, settings.scaled(lesson), sampler, folder / f"lite{part}"
        )
        watch = run.accuracy_watch(watched, student.label_logits, data.features)
        student.run(data.features, hints, teacher, watch, f"{folder.name}, part {part + 1}")
        learned = values(student.parameters)
        curves.append(student.curves)
    save_curves(folder / "lite-curves.npz", curves)
    return student


def _hints(run: Run, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
    """Return Whisper's third block, standardised over the rows."""
    data = run.data
    spoken = data.spoken(rows)
    population = describe_population(data.states[spoken], data.loud[spoken])
    above = slice(CHANNELS // 2, None)
    hints = lite.hint_steps(data.states[:, :, above])
    hints -= population.mean[above].astype(np.float16)
    hints /= population.deviation[above].astype(np.float16)
    return hints


def _teacher_scores(run: Run) -> FloatArray:
    """Return the label logits of the large model for all training windows."""
    network, _ = train_network(run)
    states, real = run.data.states, run.data.real
    scores = np.zeros((len(states), N_LABELS), np.float32)
    for rows in progress(parts_of(run.rows), "teacher"):
        scores[rows] = network.label_logits(states[rows], real[rows])
    return scores


def _spectrum_statistics(run: Run, spectrum: lite.Spectrum) -> FloatArray:
    parts = []
    for rows in parts_of(np.arange(len(run.data.features))):
        mel, _, loud = lite.relative_mel(tf.constant(run.data.features[rows]))
        parts.append(lite.statistics(mel, loud, spectrum).numpy())
    return np.concatenate(parts)
