"""An evaluation writes a card that the daemon accepts, and a report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("scipy", reason="evaluation varies sounds with scipy: pip install .[train]")

from emotiond.inference.model import read_model
from emotiond.models.training import evaluate
from emotiond.models.training.common.files import save_arrays
from tests.models.sounds import RATE, babble

DATA = Path(__file__).parents[2] / "data"
ACTORS = (2, 3, 10, 8)
"""One of each fold."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Corpora of four actors and one noise, and runs with the tiny model."""
    (tmp_path / "speech").mkdir()
    (tmp_path / "esc10" / "rain").mkdir(parents=True)
    for actor in ACTORS:
        for emotion in (1, 5):  # neutral, angry
            path = tmp_path / "speech" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            soundfile.write(path, babble(2.4, actor * emotion), RATE)
    soundfile.write(tmp_path / "esc10" / "rain" / "4-1-A.wav", babble(1.0), RATE)
    (tmp_path / "crema-d").mkdir()
    soundfile.write(tmp_path / "crema-d" / "1001_DFA_SAD_XX.wav", babble(2.0, 7), RATE)
    for name in ("fold1", "fold2", "fold3", "fold4", "all"):
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        for suffix in ("tflite", "json"):
            shutil.copy(DATA / f"tiny.{suffix}", run / f"full.{suffix}")
    curve = np.array([2.0, 1.0], np.float32)
    curves = {"loss": curve, "accuracy": curve / 4, "held_out": curve / 5}
    save_arrays(tmp_path / "runs" / "fold1" / "heads-curves.npz", curves)
    return tmp_path


def test_an_evaluation_writes_card_and_report(folder: Path) -> None:
    corpora = ["--speech", str(folder / "speech"), "--esc10", str(folder / "esc10")]
    corpora += ["--crema-d", str(folder / "crema-d")]
    files = ["--runs", str(folder / "runs"), "--report", str(folder / "report.html")]
    amount = ["--orders", "1", "--streams", "1", "--share", "2"]
    evaluate.main(["full", *corpora, *files, *amount])
    shipped = folder / "runs" / "all" / "full.tflite"
    evaluation = json.loads(shipped.with_suffix(".json").read_text("utf-8"))["evaluation"]
    assert read_model(shipped).card.name == "full"
    assert 0 <= evaluation["accuracy"] <= 1
    assert evaluation["accuracy_adapted"] is None  # the tiny model does not adapt
    assert "folds" not in evaluation["stream"]
    page = (folder / "report.html").read_text("utf-8")
    assert "emotiond model full" in page
    assert "Confusion matrix" in page


def test_runs_corpora_and_report_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.main(["full"])
    message = capsys.readouterr().err
    for option in ("--speech", "--esc10", "--runs", "--report"):
        assert option in message
