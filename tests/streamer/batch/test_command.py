"""``analyze`` on folders, as it is typed: killed, interrupted, resumed."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from emotiond.streamer.cli import main
from tests.conftest import DATA
from tests.support.daemon import COMMAND, PATIENCE_SECONDS, emotiond
from tests.support.films import Track, beep, film
from tests.support.signals import RATE, demo

TINY = str(DATA / "tiny.tflite")
CLIPS = 24
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of several formats in folders; one is damaged, one has another's content."""
    folder = tmp_path_factory.mktemp("study")
    for number in range(CLIPS):
        place = folder / f"speaker {number % 3}"
        place.mkdir(exist_ok=True)
        samples = demo()[number * RATE : (number + 4) * RATE]
        soundfile.write(place / f"{number:02}.{('wav', 'flac')[number % 2]}", samples, RATE)
    (folder / "damaged.wav").write_text("no sound")
    (folder / "again.wav").symlink_to(folder / "speaker 0/00.wav")
    (folder / "notes.txt").touch()
    (folder / "film.mp4").write_bytes(film("mp4", Track("aac", 48_000, beep(48_000, 2.0))))
    return folder


@pytest.fixture
def pipes(tmp_path: Path) -> list[str]:
    """Nobody writes into them: a process that comes to one waits there."""
    paths = [tmp_path / name for name in ("pipe", "other pipe")]
    for path in paths:
        os.mkfifo(path)
    return [str(path) for path in paths]


def arguments(output: Path, *named: str) -> list[str]:
    return ["analyze", *named, "--model", TINY, "--format", "csv", "--output", str(output)]


def speakers(study: Path, *numbers: int) -> list[str]:
    return [str(study / f"speaker {number}") for number in numbers]


@contextlib.contextmanager
def stopped_at(pipes: Sequence[str], output: Path, *named: str) -> Iterator[subprocess.Popen[str]]:
    """A run with a process for each pipe, that has done all before them, and waits there."""
    command = [*COMMAND, *arguments(output, *named), "--jobs", str(len(pipes))]
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        stack.callback(running.kill)
        for pipe in pipes:
            stack.callback(os.close, await_reader(pipe))
        yield running


