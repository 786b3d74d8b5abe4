"""Training windows are made once, resume after an interruption, and belong to their clips."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.models.training.common.model_input import RECIPE, WINDOW_FRAMES
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.data.examples import (
    NO_LABEL,
    Task,
    load_column,
    load_columns,
    make_examples,
    training_tasks,
)
from tests.models.sounds import RATE, babble


def encode(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    return features[:2, :3].astype(np.float16)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """One clip of each corpus."""
    made = []
    for corpus, label in (("ravdess-speech", "sad"), ("nemo", "happy"), ("esc10", None)):
        path = tmp_path / f"{corpus}.wav"
        soundfile.write(path, babble(2.4, seed=len(made)), RATE)
        made.append(Clip(path, corpus, f"{corpus}-01", label, 1))
    return made


def test_every_clip_gets_the_windows_of_its_corpus(clips: list[Clip]) -> None:
    tasks = training_tasks(clips, seed=0)
    counts = Counter(task.clip.corpus if task.clip else "synthetic" for task in tasks)
    assert counts == {"ravdess-speech": 10, "nemo": 2, "esc10": 14, "synthetic": 400}
    assert len({task.seed for task in tasks}) == len(tasks)


def test_the_order_depends_on_the_seed_only(clips: list[Clip]) -> None:
    assert training_tasks(clips, seed=0) == training_tasks(clips, seed=0)
    assert training_tasks(clips, seed=0) != training_tasks(clips, seed=1)


def test_only_voices_are_varied_and_two_windows_of_ravdess_are_not(clips: list[Clip]) -> None:
    ravdess, nemo, noise = clips
    assert [Task(ravdess, copy, 0).varied for copy in range(4)] == [False, False, True, True]
    assert Task(nemo, 0, 0).varied
    assert not Task(noise, 5, 0).varied
    assert not Task(None, 5, 0).varied


def test_windows_have_their_metadata(clips: list[Clip], tmp_path: Path) -> None:
    tasks = [*(Task(clip, 0, seed) for seed, clip in enumerate(clips)), Task(None, 0, 9)]
    folder = tmp_path / "examples"
    make_examples(tasks, [], encode, folder)
    columns = load_columns(folder)
    expected = {"ravdess-speech": 3, "nemo": 2, "esc10": NO_LABEL, "synthetic": NO_LABEL}
    found = dict(zip(columns.corpus.tolist(), columns.label.tolist(), strict=True))
    assert {"ravdess-speech", "nemo"} <= found.keys()  # a noise may never open the gate
    assert found.items() <= expected.items()
    features = load_column(folder, "features")
    assert features.shape == (len(found), WINDOW_FRAMES, RECIPE.n_mfcc)
    np.testing.assert_array_equal(load_column(folder, "states"), [encode(f) for f in features])
    assert (columns.active_frames > 0).all()
    assert (columns.active_frames <= WINDOW_FRAMES).all()


def test_a_second_run_makes_only_what_is_missing(clips: list[Clip], tmp_path: Path) -> None:
    tasks = [Task(clips[0], copy, copy) for copy in range(2)]
    folder = tmp_path / "examples"
    make_examples(tasks, [], encode, folder)
    (shard,) = folder.glob("*.npz")
    before = load_column(folder, "features")
    calls = []

    def counted(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
        calls.append(1)
        return encode(features)

    make_examples(tasks, [], counted, folder)
    assert not calls
    shard.unlink()
    make_examples(tasks, [], counted, folder)
    assert len(calls) == 2
    np.testing.assert_array_equal(load_column(folder, "features"), before)


def test_a_folder_with_windows_of_other_clips_is_refused(clips: list[Clip], tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    make_examples([Task(clips[0], 0, 0)], [], encode, folder)
    with pytest.raises(DataError, match=r"windows of other recordings.*empty folder to --cache"):
        make_examples([Task(clips[1], 0, 0)], [], encode, folder)


def test_a_folder_without_windows_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no windows.*emotiond\.models\.training\.prepare"):
        load_column(tmp_path, "label")
