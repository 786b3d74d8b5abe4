"""Training from clips to models that the daemon loads. It needs TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

tf = pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")

import soundfile  # noqa: E402

from emotiond.dsp.frontend import FrontEnd, WindowShape  # noqa: E402
from emotiond.exceptions import DataError  # noqa: E402
from emotiond.inference.classifier import Classifier, read_model  # noqa: E402
from emotiond.inference.runtime import find_runtime  # noqa: E402
from emotiond.models.training import prepare, train  # noqa: E402
from emotiond.models.training.common.model_input import RECIPE  # noqa: E402
from emotiond.models.training.data.windows import cut_windows  # noqa: E402
from tests.models.sounds import RATE, babble  # noqa: E402
from tests.models.weights import random_whisper  # noqa: E402

FRAMES = 300


def window(seconds: float = 2.2) -> npt.NDArray[np.float32]:
    front_end = FrontEnd(RECIPE, WindowShape(FRAMES, 24))
    return list(cut_windows(front_end, babble(seconds)))[-1].features


@pytest.mark.timeout(300)
def test_from_clips_to_models_that_the_daemon_loads(tmp_path: Path) -> None:
    whisper = tmp_path / "whisper.npz"
    random_whisper(whisper)
    for actor in (2, 3):
        for emotion in range(1, 9):
            path = tmp_path / "speech" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, babble(2.4, seed=actor + emotion), RATE)
    noise = tmp_path / "noise" / "rain" / "1-1-A.wav"
    noise.parent.mkdir(parents=True)
    soundfile.write(noise, babble(2.4, seed=99), RATE)
    common = ["--cache", str(tmp_path), "--whisper", str(whisper)]
    corpora = ["--speech", str(tmp_path / "speech"), "--esc10", str(tmp_path / "noise")]
    prepare.main([*corpora, *common, "--limit", "40"])
    with pytest.raises(DataError, match=r"windows of other recordings, or of a part of them"):
        prepare.main([*corpora, *common])
    run = ["--runs", str(tmp_path / "runs"), "--only", "fold1", "--scale", "0.002"]
    for name in ("full", "lite"):
        path = tmp_path / "runs" / "fold1" / f"{name}.tflite"
        train.main([name, *common, *run])
        model = read_model(path)
        classifier = Classifier(model, find_runtime())
        for features in (window(1.3), window(2.2)):
            prediction = classifier.infer(features, classifier.speaker())
            assert prediction.posteriors.sum() == pytest.approx(1)
            assert prediction.statistics is not None
            assert np.isfinite(prediction.statistics).all()
    model_size = path.stat().st_size
    path.unlink()
    train.main(["lite", *common, *run])  # a finished run is exported again
    assert path.stat().st_size == model_size