def await_reader(pipe: str) -> int:
    """Return the end for writing, as soon as there is a reader."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise TimeoutError(pipe)


def rows(path: Path) -> Sequence[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def query(output: Path, text: str) -> list[Any]:
    path = output.with_name(f"{output.name}.sqlite")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(text).fetchall()


def files_of(*folders: str) -> list[str]:
    return [str(path) for folder in folders for path in sorted(Path(folder).iterdir())]


@posix
def test_a_run_that_is_killed_twice_comes_to_its_end(
    study: Path, pipes: list[str], tmp_path: Path
) -> None:
    """No file is lost, none comes twice, none is analyzed again: kept results are marked."""
    output = tmp_path / "out.csv"
    mark = (
        "UPDATE results SET result = json_set(result, '$.confidence', {}) "
        "WHERE result NOT LIKE '%0.11111%'"
    )
    with stopped_at(pipes, output, *speakers(study, 0), *pipes, *speakers(study, 1)) as running:
        running.kill()
    assert not output.exists()
    query(output, mark.format(0.11111))
    named = [*speakers(study, 0, 1), *pipes, *speakers(study, 2)]
    with stopped_at(pipes, output, *named, "--resume") as running:
        running.kill()
    assert not output.exists()
    query(output, mark.format(0.22222))
    ended = emotiond(*arguments(output, *speakers(study, 0, 1, 2), "--resume"))
    assert (ended.returncode, ended.stderr) == (0, "")
    found = rows(output)
    assert [row["file"] for row in found] == files_of(*speakers(study, 0, 1, 2))
    sure = [row["confidence"] for row in found]
    assert sure[: 2 * CLIPS // 3] == ["0.11111"] * (CLIPS // 3) + ["0.22222"] * (CLIPS // 3)
    assert not {"0.11111", "0.22222"} & {*sure[2 * CLIPS // 3 :]}


@posix
@pytest.mark.usefixtures("hang_ups")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_with_a_line_that_says_how_to_go_on(
    name: str, study: Path, pipes: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    with stopped_at(pipes, output, *speakers(study, 0), *pipes) as running:
        children = psutil.Process(running.pid).children(recursive=True)
        number = getattr(signal, name)
        running.send_signal(number)
        assert running.wait(PATIENCE_SECONDS) == 128 + number
        assert running.stderr is not None
        line = f"emotiond: ended early. {CLIPS // 3} of {CLIPS // 3 + 2} recordings are done: go on"
        assert running.stderr.read() == f"{line} with --resume.\n"
    assert len(children) >= 2
    assert psutil.wait_procs(children, timeout=PATIENCE_SECONDS)[1] == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["out.csv.sqlite"]
    assert query(output, "SELECT count(*) FROM results") == [(CLIPS // 3,)]
    assert main(arguments(output, *speakers(study, 0))) == 1  # it is not begun anew by mistake


def test_a_folder_of_several_formats_becomes_a_table_with_its_errors(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.csv"
    assert main(arguments(output, str(study), "--jobs", "2")) == 1
    found = {row["file"]: row for row in rows(output)}
    names = [study / "again.wav", study / "film.mp4"]
    assert [*found] == [*map(str, names), *files_of(*speakers(study, 0, 1, 2))]
    same, first = found[str(study / "again.wav")], found[files_of(*speakers(study, 0))[0]]
    assert {**same, "file": ""} == {**first, "file": ""}
    assert query(output, "SELECT count(*) FROM results") == [(CLIPS + 1,)]  # one content is twice
    assert {file for (file,) in query(output, "SELECT file FROM files")} == set(found)
    (error,) = rows(output.with_name("out.csv.errors.csv"))
    assert (error["file"], error["start"]) == (str(study / "damaged.wav"), "")
    assert query(output, "SELECT file, problem FROM errors") == [(error["file"], error["problem"])]
    out, err = capsys.readouterr()
    assert out == ""
    passed, damaged, last = err.splitlines()
    assert passed == "emotiond: 1 file without a name of a sound format passed over."
    assert damaged == f"emotiond: {error['problem']}. {error['remedy']}."
    failed = f"1 of {CLIPS + 3} recordings could not be analyzed: see {output}.errors.csv."
    assert last == f"emotiond: {failed}"


def test_an_error_that_was_mended_leaves_no_table_of_errors(tmp_path: Path) -> None:
    output, folder = tmp_path / "out.csv", tmp_path / "in"
    folder.mkdir()
    samples = demo()[: 2 * RATE]
    soundfile.write(folder / "a.wav", samples, RATE)
    (folder / "b.wav").touch()
    assert main(arguments(output, str(folder))) == 1
    soundfile.write(folder / "b.wav", samples[::2], RATE // 2)
    assert main(arguments(output, str(folder), "--resume")) == 0
    assert [row["file"] for row in rows(output)] == files_of(str(folder))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.csv", "out.csv.sqlite"]


def test_another_format_takes_what_an_earlier_run_has_analyzed(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is analyzed again, the earlier database stays, and the new one stands alone."""
    earlier, table = tmp_path / "out.csv", tmp_path / "segments.csv"
    named = speakers(study, 0)
    assert main(arguments(earlier, *named)) == 0
    database = Path(f"{earlier}.sqlite")
    query(
        earlier,
        "UPDATE results SET result = "
        "json_set(result, '$.label', 'disgust', '$.confidence', 0.4321)",
    )
    before = query(earlier, "SELECT * FROM results"), query(earlier, "SELECT * FROM settings")
    again = [*arguments(table, *speakers(study, 0, 1)), "--reuse", str(database)]
    assert main(again) == 0
    after = query(earlier, "SELECT * FROM results"), query(earlier, "SELECT * FROM settings")
    assert after == before
    sure = [row["confidence"] for row in rows(table)]
    assert sure[: CLIPS // 3] == ["0.4321"] * (CLIPS // 3)
    assert "0.4321" not in sure[CLIPS // 3 :]
    assert query(table, "SELECT count(*) FROM results") == [(2 * CLIPS // 3,)]
    capsys.readouterr()
    assert main(["analyze", *named, "--model", TINY, "--reuse", str(database)]) == 0
    assert capsys.readouterr().out.count(": disgust") == CLIPS // 3


@pytest.fixture(scope="module")
def earlier(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run, and a link to its database."""
    output = tmp_path_factory.mktemp("earlier") / "out.csv"
    assert main(arguments(output, files_of(*speakers(study, 0))[0])) == 0
    output.with_name("link.sqlite").symlink_to("out.csv.sqlite")
    return output


@pytest.mark.parametrize(
    ("reused", "flags", "told"),
    [
        ("out.csv.sqlite", ["--overwrite"], "belongs to this output. Go on with it by --resume"),
        ("none.sqlite", [], "is not there. Name the .sqlite file beside another output"),
        ("out.csv", [], "is no database. Name the .sqlite file beside another output"),
        (
            "out.csv.sqlite",
            ["--channels", "separate"],
            "another choice of channels (mixed, not",
        ),
        ("link.sqlite", [], "is a link"),
    ],
)
def test_what_cannot_be_reused_is_refused_with_the_remedy(
    study: Path,
    earlier: Path,
    capsys: pytest.CaptureFixture[str],
    reused: str,
    flags: list[str],
    told: str,
) -> None:
    output = earlier if "--overwrite" in flags else earlier.with_name("new.csv")
    again = arguments(output, files_of(*speakers(study, 0))[0], *flags)
    assert main([*again, "--reuse", str(earlier.with_name(reused))]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not earlier.with_name("new.csv").exists()


def test_each_channel_has_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = np.stack([demo()[: 3 * RATE], demo()[9 * RATE : 12 * RATE]], axis=1)
    soundfile.write(tmp_path / "both.wav", both, RATE)
    options = ["--model", TINY, "--channels", "separate", "--format"]
    assert main(["analyze", str(tmp_path / "both.wav"), *options, "csv"]) == 0
    assert [row["channel"] for row in csv.DictReader(capsys.readouterr().out.splitlines())] == [
        "1",
        "2",
    ]
    assert main(["analyze", str(tmp_path / "both.wav"), *options, "json"]) == 0
    assert [json.loads(line)["channel"] for line in capsys.readouterr().out.splitlines()] == [1, 2]


def test_a_table_of_segments_gives_a_row_for_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "x.wav", demo()[: 5 * RATE], RATE)
    (tmp_path / "t.csv").write_text("file,start,end\nx.wav,0,2\nx.wav,2,9\nx.wav,7,\n")
    assert main(["analyze", f"@{tmp_path / 't.csv'}", "--model", TINY, "--format", "json"]) == 1
    out, err = capsys.readouterr()
    found = [json.loads(line) for line in out.splitlines()]
    assert [(each["start"], each["end"]) for each in found] == [(0.0, 2.0), (2.0, 5.0)]
    assert err.count("\n") == 1
    assert "the segment begins at 7 s, and the file ends at 5 s" in err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--resume"], "--resume goes on with an output. Name it with --output PATH."),
        (["--output", "/dev/null", "--resume"], "--resume goes on with an output"),
    ],
)
def test_resume_needs_an_output_that_stays(
    more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", "x.wav", "--model", TINY, *more]) == 1
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("number", ["0", "-1", "all"])
def test_jobs_are_a_number(number: str) -> None:
    ended = emotiond("analyze", "x.wav", "--jobs", number)
    assert ended.returncode == 2
    assert f"argument --jobs: '{number}' is no whole number from 1 on" in ended.stderr
