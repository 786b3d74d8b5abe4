"""Training streams are made once, resume after an interruption, and belong to their clips."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.dsp.frontend import FrontEnd, Window, WindowShape
from emotiond.dsp.mfcc import dct_matrix
from emotiond.exceptions import DataError
from emotiond.inference.card import LABELS
from emotiond.inference.encoding import Encoding
from emotiond.models.training.common.model_input import (
    FULL_ENCODER,
    MINIMUM_FRAMES,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.data import examples
from emotiond.models.training.data.augment import Warp
from emotiond.models.training.data.columns import JOINED
from emotiond.models.training.data.corpora import Clip, load_audio
from emotiond.models.training.data.examples import (
    NO_LABEL,
    Streams,
    Task,
    load_streams,
    make_examples,
    refuse_another_encoder,
    training_tasks,
)
from emotiond.models.training.data.joining import join
from emotiond.models.training.data.windows import STRIDE_SAMPLES, cut_windows
from tests.models.sounds import RATE, babble


class FirstBands:
    """An encoder, whose states are the lowest bands of the first frame of each."""

    def __init__(self, digest: str = "of the lowest bands") -> None:
        self.digest = hashlib.sha256(digest.encode()).hexdigest()
        self.streams = 0
        self.restart()

    def restart(self) -> None:
        self.streams += 1
        self._encoding = Encoding(FULL_ENCODER, 50, 3, {})

    def __call__(
        self, window: Window, warp: Warp
    ) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
        states = [np.empty((0, 3))]
        while True:
            count, features = self._encoding.next_call(window)
            if count == 0:
                joined = np.concatenate(states)
                return joined.astype(np.float16), joined[:, 0].astype(np.float32)
            mel = warp(features) @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T
            states.append(mel[FULL_ENCODER.look_back_frames :: 4][:count, :3])
            self._encoding.add(count, states[-1], states[-1][:, 0], {})


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """A clip of each corpus, and a second one of the actor."""
    made = []
    for corpus, label in (
        ("ravdess-speech", "sad"),
        ("ravdess-speech", "happy"),
        ("nemo", "happy"),
        ("esc10", None),
    ):
        path = tmp_path / f"{corpus}-{len(made)}.wav"
        sound = np.concatenate((babble(2.4, seed=len(made)), np.zeros(RATE), babble(1.5)))
        soundfile.write(path, sound, RATE)
        made.append(Clip(path, corpus, f"{corpus}-01", label, 1))
    return made


def made(tasks: Sequence[Task], folder: Path) -> Streams:
    make_examples(tasks, [], FirstBands(), folder)
    return load_streams(folder)


def test_every_clip_gets_the_streams_of_its_corpus(clips: list[Clip]) -> None:
    tasks = training_tasks(clips, seed=0)
    counts = Counter(
        "joined" if task.then else task.clip.corpus if task.clip else "synthetic" for task in tasks
    )
    assert counts == {
        "ravdess-speech": 20,
        "joined": 4,
        "nemo": 2,
        "esc10": 14,
        "synthetic": 400,
    }
    assert len({task.seed for task in tasks}) == len(tasks)


def test_own_clips_are_joined_as_those_of_ravdess_and_need_no_noises(clips: list[Clip]) -> None:
    own = [
        dataclasses.replace(clip, corpus="own", speaker="own-000", label=label)
        for clip, label in zip(clips[:2], ("sad", "happy"), strict=True)
    ]
    tasks = training_tasks(own, seed=0, synthetic_noises=0)
    whole = [task for task in tasks if task.then is None]
    assert Counter(task.varied for task in whole) == {False: 4, True: 6}
    assert len(tasks) - len(whole) == 4


def test_clips_are_joined_with_another_label_of_the_same_speaker(clips: list[Clip]) -> None:
    stranger = Clip(clips[0].path, "ravdess-speech", "ravdess-09", "calm", 2)
    joined = [task for task in training_tasks([*clips, stranger], seed=0) if task.then]
    assert {task.clip.label for task in joined if task.clip} == {"sad", "happy"}
    for task in joined:
        assert task.clip is not None
        assert task.then is not None
        assert task.clip.speaker == task.then.speaker
        assert task.clip.label != task.then.label
    assert Counter(task.varied for task in joined) == {True: 2, False: 2}


def test_the_order_depends_on_the_seed_only(clips: list[Clip]) -> None:
    assert training_tasks(clips, seed=0) == training_tasks(clips, seed=0)
    assert training_tasks(clips, seed=0) != training_tasks(clips, seed=1)


def test_only_voices_are_varied_and_two_streams_of_ravdess_are_not(clips: list[Clip]) -> None:
    ravdess, _, nemo, noise = clips
    assert [Task(ravdess, copy, 0).varied for copy in range(4)] == [False, False, True, True]
    assert Task(nemo, 0, 0).varied
    assert not Task(noise, 5, 0).varied
    assert not Task(None, 5, 0).varied


def test_a_window_is_a_span_of_states_and_of_frames_in_any_shard(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "_SHARD", 2)
    tasks = [Task(clip, copy, 7 * copy) for copy in (0, 3) for clip in clips]
    streams = made(tasks, tmp_path / "examples")
    assert len(list((tmp_path / "examples").glob("*.npz"))) == 4
    columns = streams.columns
    assert set(columns.stream) == set(range(8))
    speeches = set()
    for row in range(columns.label.size):
        states = streams.states[streams.first_state[row] : streams.end_state[row]]
        mel = streams.mel[streams.first_frame[row] : streams.end_frame[row]]
        assert len(states) == (len(mel) - 1) // 4
        np.testing.assert_allclose(states, mel[::4][: len(states), :3], atol=0.01)
        speeches.add((int(columns.stream[row]), int(streams.first_state[row])))
    assert len(speeches) > 8  # more than one in some clips
    assert len({first for _, first in speeches}) == len(speeches)
    assert len(streams.levels) == len(streams.states)


def test_windows_have_their_metadata(clips: list[Clip], tmp_path: Path) -> None:
    tasks = [*(Task(clip, 0, seed) for seed, clip in enumerate(clips[1:])), Task(None, 0, 9)]
    columns = made(tasks, tmp_path / "examples").columns
    expected = {
        "ravdess-speech": ("happy", "ravdess-speech-01", 1),
        "nemo": ("happy", "nemo-01", 1),
        "esc10": (None, "esc10-01", 1),
        "synthetic": (None, "synthetic", 0),
    }
    assert {"ravdess-speech", "nemo"} <= set(columns.corpus)  # a noise may never open the gate
    for corpus in set(columns.corpus):
        (row, *_) = rows = np.flatnonzero(columns.corpus == corpus)
        label, speaker, fold = expected[str(corpus)]
        number = NO_LABEL if label is None else LABELS.index(label)
        assert set(columns.label[rows]) == {number}
        assert (columns.speaker[row], columns.fold[row]) == (speaker, fold)
        assert len(set(columns.stream[rows])) == 1
    assert (columns.active_frames > 0).all()
    assert (columns.active_frames <= WINDOW_FRAMES["full"]).all()


@pytest.mark.parametrize("seed", range(3))
def test_joined_clips_change_label_and_have_none_for_400_ms(
    clips: list[Clip], tmp_path: Path, seed: int
) -> None:
    first, second, *_ = clips
    columns = made([Task(first, 0, seed, second)], tmp_path / str(seed)).columns
    random = np.random.default_rng(seed)
    joined = join(load_audio(first.path), load_audio(second.path), random)
    lead = int(random.integers(STRIDE_SAMPLES))
    sound = np.concatenate((np.zeros(lead, np.float32), joined.samples))
    front_end = FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES["full"], MINIMUM_FRAMES))
    ends = [RECIPE.end_of(window.end_frame) for window in cut_windows(front_end, sound)]
    since = (np.array(ends) - lead - joined.change_sample) / RATE
    expected = [
        LABELS.index("happy" if seconds > 0 else "sad")
        for seconds in since
        if seconds <= 0 or seconds >= 0.4
    ]
    assert columns.label.tolist() == expected
    assert len(set(expected)) == 2
    assert set(columns.corpus) == {JOINED}


def test_a_second_run_makes_only_what_is_missing(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "_SHARD", 1)
    tasks = [Task(clips[0], copy, copy) for copy in range(3)]
    folder = tmp_path / "examples"
    before = made(tasks, folder)
    (folder / "0001.npz").unlink()
    encoder = FirstBands()
    encoder.streams = 0
    make_examples(tasks, [], encoder, folder)
    assert encoder.streams == 1
    after = load_streams(folder)
    np.testing.assert_array_equal(after.states, before.states)
    np.testing.assert_array_equal(after.end_frame, before.end_frame)


def test_a_shard_in_which_nothing_opens_the_gate_is_no_error(
    clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "_SHARD", 1)
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(RATE), RATE)
    silent = Task(Clip(path, "ravdess-speech", "ravdess-02", "sad", 1), 0, 0)
    columns = made([silent, Task(clips[0], 0, 1)], tmp_path / "examples").columns
    assert set(columns.stream) == {1}


def test_a_folder_with_streams_of_other_clips_is_refused(clips: list[Clip], tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    made([Task(clips[0], 0, 0)], folder)
    with pytest.raises(DataError, match=r"streams of other recordings.*empty folder to --cache"):
        made([Task(clips[0], 0, 0, clips[1])], folder)


def test_a_folder_with_streams_of_another_encoder_is_refused(
    clips: list[Clip], tmp_path: Path
) -> None:
    folder, tasks = tmp_path / "examples", [Task(clips[0], 0, 0)]
    made(tasks, folder)
    other = FirstBands("of other bands")
    with pytest.raises(DataError, match=r"streams of another encoder.*empty folder to --cache"):
        make_examples(tasks, [], other, folder)
    with pytest.raises(DataError, match=r"streams of another encoder"):
        refuse_another_encoder(folder, other.digest)
    refuse_another_encoder(folder, FirstBands().digest)


def test_a_folder_that_does_not_name_its_encoder_can_be_used(
    clips: list[Clip], tmp_path: Path
) -> None:
    folder, tasks = tmp_path / "examples", [Task(clips[0], 0, 0)]
    before = made(tasks, folder)
    digests = folder / "tasks.sha256"
    digests.write_text(digests.read_text().split()[0])  # as an earlier version wrote it
    np.testing.assert_array_equal(made(tasks, folder).states, before.states)
    with pytest.raises(DataError, match="streams of other recordings"):
        made([Task(clips[1], 0, 0)], folder)


def test_a_folder_without_streams_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no streams.*emotiond\.models\.training\.prepare"):
        load_streams(tmp_path)
