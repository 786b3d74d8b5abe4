"""From a table of recordings to a model that the daemon loads, with its card and its report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import find_runtime
from emotiond.models.training import own
from emotiond.models.training.common.files import load_arrays
from emotiond.models.training.data import examples
from emotiond.models.training.evaluation.cross_validation import Extent
from emotiond.models.training.evaluation.replay import infer
from emotiond.models.training.networks.shipped import read_shipped
from tests.models.sounds import RATE, babble

SPEAKERS = ("anna", "ben", "cleo")
OWN_LABELS = ("joy", "grief")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three speakers with two clips of two emotions each; those of one speaker are in one file."""
    rows = ["path,speaker,label,start,end"]
    for number, speaker in enumerate(SPEAKERS):
        sounds = [babble(2.4, seed=10 * number + n) * (1 + n % 2) for n in range(4)]
        labels = [OWN_LABELS[n % 2] for n in range(4)]
        if speaker == "anna":
            soundfile.write(tmp_path / "anna.wav", np.concatenate(sounds), RATE, "FLOAT")
            rows += [
                f"anna.wav,anna,{label},{2.4 * n},{2.4 * n + 2.4}" for n, label in enumerate(labels)
            ]
            continue
        for n, (sound, label) in enumerate(zip(sounds, labels, strict=True)):
            soundfile.write(tmp_path / f"{speaker}{n}.wav", sound, RATE, "FLOAT")
            rows.append(f"{speaker}{n}.wav,{speaker},{label},,")
    (tmp_path / "clips.csv").write_text("\n".join(rows), "utf-8")
    (tmp_path / "labels.csv").write_text("own,label\njoy,happy\ngrief,sad\n", "utf-8")
    return tmp_path


def options(folder: Path) -> list[str]:
    files = {"table": "clips.csv", "labels": "labels.csv", "work": "work", "out": "mine.tflite"}
    flags = [f"--{name}={folder / file}" for name, file in files.items()]
    return [*flags, "--licence", "all rights reserved", "--scale", "0.005"]


def test_from_a_table_to_a_model_that_the_daemon_loads(
    folder: Path,
    whole_model: Path,
    untraced: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(own, "_EXTENT", Extent(1, 1, 1, 4, held_seconds=2.0))
    monkeypatch.setattr(examples, "_COPIES", {"own": 3})
    own.main([*options(folder), f"--start={whole_model}"])
    said = capsys.readouterr().out
    assert "12 clips of 3 speakers, 0.5 minutes: happy 6, sad 6" in said
    assert "The shipped full recognises" in said
    model = read_model(folder / "mine.tflite")
    assert model.card.name == "mine"
    assert model.card.licence.weights.startswith("CC BY-NC-SA 4.0")
    assert model.card.licence.weights.endswith("the recordings: all rights reserved")
    assert model.card.training_data[0].startswith("Own recordings: 12 clips of 3 speakers")
    assert any("RAVDESS" in text for text in model.card.training_data[1:])
    assert "never to say neutral, calm, angry" in model.card.known_weaknesses[0]
    evaluation = json.loads((folder / "mine.json").read_text("utf-8"))["evaluation"]
    assert "3 folds by speaker" in evaluation["protocol"]
    assert 0 <= evaluation["accuracy"] <= 1
    assert 0 <= evaluation["accuracy_of_the_shipped"] <= 1
    assert evaluation["by_sex"] == {}
    page = (folder / "mine.html").read_text("utf-8")
    assert "emotiond model mine" in page
    assert "The shipped full recognises" in page
    steps = infer(Classifier(model, find_runtime()), babble(2.2))
    assert any(step.prediction for step in steps)
    shipped, mine = read_shipped(whole_model), read_shipped(folder / "mine.tflite")
    (work,) = (folder / "work").glob("*/encoder.npz")
    for name, array in load_arrays(work).items():
        np.testing.assert_array_equal(array, mine.encoder[name])
    for name, array in shipped.detector.items():
        np.testing.assert_array_equal(array, mine.detector[name])
    assert not np.array_equal(shipped.heads[0]["out/kernel"], mine.heads[0]["out/kernel"])


def test_recordings_without_a_voice_are_refused_before_a_training(folder: Path) -> None:
    for path in folder.glob("*.wav"):
        samples, _ = soundfile.read(path)
        noise = 1e-4 * np.random.default_rng(len(path.name)).standard_normal(samples.size)
        soundfile.write(path, noise + 1e-5 * samples, RATE, "FLOAT")
    with pytest.raises(
        DataError,
        match=r"no voice is heard in 100\.0 % of the clips, and in none of anna, ben, cleo",
    ):
        own.main(options(folder))
    assert not (folder / "mine.tflite").exists()


def test_a_bad_table_is_refused_before_anything_is_written(folder: Path) -> None:
    with (folder / "clips.csv").open("a", encoding="utf-8") as file:
        file.write("\nnone.wav,dora,joy,,\n")
    with pytest.raises(DataError, match="has 1 faults"):
        own.main(options(folder))
    assert not (folder / "work").exists()


@pytest.mark.parametrize(
    ("out", "fault"), [("mine.onnx", "end in .tflite"), ("none/mine.tflite", "there is no folder")]
)
def test_a_wrong_out_is_refused_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], out: str, fault: str
) -> None:
    with pytest.raises(SystemExit):
        own.main([*options(folder), f"--out={folder / out}"])
    assert fault in capsys.readouterr().err
