"""Progress reports pass all items on and show the remaining time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.models.training.common.progress import minutes, progress


@given(st.lists(st.integers(), max_size=20))
def test_all_items_come_in_order(items: list[int]) -> None:
    assert list(progress(items, "numbers")) == items


def test_the_last_line_says_that_all_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    list(progress(range(3), "windows"))
    assert capsys.readouterr().err == f"windows {'█' * 20} 3/3, 0:00 left\n"


def test_a_file_gets_no_line_for_each_item(capsys: pytest.CaptureFixture[str]) -> None:
    list(progress(range(1000), "windows"))
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert "\r" not in written


def test_a_terminal_gets_one_line_that_is_overwritten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    list(progress("abcd", "clips"))
    written = capsys.readouterr().err
    assert re.findall(r"(\d)/4, (\d:\d\d) left", written) == [
        ("1", "0:03"),
        ("2", "0:02"),
        ("3", "0:01"),
        ("4", "0:00"),
    ]
    assert written.count("\r\x1b[K") == 4
    assert written.count("\n") == 1


def test_nothing_to_do_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress([], "windows")) == []
    assert capsys.readouterr().err == ""


@given(st.floats(0, 1e6))
def test_minutes_have_two_digits_of_seconds(seconds: float) -> None:
    whole, rest = re.fullmatch(r"(\d+):([0-5]\d)", minutes(seconds)).groups()  # type: ignore[union-attr]
    assert 60 * int(whole) + int(rest) == int(seconds)
