"""Training from clips to models that the daemon loads. It needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

import soundfile  # noqa: E402

from emotiond.exceptions import DataError  # noqa: E402
from emotiond.inference.classifier import Classifier  # noqa: E402
from emotiond.inference.model import read_model  # noqa: E402
from emotiond.inference.runtime import find_runtime  # noqa: E402
from emotiond.models.training import prepare, train  # noqa: E402
from emotiond.models.training.common.files import save_arrays  # noqa: E402
from emotiond.models.training.data.columns import JOINED  # noqa: E402
from emotiond.models.training.data.examples import load_streams  # noqa: E402
from emotiond.models.training.evaluation.replay import clip_scores, infer  # noqa: E402
from emotiond.models.training.fitting import detector  # noqa: E402
from emotiond.models.training.networks.layers import Arrays  # noqa: E402
from tests.models.sounds import RATE, babble  # noqa: E402


def test_from_clips_to_models_that_the_daemon_loads(
    encoder: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "_STEPS", 20)
    for actor in (2, 3):
        for emotion in range(1, 9):
            path = tmp_path / "speech" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, babble(2.0, seed=actor + emotion), RATE)
    noise = tmp_path / "noise" / "rain" / "1-1-A.wav"
    noise.parent.mkdir(parents=True)
    soundfile.write(noise, babble(2.0, seed=99), RATE)
    cache = tmp_path / "cache"
    cache.mkdir()
    save_arrays(cache / "encoder.npz", encoder)
    corpora = ["--speech", str(tmp_path / "speech"), "--esc10", str(tmp_path / "noise")]
    prepare.main([*corpora, f"--cache={cache}", "--limit", "60"])
    assert JOINED in load_streams(cache / "examples").columns.corpus
    run = [f"--cache={cache}", f"--runs={tmp_path / 'runs'}", "--only", "fold1", "--scale", "0.0"]
    for name in ("full", "lite"):
        path = tmp_path / "runs" / "fold1" / f"{name}.tflite"
        train.main([name, *run])
        classifier = Classifier(read_model(path), find_runtime())
        steps = infer(classifier, babble(2.2))
        predictions = [step.prediction for step in steps if step.prediction]
        assert len(predictions) > 4
        for prediction in predictions:
            assert prediction.posteriors.sum() == pytest.approx(1)
            assert prediction.statistics is not None
            assert np.isfinite(prediction.statistics).all()
        scores = clip_scores(steps, classifier.card)
        assert scores is None or scores.sum() == pytest.approx(1)
    content = path.read_bytes()
    path.unlink()
    train.main(["lite", *run])  # a finished run is exported again
    assert len(path.read_bytes()) == len(content)
    for name in ("full", "lite"):
        with pytest.raises(DataError, match=r"fold1.* a training of another length.* --scale"):
            train.main([name, *run[:-1], "0.01"])
    other = encoder | {"another": np.zeros(1, np.float32)}
    save_arrays(cache / "encoder.npz", other)
    with pytest.raises(DataError, match="streams of another encoder"):
        train.main(["lite", *run])
    (cache / "examples" / "tasks.sha256").unlink()  # streams that do not name their encoder
    with pytest.raises(DataError, match=r"a run with another encoder.*empty folder to --runs"):
        train.main(["lite", *run])


def test_streams_are_made_before_a_training(encoder: Arrays, tmp_path: Path) -> None:
    save_arrays(tmp_path / "encoder.npz", encoder)
    with pytest.raises(DataError, match=r"holds no streams"):
        train.main(["full", f"--cache={tmp_path}", f"--runs={tmp_path / 'runs'}"])
