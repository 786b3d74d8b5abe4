"""From a table of recordings to a model that the daemon loads, with its card and its report."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install .[train]")
pytest.importorskip("ai_edge_litert", reason="training needs ai-edge-litert")
pytest.importorskip("scipy", reason="training varies sounds with scipy: pip install .[train]")

from emotiond.exceptions import DataError
from emotiond.inference.model import read_model
from emotiond.models.training import own
from emotiond.models.training.common.files import load_arrays
from emotiond.models.training.data import examples
from emotiond.models.training.evaluation import tuning
from emotiond.models.training.evaluation.cross_validation import Extent
from emotiond.models.training.networks.shipped import read_shipped
from tests.models.sounds import RATE, babble
from tests.support.code_blocks import code_blocks
from tests.support.daemon import COMMAND

TABLE, TRAINING, USE = (block.text for block in code_blocks() if block.page == "docs/own-data.md")
"""The commands of the tutorial."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tutorial: clips with names as in CREMA-D, and the two tables."""
    (tmp_path / "AudioWAV").mkdir()
    for speaker in (1001, 1002, 1003, 1012):
        for n in range(4):
            path = tmp_path / "AudioWAV" / f"{speaker}_DF{n}_{('HAP', 'SAD')[n % 2]}_XX.wav"
            soundfile.write(path, babble(2.4, seed=10 * speaker + n), RATE, "FLOAT")
    subprocess.run(["sh", "-ec", TABLE], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options() -> list[str]:
    """Those of the tutorial, for a short training."""
    python, _, module, *given = shlex.split(TRAINING.replace("\\\n", ""))
    assert (python, module) == ("python", "emotiond.models.training.own")
    return [*given, "--scale", "0.005"]


def test_the_tutorial_leads_to_a_model_that_the_daemon_loads(
    folder: Path,
    whole_model: Path,
    untraced: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(own, "_EXTENT", Extent(1, 1, 1, 4, held_seconds=2.0))
    monkeypatch.setattr(tuning, "_DRAWS", 3)
    monkeypatch.setattr(tuning, "_ROUNDS", 0)
    monkeypatch.setattr(examples, "_COPIES", {"own": 3})
    own.main([*options(), f"--start={whole_model}"])
    said = capsys.readouterr().out
    assert "12 clips of 3 speakers, 0.5 minutes: happy 6, sad 6" in said
    assert "Right clips, mean over the labels: " in said
    model = read_model(folder / "mine.tflite")
    assert model.card.name == "mine"
    assert model.card.licence.weights.startswith("CC BY-NC-SA 4.0")
    assert model.card.licence.weights.endswith("the recordings: ODbL 1.0, contents DbCL 1.0")
    assert model.card.training_data[0].startswith("Own recordings: 12 clips of 3 speakers")
    assert any("RAVDESS" in text for text in model.card.training_data[1:])
    assert "never to say neutral, calm, angry" in model.card.known_weaknesses[0]
    evaluation = json.loads((folder / "mine.json").read_text("utf-8"))["evaluation"]
    assert "3 folds by speaker" in evaluation["protocol"]
    assert 0 <= evaluation["accuracy"] <= 1
    assert 0 <= evaluation["shipped"]["accuracy"] <= 1
    assert evaluation["by_sex"] == {}
    page = (folder / "mine.html").read_text("utf-8")
    assert "emotiond model mine" in page
    assert "Right clips, mean over the labels: " in page
    used = USE.replace("emotiond", shlex.join(COMMAND), 1)
    ended = subprocess.run(["sh", "-ec", used], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("AudioWAV/1012_") == 4
    shipped, mine = read_shipped(whole_model), read_shipped(folder / "mine.tflite")
    (work,) = (folder / "work").glob("*/encoder.npz")
    for name, array in load_arrays(work).items():
        np.testing.assert_array_equal(array, mine.encoder[name])
    for name, array in shipped.detector.items():
        np.testing.assert_array_equal(array, mine.detector[name])
    assert not np.array_equal(shipped.heads[0]["out/kernel"], mine.heads[0]["out/kernel"])


def test_recordings_without_a_voice_are_refused_before_a_training(folder: Path) -> None:
    for path in folder.glob("AudioWAV/*.wav"):
        samples, _ = soundfile.read(path)
        noise = 1e-4 * np.random.default_rng([*path.name.encode()]).standard_normal(samples.size)
        soundfile.write(path, noise + 1e-5 * samples, RATE, "FLOAT")
    with pytest.raises(
        DataError,
        match=r"no voice is heard in 100\.0 % of the clips, and in none of 1001, 1002, 1003",
    ):
        own.main(options())
    assert not (folder / "mine.tflite").exists()


def test_a_bad_table_is_refused_before_anything_is_written(folder: Path) -> None:
    with (folder / "clips.csv").open("a", encoding="utf-8") as file:
        file.write("none.wav,dora,ANG\n")
    with pytest.raises(DataError, match="has 1 faults"):
        own.main(options())
    assert not (folder / "work").exists()


@pytest.mark.parametrize(
    ("out", "fault"), [("mine.onnx", "end in .tflite"), ("none/mine.tflite", "there is no folder")]
)
def test_a_wrong_out_is_refused_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], out: str, fault: str
) -> None:
    with pytest.raises(SystemExit):
        own.main([*options(), f"--out={folder / out}"])
    assert fault in capsys.readouterr().err
