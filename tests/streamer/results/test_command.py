"""``analyze`` with ``--format``, ``--level`` and ``--output``, as it is typed."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest
import soundfile

from emotiond.streamer.cli import main
from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, emotiond
from tests.support.signals import RATE, demo

TINY = str(DATA / "tiny.tflite")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of the same name in two folders, and a file that is no sound."""
    folder = tmp_path_factory.mktemp("study")
    for name, first in (("anna", 0), ("ben", 5)):
        (folder / name).mkdir()
        samples = demo()[first * RATE : (first + 4) * RATE]
        soundfile.write(folder / name / "talk.wav", samples, RATE)
    (folder / "notes.wav").write_text("no sound")
    return folder


def recordings(study: Path) -> list[str]:
    return [str(study / name / "talk.wav") for name in ("anna", "ben")]


def test_a_table_is_made_of_all_that_can_be_read(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "results" / "segments.csv"
    files = [*recordings(study), str(study / "notes.wav")]
    arguments = ("analyze", *files, "--model", TINY, "--format", "csv", "--level", "segments")
    ended = emotiond(*arguments, "--output", str(path))
    assert (ended.returncode, ended.stdout) == (1, "")
    first, last = ended.stderr.splitlines()
    assert "notes.wav" in first
    assert last.endswith(f"1 of 3 recordings could not be analyzed: see {path}.errors.csv.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert list(dict.fromkeys(row["file"] for row in rows)) == recordings(study)
    assert [row["end"] for row in rows if row["end"] == "4.0"] == ["4.0", "4.0"]


def test_recordings_of_one_name_have_a_file_each(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["analyze", *recordings(study), "--model", TINY, "--format", "audacity"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt"))
    assert found == ["anna/talk.txt", "ben/talk.txt"]
    assert main([*arguments, "--output", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "anna/talk.txt is there already. Add --overwrite to replace it" in err
    assert main([*arguments, "--output", str(tmp_path), "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--format", "elan", "--level", "files"), "has no level 'files'. Use --level segments"),
        (("--format", "webvtt"), "2 recordings make 2 files of this format. Name a folder"),
        (("--format", "csv", "--output", "/proc/x.csv"), "cannot write /proc/x.csv"),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    study: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    assert main(["analyze", *recordings(study), "--model", TINY, *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert problem in err


@pytest.mark.parametrize("format_name", ["csv", "audacity"])
def test_a_reader_that_leaves_early_is_no_error(format_name: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "analyze", str(DEMO), "--model", TINY, "--format", format_name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as analyzing:
        assert analyzing.stdout is not None
        assert analyzing.stderr is not None
        analyzing.stdout.close()
        assert analyzing.stderr.read() == ""
    assert analyzing.returncode == 0


def test_a_dash_is_standard_output(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = recordings(study)[0]
    assert main(["analyze", file, "--model", TINY, "--format", "csv", "--output", "-"]) == 0
    assert capsys.readouterr().out.startswith("file,duration,")


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_a_recording_behind_the_place_of_the_errors_is_refused_before_the_work(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    recording = study / "anna" / "talk.wav"
    before = recording.read_bytes()
    (tmp_path / "x.csv.errors.csv").symlink_to(recording)
    output = ("--format", "csv", "--output", str(tmp_path / "x.csv"))
    assert main(["analyze", str(study), "--model", TINY, *output, *more]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "x.csv.errors.csv is a link, and the table of errors goes there. Move it away" in err
    assert recording.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv.errors.csv"]
