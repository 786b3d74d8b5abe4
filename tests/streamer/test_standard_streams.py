"""Standard streams that are closed, full or gone harm neither the output nor any file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emotiond.streamer import cli
from emotiond.streamer.cli import main
from emotiond.streamer.commands.models import MODELS
from emotiond.streamer.standard_streams import say
from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, emotiond

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes descriptors")

_SHOW_STREAMS = """
import os
from emotiond.streamer.standard_streams import fill_closed
fill_closed()
places = [os.readlink(f"/dev/fd/{number}") for number in range(3)]
print(places, file=open(os.environ["SHOWN"], "w"))
for try_it in (lambda: os.read(0, 1), lambda: os.write(1, b"x")):
    try:
        try_it()
    except OSError as error:
        print(error.strerror, file=open(os.environ["SHOWN"], "a"))
"""
PLAY = ("--source", str(DEMO), "--once", "--speed", "max", "--port", "0", "--zmq", "off")


def closed(which: str, *command: str) -> list[str]:
    """The command, with some of its streams closed."""
    return ["/bin/sh", "-c", f'exec "$@" {which}', "sh", *command]


@pytest.mark.skipif(sys.platform != "linux", reason="needs the names behind descriptors")
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    command = closed("0<&- 1>&- 2>&-", sys.executable, "-c", _SHOW_STREAMS)
    subprocess.run(command, env={**os.environ, "SHOWN": str(shown)}, check=True)
    assert shown.read_text().splitlines() == [
        str(["/dev/null"] * 3),
        "Bad file descriptor",
        "Bad file descriptor",
    ]


def test_with_all_streams_closed_a_file_is_analyzed() -> None:
    tiny = str(DATA / "tiny.tflite")
    command = closed("0<&- 1>&- 2>&-", *COMMAND, "analyze", str(DEMO), "--model", tiny)
    assert subprocess.run(command, check=False).returncode == 0


def test_without_standard_error_standard_output_has_nothing_but_events() -> None:
    ended = emotiond(*PLAY, "--json", "--model", str(DATA / "tiny.tflite"),
                     command=closed("2>&-", *COMMAND))  # fmt: skip
    assert ended.returncode == 0
    assert {json.loads(line)["stream"] for line in ended.stdout.splitlines()} == {"demo"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_log_that_cannot_be_written_does_not_end_the_daemon(tmp_path: Path) -> None:
    record = tmp_path / "a.wav"
    command = closed("2>/dev/full", *COMMAND)
    options = ("--record", str(record), "--model", str(DATA / "tiny.tflite"))
    ended = emotiond(*PLAY, *options, command=command)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert record.stat().st_size > 100_000


def test_a_line_that_cannot_be_printed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", gone)
        say("text")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # it is flushed when it is closed


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
def test_digits_of_any_alphabet_are_no_size_of_a_terminal(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "²")
    assert main(["models"]) == 0
    assert "full" in capsys.readouterr().out


def test_too_little_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_options: object) -> int:
        raise MemoryError

    monkeypatch.setattr(cli, "COMMANDS", (replace(MODELS, run=fail),))
    assert main(["models"]) == 1
    line = "emotiond: this machine has no memory left. End other programs.\n"
    assert capsys.readouterr().err == line
