"""``emotiond report``: from files to one page, or one line with the remedy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from emotiond.streamer.cli import main
from tests.support.report import emotion, result, spoken, write_lines

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "results.jsonl", result("a.wav", spoken("happy", "sad")))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "report.html"


def failed(capsys: Captured, *arguments: Any) -> str:
    """Run the command; returns the one line that it prints."""
    assert main(["report", *map(str, arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def test_it_writes_one_file_and_says_what_it_holds(
    results: Path, output: Path, capsys: Captured
) -> None:
    assert main(["report", str(results), "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}: 0.2 MB, 16 events of 1 recording\n"
    assert output.read_text("utf-8").startswith("<!doctype html>")
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, results.name]


def test_results_and_sessions_share_a_page(
    results: Path, output: Path, tmp_path: Path, capsys: Captured
) -> None:
    session = write_lines(tmp_path / "mic.jsonl", emotion(0), emotion(1))
    assert main(["report", str(results), str(session), "--output", str(output)]) == 0
    assert "18 events of 2 recordings" in capsys.readouterr().out


def test_a_session_that_was_cut_off_is_shown_up_to_there(
    output: Path, tmp_path: Path, capsys: Captured
) -> None:
    session = write_lines(tmp_path / "mic.jsonl", emotion(0))
    session.write_text(session.read_text() + '{"type":')
    assert main(["report", str(session), "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.err == f"emotiond: {session}: its last line is cut off: what it held is missing\n"
    assert "1 events" in said.out


def test_a_page_that_is_there_stays_unless_it_may_be_replaced(
    results: Path, output: Path, capsys: Captured
) -> None:
    output.write_text("mine")
    line = failed(capsys, results, "--output", output)
    assert line == (
        f"emotiond: {output} is there already. "
        "Add --overwrite to replace it, or name another --output."
    )
    assert output.read_text() == "mine"
    assert main(["report", str(results), "--output", str(output), "--overwrite"]) == 0
    assert output.read_text("utf-8").startswith("<!doctype html>")


def test_what_it_is_made_of_is_never_replaced(results: Path, capsys: Captured) -> None:
    before = results.read_bytes()
    line = failed(capsys, results, "--output", results, "--overwrite")
    assert "is what the report is made of" in line
    assert results.read_bytes() == before


@pytest.mark.parametrize("name", ["mic.wav", "mic.sqlite", "mic.jsonl.sqlite"])
def test_neither_is_what_belongs_to_it(tmp_path: Path, capsys: Captured, name: str) -> None:
    session = write_lines(tmp_path / "mic.jsonl", emotion(0))
    (tmp_path / name).write_bytes(b"a recording")
    line = failed(capsys, session, "--output", tmp_path / name, "--overwrite")
    assert f"{name} is what the report is made of. Name another --output" in line
    assert (tmp_path / name).read_bytes() == b"a recording"


def test_a_recording_is_never_replaced(tmp_path: Path, capsys: Captured) -> None:
    recording = tmp_path / "a.wav"
    recording.write_bytes(b"a recording")
    results = write_lines(tmp_path / "out.jsonl", result(str(recording), spoken("happy")))
    line = failed(capsys, results, "--output", recording, "--overwrite")
    assert "a.wav is a recording. Name another --output" in line
    assert recording.read_bytes() == b"a recording"


def test_a_folder_is_no_page(results: Path, tmp_path: Path, capsys: Captured) -> None:
    assert "is a folder. Name a file in it" in failed(capsys, results, "--output", tmp_path)


def test_a_place_that_cannot_be_written_is_named(results: Path, capsys: Captured) -> None:
    line = failed(capsys, results, "--output", results / "report.html")
    assert f"cannot write {results / 'report.html'} (Not a directory)" in line


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file system that can be full")
def test_a_full_disk_leaves_nothing_behind(
    results: Path, output: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "(No space left on device). Free" in failed(capsys, results, "--output", output)
    assert [path.name for path in output.parent.iterdir()] == [results.name]


def test_without_any_event_there_is_nothing_to_show(
    output: Path, tmp_path: Path, capsys: Captured
) -> None:
    empty = write_lines(tmp_path / "results.jsonl", result("a.wav", []))
    assert "no event is in what was given. Name" in failed(capsys, empty, "--output", output)
    assert not output.exists()


def test_a_page_with_voices_is_for_its_owner_alone(output: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mic.wav", [0.0] * 16_000, 16_000)
    lines = [result(str(tmp_path / "mic.wav"), spoken("happy"))]
    results = write_lines(tmp_path / "results.jsonl", *lines)
    assert main(["report", str(results), "--output", str(output), "--sound"]) == 0
    assert output.stat().st_mode & 0o777 == 0o600


def test_sound_that_is_gone_is_named_before_anything_is_written(
    results: Path, output: Path, capsys: Captured
) -> None:
    line = failed(capsys, results, "--output", output, "--sound")
    assert "a.wav" in line
    assert line.endswith("or leave --sound out.")
    assert not output.exists()


def test_a_name_with_controls_is_escaped(tmp_path: Path, output: Path, capsys: Captured) -> None:
    assert "\\x1b[2J" in failed(capsys, tmp_path / "a\x1b[2J", "--output", output)
