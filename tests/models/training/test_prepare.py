"""Training uses every given corpus, but never what evaluation holds out."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.models.training import prepare
from emotiond.models.training.common.files import save_arrays
from emotiond.models.training.data.corpora import NOISE_TEST_FOLD, TEST_FOLD
from emotiond.models.training.data.examples import load_streams
from emotiond.models.training.networks.encoder import CHANNELS
from emotiond.models.training.networks.layers import Arrays
from emotiond.models.training.prepare import add_data_arguments, training_clips
from tests.models.sounds import RATE, babble


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    names = [f"speech/03-01-01-01-01-01-{actor:02d}.wav" for actor in range(1, 25)]
    names += [f"song/03-02-01-01-01-01-{actor:02d}.wav" for actor in (1, 2)]
    names += ["nemo/EB0_anger_1.wav", *(f"esc10/rain/{fold}-1-A.wav" for fold in range(1, 6))]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_every_given_corpus_is_used(corpora: Path) -> None:
    speech = ("--speech", str(corpora / "speech"))
    assert {clip.corpus for clip in training_clips(parse(*speech))} == {"ravdess-speech"}
    others = [f"--{name}={corpora / name}" for name in ("song", "nemo", "esc10")]
    found = {clip.corpus for clip in training_clips(parse(*speech, *others))}
    assert found == {"ravdess-speech", "ravdess-song", "nemo", "esc10"}


def test_actors_and_noises_of_the_test_folds_are_left_out(corpora: Path) -> None:
    options = [f"--{name}={corpora / name}" for name in ("speech", "song", "nemo", "esc10")]
    clips = training_clips(parse(*options))
    actors = {clip.speaker for clip in clips if clip.corpus.startswith("ravdess")}
    assert len(actors) == 20
    assert not {"ravdess-01", "ravdess-04", "ravdess-09", "ravdess-22"} & actors
    noise_folds = {clip.fold for clip in clips if clip.label is None}
    assert noise_folds == {1, 2, 3}
    assert {NOISE_TEST_FOLD, TEST_FOLD}.isdisjoint(noise_folds)


def test_streams_are_made_with_the_encoder_in_the_cache(
    encoder: Arrays, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, name in (("speech", "03-01-05-01-01-01-02"), ("esc10/rain", "1-1-A")):
        (tmp_path / folder).mkdir(parents=True)
        soundfile.write(tmp_path / folder / f"{name}.wav", babble(2.4), RATE)
    cache = tmp_path / "cache"
    cache.mkdir()
    options = [f"--speech={tmp_path / 'speech'}", f"--esc10={tmp_path / 'esc10'}"]
    with pytest.raises(DataError, match=r"encoder\.npz.*models/README\.md"):
        prepare.main([*options, f"--cache={cache}"])
    save_arrays(cache / "encoder.npz", encoder)
    prepare.main([*options, f"--cache={cache}", "--limit", "60"])
    streams = load_streams(cache / "examples")
    assert "ravdess-speech" in streams.columns.corpus
    assert streams.states.dtype == np.float16
    assert streams.states.shape[1] == CHANNELS
    with pytest.raises(DataError, match=r"streams of other recordings, or of a part of them"):
        prepare.main([*options, f"--cache={cache}"])


def test_only_ravdess_speech_is_required(corpora: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--nemo", str(corpora / "nemo"))
    assert "--speech" in capsys.readouterr().err


def test_a_folder_without_clips_is_an_error(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no clip"):
        training_clips(
            parse("--speech", str(corpora / "speech"), "--song", str(tmp_path / "empty"))
        )
