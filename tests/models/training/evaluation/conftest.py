"""A tiny cross-validation: models of two folds that are right only by chance."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile

from emotiond.inference.card import LABELS
from emotiond.models.training.data.corpora import Clip
from tests.models.sounds import RATE, babble

if TYPE_CHECKING:
    from emotiond.models.training.evaluation.cross_validation import Fold

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """One actor's clips: four neutral and eight happy ones of 3 s each."""
    folder = tmp_path_factory.mktemp("clips")
    made = []
    for label in ("neutral", "happy", "happy"):
        for number in range(4):
            path = folder / f"{label}-{len(made)}.wav"
            soundfile.write(path, babble(3.0, seed=number), RATE)
            made.append(Clip(path, "ravdess-speech", "ravdess-02", label, 1))
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpora of two actors and one noise, and runs with a model each."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "speech").mkdir()
    (folder / "esc10" / "rain").mkdir(parents=True)
    for actor in (2, 3):
        for number in range(1, len(LABELS) + 1):
            name = f"03-01-{number:02d}-01-01-01-{actor:02d}.wav"
            soundfile.write(folder / "speech" / name, babble(3.4, actor * number), RATE)
    soundfile.write(folder / "esc10" / "rain" / "4-1-A.wav", babble(1.0), RATE)
    for name in ("fold1", "fold2", "all"):
        (folder / name).mkdir()
        for suffix in ("tflite", "json"):
            shutil.copy(DATA / f"adapting.{suffix}", folder / name / f"full.{suffix}")
    return folder


def make_folds(folder: Path) -> list[Fold]:
    pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")
    from emotiond.models.training.data.corpora import read_ravdess
    from emotiond.models.training.evaluation.cached_inference import CachedInference
    from emotiond.models.training.evaluation.cross_validation import Fold

    clips = read_ravdess(folder / "speech")
    return [
        Fold(
            CachedInference(folder / f"fold{number}" / "full.tflite"),
            [clip for clip in clips if clip.fold == number],
        )
        for number in (1, 2)
    ]


@pytest.fixture
def folds(folder: Path) -> list[Fold]:
    """The folds, whose models read what earlier tests inferred."""
    return make_folds(folder)


@pytest.fixture(scope="session")
def results(folder: Path) -> dict[str, Any]:
    """Everything that one evaluation measures."""
    made = make_folds(folder)
    from emotiond.models.training.data.corpora import read_esc10
    from emotiond.models.training.evaluation.cross_validation import Extent, evaluate

    noises = read_esc10(folder / "esc10")
    shipped = folder / "all" / "full.tflite"
    return evaluate(made, noises, made[1].clips, shipped, Extent(1, 1, 2, 4, held_seconds=4))
