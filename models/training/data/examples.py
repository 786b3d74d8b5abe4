"""Makes training streams with the states of the encoder, in shards on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emotiond.dsp.frontend import FrontEnd, Window, WindowShape
from emotiond.dsp.mfcc import dct_matrix
from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS, SAMPLE_RATE
from emotiond.models.training.common.files import save_arrays, write_whole
from emotiond.models.training.common.model_input import MINIMUM_FRAMES, RECIPE, WINDOW_FRAMES
from emotiond.models.training.common.progress import progress
from emotiond.models.training.data import augment
from emotiond.models.training.data.columns import JOINED_OF, OWN, Columns
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.joining import join
from emotiond.models.training.data.windows import STRIDE_SAMPLES, cut_windows

NO_LABEL = -1
"""Label number of noise."""

_DIGESTS = "tasks.sha256"
"""Holds digests of the tasks and of the encoder, a line each."""
_SHARD = 250
_COPIES = {"ravdess-speech": 10, "ravdess-song": 3, "nemo": 2, "esc10": 14, OWN: 5}
"""Streams per clip, each with a new variation; the first two of RAVDESS and of one's own clips are
unchanged."""
_JOINED_COPIES = 2
"""Pairs per clip of RAVDESS speech or one's own, with another clip of the same speaker."""
_AS_RECORDED = 2
_LASTING = 6
"""The first streams of a noise, which hold it throughout; the others hold short bursts."""
SYNTHETIC_NOISES = 400
_SETTLING_SECONDS = 0.4
"""After a change of the emotion, windows have no label for this long."""


class EncodeStream(Protocol):
    """Computes the states of a stream, window by window."""

    digest: str
    """Of the encoder, as ``files.digest_of`` gives it."""

    def restart(self) -> None:
        """Begin another stream."""

    def __call__(
        self, window: Window, warp: augment.Warp
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
        """Return the new states of the present speech, and their levels.

        Args:
            window: the next window of the stream.
            warp: changes the features before they are encoded.
        """


@dataclass(frozen=True)
class Task:
    """One stream to make."""

    clip: Clip | None
    """None for synthetic noise."""
    copy: int
    seed: int
    then: Clip | None = None
    """Another clip of the same speaker, which follows without a pause."""

    @property
    def varied(self) -> bool:
        """Whether the clip is a voice that gets another voice, room and microphone."""
        if self.clip is None or self.clip.label is None:
            return False
        return self.copy >= _AS_RECORDED or not self.clip.corpus.startswith(("ravdess", OWN))


@dataclass(frozen=True)
class Streams:
    """The streams of one shard, or of all. A window is a span of states and of frames."""

    states: npt.NDArray[np.float16]
    """``(n, CHANNELS)``, speech after speech."""
    levels: npt.NDArray[np.float32]
    """Loudness of each state, ``(n,)``."""
    mel: npt.NDArray[np.float16]
    """log10 mel powers of all frames, ``(m, 80)``."""
    first_state: npt.NDArray[np.int64]
    """First state of the speech of each window."""
    end_state: npt.NDArray[np.int64]
    first_frame: npt.NDArray[np.int64]
    end_frame: npt.NDArray[np.int64]
    columns: Columns


def training_tasks(
    clips: Sequence[Clip], seed: int, synthetic_noises: int = SYNTHETIC_NOISES
) -> list[Task]:
    """Return a task for every stream, in random order, so that any part is a sample."""
    random = np.random.default_rng(seed)
    plan: list[tuple[Clip | None, int, Clip | None]] = [
        (clip, copy, None) for clip in clips for copy in range(_COPIES[clip.corpus])
    ]
    speech = [clip for clip in clips if clip.corpus in JOINED_OF]
    for clip in speech:
        others = [o for o in speech if o.speaker == clip.speaker and o.label != clip.label]
        for copy in range(_JOINED_COPIES if others else 0):
            # Every second pair is unchanged.
            plan.append((clip, _AS_RECORDED * copy, others[int(random.integers(len(others)))]))
    plan += [(None, copy, None) for copy in range(synthetic_noises)]
    tasks = [Task(clip, copy, seed + i, then) for i, (clip, copy, then) in enumerate(plan)]
    return [tasks[i] for i in random.permutation(len(tasks))]


def make_examples(
    tasks: Sequence[Task],
    noises: Sequence[augment.Samples],
    encode: EncodeStream,
    folder: Path,
) -> None:
    """Make the streams that the folder lacks. An interrupted run resumes where it stopped.

    Raises:
        DataError: the folder holds streams of other tasks, or of another encoder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_other_tasks(folder / _DIGESTS, tasks, encode.digest)
    refuse_another_encoder(folder, encode.digest)
    shards = [tasks[i : i + _SHARD] for i in range(0, len(tasks), _SHARD)]
    paths = [folder / f"{number:04d}.npz" for number in range(len(shards))]
    missing = [(number, path) for number, path in enumerate(paths) if not path.exists()]
    for number, path in progress(missing, "streams"):
        parts = list(_rows(shards[number], number * _SHARD, noises, encode))
        if parts:  # else no sound of the shard opened the gate
            save_arrays(path, _joined_parts(parts))


def load_streams(folder: Path) -> Streams:
    """Read all streams.

    Raises:
        DataError: the folder holds no streams.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise DataError(
            f"{folder} holds no streams", "Run python -m emotiond.models.training.prepare first"
        )
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as archive:
            parts.append({name: archive[name] for name in archive.files})
    return _streams(_joined_parts(parts))


def refuse_another_encoder(folder: Path, digest: str) -> None:
    """Refuse a folder with streams of another encoder; streams of an earlier version do not say.

    Raises:
        DataError: the states in the folder are of an encoder with another digest.
    """
    path = folder / _DIGESTS
    _, *encoders = path.read_text().split() if path.exists() else [""]
    if encoders not in ([], [digest]):
        raise DataError(
            f"{folder} holds streams of another encoder", "Give an empty folder to --cache"
        )


def _refuse_other_tasks(path: Path, tasks: Sequence[Task], encoder: str) -> None:
    """Write digests of tasks and encoder to a new folder; refuse a folder of other tasks."""
    listed = "\n".join(
        f"{task.clip.path.name if task.clip else 'synthetic'} {task.copy} "
        f"{task.then.path.name if task.then else ''}"
        for task in tasks
    )
    digest = hashlib.sha256(listed.encode()).hexdigest()
    if not path.exists():
        write_whole(path, f"{digest}\n{encoder}\n".encode())
    elif path.read_text().split()[:1] != [digest]:
        raise DataError(
            f"{path.parent} holds streams of other recordings, or of a part of them",
            "Give an empty folder to --cache",
        )


Arrays = dict[str, npt.NDArray[Any]]
_SPANS = {"state": "states", "frame": "mel"}


def _rows(
    tasks: Sequence[Task],
    first_number: int,
    noises: Sequence[augment.Samples],
    encode: EncodeStream,
) -> Iterator[Arrays]:
    """Yield the arrays of each stream, with spans that count from its beginning."""
    front_end = FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES["full"], MINIMUM_FRAMES))
    inverse = dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T
    for number, task in enumerate(tasks, first_number):
        random = np.random.default_rng(task.seed)
        sound, change_sample = _sound(task, noises, random)
        lead = np.zeros(int(random.integers(STRIDE_SAMPLES)), np.float32)
        warp = augment.vary_voice(random) if task.varied else augment.unchanged
        states, levels, mel, rows = [], [], [], []
        speech, n_states, n_frames, first_state, first_frame, done = -1, 0, 0, 0, 0, 0
        encode.restart()
        for window in cut_windows(front_end, np.concatenate((lead, sound))):
            if window.speech != speech:
                speech, first_state, first_frame = window.speech, n_states, n_frames
                done = window.first_frame
            new_states, new_levels = encode(window, warp)
            new_mel = warp(window.features[done - window.end_frame :]) @ inverse
            done = window.end_frame
            n_states, n_frames = n_states + len(new_states), n_frames + len(new_mel)
            states.append(new_states)
            levels.append(new_levels)
            mel.append(new_mel.astype(np.float16))
            end_seconds = (RECIPE.end_of(window.end_frame) - lead.size) / SAMPLE_RATE
            label = _label_at(task, change_sample / SAMPLE_RATE, end_seconds)
            if label is not None:
                spans = (first_state, n_states, first_frame, n_frames)
                rows.append((*spans, label, window.active_frames))
        if not rows:
            continue
        first_states, end_states, first_frames, end_frames, labels, active = np.array(rows).T
        clip, n = task.clip, len(rows)
        corpus = (
            "synthetic" if clip is None else JOINED_OF[clip.corpus] if task.then else clip.corpus
        )
        yield {
            "states": np.concatenate(states),
            "levels": np.concatenate(levels),
            "mel": np.concatenate(mel),
            "first_state": first_states,
            "end_state": end_states,
            "first_frame": first_frames,
            "end_frame": end_frames,
            "label": labels,
            "active_frames": active,
            "fold": np.full(n, clip.fold if clip else 0),
            "corpus": np.full(n, corpus),
            "speaker": np.full(n, clip.speaker if clip else "synthetic"),
            "stream": np.full(n, number),
            "varied": np.full(n, task.varied),
        }


