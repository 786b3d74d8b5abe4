"""How far a run is."""

from __future__ import annotations

import io
import sys

import pytest

from emotiond.streamer.batch import progress as module
from emotiond.streamer.batch.progress import Progress


def halfway() -> Progress:
    progress = Progress(1200, is_shown=True)
    for number in range(600):
        progress.add_file(is_new=number >= 300)
    progress.add_sound(2 * 3600.0)
    return progress


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(30.0, "about 1 min"), (6.0, "about 12 s"), (7200.0, "about 4 h 0 min"), (1e6, "23 days")],
)
def test_the_line_tells_files_hours_speed_and_time_left(seconds: float, left: str) -> None:
    line = halfway().line(seconds)
    assert line.startswith("600 of 1,200 recordings, 2.0 hours of sound, ")
    assert f" {7200 / seconds:,.0f} times real time, " in line
    assert line.endswith(f"{left} left")


def test_without_a_new_result_nobody_knows_the_time_left() -> None:
    """Those that were kept come at once."""
    progress = Progress(10, is_shown=True)
    progress.add_file(is_new=False)
    assert "left" not in progress.line(1.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_there_is_one_line_that_gives_way_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LIVE_SECONDS", 0.01)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with halfway() as progress:
        while "recordings" not in terminal.getvalue():
            pass
        progress.say("emotiond: x.wav: it is damaged")
    shown = terminal.getvalue()
    assert "\r\x1b[Kemotiond: x.wav: it is damaged\n" in shown
    assert shown.endswith("\r\x1b[K")  # nothing of it stays
    assert shown.count("\n") == 1


def test_elsewhere_there_are_whole_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_PLAIN_SECONDS", 0.01)
    err = ""
    with halfway():
        while "\n" not in err:
            err += capsys.readouterr().err
    assert err.startswith("emotiond: 600 of 1,200 recordings")
    assert "\x1b" not in err


def test_where_results_show_it_themselves_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress(10, is_shown=False) as progress:
        progress.add_file(is_new=True)
    assert terminal.getvalue() == ""
