"""The encoder is taught without labels and without RAVDESS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.models.training import distill
from emotiond.models.training.common.files import load_arrays
from emotiond.models.training.fitting.self_distillation import SelfDistillation
from emotiond.models.training.networks.encoder import encoder_parameters
from tests.models.sounds import RATE, babble
from tests.models.weights import random_whisper, write_whisper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clip of both corpora, and an untrained Whisper."""
    for name in ("nemo/AB_anger_1.wav", "crema-d/1001_DFA_SAD_XX.wav"):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, babble(1.6), RATE)
    write_whisper(tmp_path / "whisper.npz")
    return tmp_path


def arguments(folder: Path) -> list[str]:
    corpora = [f"--nemo={folder / 'nemo'}", f"--crema-d={folder / 'crema-d'}"]
    return [*corpora, f"--whisper={folder / 'whisper.npz'}", f"--cache={folder / 'cache'}"]


def test_an_encoder_is_written_into_the_cache(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SelfDistillation.__init__, "__defaults__", (2,))  # a batch of two
    distill.main([*arguments(folder), "--steps", "2"])
    learned = load_arrays(folder / "cache" / "encoder.npz")
    whisper = encoder_parameters(random_whisper())
    assert learned.keys() == whisper.keys()
    for name, array in learned.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, whisper[name], atol=1e-2)
    losses = load_arrays(folder / "cache" / "encoder-losses.npz")["losses"]
    assert losses.shape == (2,)
    assert np.isfinite(losses).all()


def test_a_folder_without_clips_is_an_error(folder: Path) -> None:
    (folder / "nemo" / "AB_anger_1.wav").unlink()
    with pytest.raises(DataError, match=r"holds no clip"):
        distill.main(arguments(folder))


def test_nemo_whisper_and_cache_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        distill.main([])
    message = capsys.readouterr().err
    for option in ("--nemo", "--whisper", "--cache"):
        assert option in message
    assert "--speech" not in message
