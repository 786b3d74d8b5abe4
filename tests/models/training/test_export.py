"""Export repeats the end of a training, and refuses an unfinished training."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import soundfile

from emotiond.exceptions import DataError
from emotiond.inference.classifier import read_model
from emotiond.models.training import export, prepare, train
from tests.models.sounds import RATE, babble
from tests.models.weights import random_whisper


@pytest.mark.timeout(300)
def test_a_finished_run_is_exported_again_and_no_other(tmp_path: Path) -> None:
    whisper = tmp_path / "whisper.npz"
    random_whisper(whisper)
    (tmp_path / "speech").mkdir()
    for emotion in range(1, 9):
        path = tmp_path / "speech" / f"03-01-{emotion:02d}-01-01-01-02.wav"
        soundfile.write(path, babble(2.4, seed=emotion), RATE)
    common = ["--cache", str(tmp_path), "--whisper", str(whisper)]
    prepare.main(["--speech", str(tmp_path / "speech"), *common, "--limit", "20"])
    run = ["full", *common, "--runs", str(tmp_path / "runs"), "--scale", "0.002"]
    train.main([*run, "--only", "all"])
    path = tmp_path / "runs" / "all" / "full.tflite"
    content = read_model(path).content
    path.unlink()
    export.main([*run, "--only", "all"])
    assert len(read_model(path).content) == len(content)
    with pytest.raises(DataError, match=r"fold1 holds no finished training of full"):
        export.main([*run, "--only", "fold1"])
