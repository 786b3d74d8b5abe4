"""Trains ``lite``, a small network, on the scores of ``full`` and Whisper's hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emotiond.dsp.types import FloatArray
from emotiond.inference.card import LABELS
from emotiond.models.training.common.files import load_arrays, save_arrays
from emotiond.models.training.common.model_input import LITE_ENCODER, WINDOW_FRAMES
from emotiond.models.training.data.sampling import VOICES_AND_NOISES, Sampler
from emotiond.models.training.fitting.curves import save_curves
from emotiond.models.training.fitting.distillation import Distiller, Hints, Lesson, Teacher
from emotiond.models.training.fitting.full import train_network
from emotiond.models.training.fitting.run import BATCH, Run, parts_of
from emotiond.models.training.networks import lite
from emotiond.models.training.networks.layers import Arrays, Tensor, values
from emotiond.models.training.networks.tflite import export_lite

_TAUGHT_STATES = WINDOW_FRAMES["full"] // LITE_ENCODER.frames_per_state
_SHIPPED_STATES = WINDOW_FRAMES["lite"] // LITE_ENCODER.frames_per_state
LITE_START = (Lesson(6000, 1.5e-3, hint_weight=0.5, window_states=_TAUGHT_STATES),)
LITE = (
    Lesson(5000, 1.5e-3, hint_weight=0.5, window_states=_TAUGHT_STATES),
    Lesson(5000, 1.5e-3, hint_weight=5.0, window_states=_TAUGHT_STATES),
    Lesson(2500, 1e-3, hint_weight=5.0, window_states=_SHIPPED_STATES),
)
"""Consecutive parts. Each restarts from a high rate and still improves the network. On actors of
the training side, weights of 3 and 10 were equally good, and better than 0.5. The first parts pool
the windows that the teacher judges, the last one the longer windows that ship."""
_NO_ROWS = np.empty(0, np.int64)


def train_lite(run: Run) -> bytes:
    """Train the small network on the scores of the run's ``full``, and export ``lite``."""
    student = _distilled(run, run.rows, _start(run), LITE, run.folder, _teacher(run), run.watched)

    def describe_part(rows: npt.NDArray[np.int64]) -> Tensor:
        return lite.described_states(*student.window_states(run.data, rows))

    return export_lite(student.parameters, run.detector(describe_part), student.spectrum)


def _start(run: Run) -> Arrays:
    """Return initial values of the small network, trained on nEMO and Whisper's hidden states.

    They are the same for all runs, since RAVDESS is left out. Without other corpora they are
    random.
    """
    path = run.folder.parent / "start.npz"
    rows = np.flatnonzero(~np.char.startswith(run.data.columns.corpus, "ravdess"))
    new = lite.new_network(run.settings.seed)
    if not (run.data.columns.label[rows] >= 0).any():
        return new
    if not path.exists():
        folder = run.folder.parent / "start"
        student = _distilled(run, rows, new, LITE_START, folder, None, _NO_ROWS)
        save_arrays(path, values(student.parameters))
    return load_arrays(path)


def _distilled(
    run: Run,
    rows: npt.NDArray[np.int64],
    learned: Arrays,
    lessons: Sequence[Lesson],
    folder: Path,
    teacher: Teacher | None,
    watched: npt.NDArray[np.int64],
) -> Distiller:
    """Train the small network in consecutive lessons."""
    data, settings, curves = run.data, run.settings, []
    measured = data.columns.one_of_each_stream(rows, np.random.default_rng(0))
    spoken = data.few_spoken(measured)
    mel, loudest, block = data.speeches(spoken)
    spectrum = lite.describe_spectrum(mel, loudest)
    hints = Hints.of(block, loudest)
    for part, lesson in enumerate(lessons):
        seed = settings.seed * len(lessons) + part
        student = Distiller(
            learned, spectrum, hints, settings.scaled(lesson), folder / f"lite{part}"
        )
        statistics = np.concatenate(
            [student.statistics(data, part_rows) for part_rows in parts_of(measured)]
        )
        sampler = Sampler(data.columns, rows, measured, statistics, BATCH, VOICES_AND_NOISES, seed)

        def predict(some: npt.NDArray[np.int64], student: Distiller = student) -> FloatArray:
            return student.label_logits(data, some)

        watch = run.accuracy_watch(watched, predict)
        student.run(data, sampler, teacher, watch, f"{folder.name}, part {part + 1}")
        learned = values(student.parameters)
        curves.append(student.curves)
    save_curves(folder / "lite-curves.npz", curves)
    return student


def _teacher(run: Run) -> Teacher:
    """Return a function from rows to the label logits of the large model.

    It keeps them, since a training draws most windows more than once.
    """
    network, _ = train_network(run)
    kept = np.full((run.data.columns.label.size, len(LABELS)), np.nan, np.float32)

    def label_logits(rows: npt.NDArray[np.int64]) -> FloatArray:
        new = np.unique(rows[np.isnan(kept[rows, 0])])
        if new.size:
            kept[new] = network.label_logits(run.data.states(new), run.data.levels(new))
        return kept[rows]

    return label_logits