def _label_at(task: Task, change_seconds: float, end_seconds: float) -> int | None:
    """Return the label of a window that ends at this time; None right after a change."""
    clip = task.clip
    if task.then is not None and end_seconds > change_seconds:
        if end_seconds < change_seconds + _SETTLING_SECONDS:
            return None
        clip = task.then
    return NO_LABEL if clip is None or clip.label is None else LABELS.index(clip.label)


def _joined_parts(parts: Sequence[Arrays]) -> Arrays:
    """Join the arrays of streams or shards; move their spans accordingly."""
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for kind, measured in _SPANS.items():
        sizes = [part[measured].shape[0] for part in parts]
        rows = [part["label"].size for part in parts]
        moved = np.repeat(np.cumsum(sizes) - sizes, rows)
        for name in (f"first_{kind}", f"end_{kind}"):
            joined[name] = joined[name] + moved
    return joined


def _streams(arrays: Arrays) -> Streams:
    columns = {field.name: arrays.pop(field.name) for field in fields(Columns)}
    return Streams(**arrays, columns=Columns(**columns))


def _sound(
    task: Task, noises: Sequence[augment.Samples], random: augment.Random
) -> tuple[augment.Samples, float]:
    """Return the sound of a task, and the position at which another clip follows."""
    if task.clip is None:
        noise = augment.coloured_noise(3 * 16000, float(random.uniform(0, 2)), random)
        return augment.change_gain(noise, float(random.uniform(-70, 15))), 0.0
    samples, change_sample = load_audio(task.clip.path), 0.0
    if task.clip.label is None:
        return _noise(samples, task.copy >= _LASTING, random), 0.0
    if task.then is not None:
        joined = join(samples, load_audio(task.then.path), random)
        samples, change_sample = joined.samples, float(joined.change_sample)
    if task.varied:
        varied = augment.vary(samples, noises, random)
        return varied, change_sample * varied.size / samples.size
    return samples, change_sample


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
