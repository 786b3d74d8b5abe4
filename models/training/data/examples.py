"""Makes training windows with the hidden states of the frozen encoder, in shards on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS
from emotiond.models.training.common.files import save_arrays, write_whole
from emotiond.models.training.common.model_input import MINIMUM_FRAMES, RECIPE, WINDOW_FRAMES
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data import augment
from emotiond.models.training.data.columns import Columns
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.windows import choose_window

Encode: TypeAlias = Callable[[augment.Features], npt.NDArray[np.float16]]
"""Computes the hidden states of one window."""

NO_LABEL = -1
"""Label number of noise."""

_SHARD = 500
_COPIES = {"ravdess-speech": 10, "ravdess-song": 3, "nemo": 2, "esc10": 14}
"""Windows per clip, each with a new variation; the first two of RAVDESS are unchanged."""
_AS_RECORDED = 2
_LASTING = 6
"""The first windows of a noise, which hold it throughout; the others hold short bursts."""
_SYNTHETIC_NOISES = 400


@dataclass(frozen=True)
class Task:
    """One window to make."""

    clip: Clip | None
    """None for synthetic noise."""
    copy: int
    seed: int

    @property
    def varied(self) -> bool:
        """Whether the clip is a voice that gets another voice, room and microphone."""
        if self.clip is None or self.clip.label is None:
            return False
        return self.copy >= _AS_RECORDED or not self.clip.corpus.startswith("ravdess")


def training_tasks(clips: Sequence[Clip], seed: int) -> list[Task]:
    """Return a task for every window, in random order, so that any part is a sample."""
    plan: list[tuple[Clip | None, int]] = [
        (clip, copy) for clip in clips for copy in range(_COPIES[clip.corpus])
    ]
    plan += [(None, copy) for copy in range(_SYNTHETIC_NOISES)]
    tasks = [Task(clip, copy, seed + i) for i, (clip, copy) in enumerate(plan)]
    order = np.random.default_rng(seed).permutation(len(tasks))
    return [tasks[i] for i in order]


def make_examples(
    tasks: Sequence[Task],
    noises: Sequence[augment.Samples],
    encode: Encode,
    folder: Path,
) -> None:
    """Make the windows that the folder lacks. An interrupted run resumes where it stopped.

    Raises:
        DataError: the folder holds windows of other tasks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_others(folder / "tasks.sha256", tasks)
    shards = [tasks[i : i + _SHARD] for i in range(0, len(tasks), _SHARD)]
    paths = [folder / f"{number:04d}.npz" for number in range(len(shards))]
    missing = [
        (path, shard) for path, shard in zip(paths, shards, strict=True) if not path.exists()
    ]
    for path, shard in progress(missing, "windows"):
        rows = list(_rows(shard, noises, encode))
        save_arrays(path, {key: np.stack([row[key] for row in rows]) for key in rows[0]})


def load_column(folder: Path, name: str) -> npt.NDArray[Any]:
    """Read one column of all shards, one row per window.

    The columns: ``features`` (WINDOW_FRAMES, n_mfcc), ``states`` (see
    :mod:`emotiond.models.training.networks.frozen`), ``label`` (:data:`NO_LABEL` for noise),
    ``fold``, ``corpus``, ``speaker``, ``active_frames``.

    Raises:
        DataError: the folder holds no windows.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise DataError(
            f"{folder} holds no windows", "Run python -m emotiond.models.training.prepare first"
        )
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            parts.append(archive[name])
    return np.concatenate(parts)


def load_columns(folder: Path) -> Columns:
    """Read the metadata of all windows."""
    return Columns(**{field.name: load_column(folder, field.name) for field in fields(Columns)})


def _refuse_others(path: Path, tasks: Sequence[Task]) -> None:
    """Write a digest of the tasks to a new folder; refuse a folder with another digest."""
    listed = "\n".join(f"{t.clip.path.name if t.clip else 'synthetic'} {t.copy}" for t in tasks)
    digest = hashlib.sha256(listed.encode()).hexdigest()
    if not path.exists():
        write_whole(path, digest.encode())
    elif path.read_text() != digest:
        raise DataError(
            f"{path.parent} holds windows of other recordings, or of a part of them",
            "Give an empty folder to --cache",
        )


def _rows(
    tasks: Sequence[Task], noises: Sequence[augment.Samples], encode: Encode
) -> Iterator[dict[str, npt.NDArray[np.generic]]]:
    front_end = FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES, MINIMUM_FRAMES))
    for task in tasks:
        random = np.random.default_rng(task.seed)
        cut = choose_window(front_end, _sound(task, noises, random), random)
        if cut is None:
            continue
        features = augment.vary_voice(cut.features, random) if task.varied else cut.features
        clip = task.clip
        label = NO_LABEL if clip is None or clip.label is None else LABELS.index(clip.label)
        yield {
            "features": features,
            "states": encode(features),
            "label": np.asarray(label),
            "fold": np.asarray(clip.fold if clip else 0),
            "corpus": np.asarray(clip.corpus if clip else "synthetic"),
            "speaker": np.asarray(clip.speaker if clip else "synthetic"),
            "active_frames": np.asarray(cut.active_frames),
        }


def _sound(
    task: Task, noises: Sequence[augment.Samples], random: augment.Random
) -> augment.Samples:
    if task.clip is None:
        noise = augment.coloured_noise(3 * 16000, float(random.uniform(0, 2)), random)
        return augment.change_gain(noise, float(random.uniform(-70, 15)))
    samples = load_audio(task.clip.path)
    if task.clip.label is None:
        return _noise(samples, task.copy >= _LASTING, random)
    return augment.vary(samples, noises, random) if task.varied else samples


def _noise(samples: augment.Samples, short: bool, random: augment.Random) -> augment.Samples:
    """Vary a noise. The gain of bursts, which are mostly silence, refers to their peak."""
    varied = augment.change_speed(samples, float(random.uniform(0.8, 1.25)))
    tilted = augment.tilt(varied, float(random.uniform(-8, 8)))
    if not short:
        return augment.change_gain(tilted, float(random.uniform(-45, 10)))
    sound = augment.bursts(tilted, random)
    if random.random() < 0.3:
        sound = augment.reverberate(sound, float(random.uniform(0.15, 0.8)), random)
    peak_db = 20 * float(np.log10(np.abs(sound).max()))
    return augment.change_gain(sound, float(random.uniform(-40, 0)) - peak_db)
