"""Sentences for people; those of files are in test_cli.py."""

from __future__ import annotations

from pathlib import Path

from tests.support.results import result, writing


def test_a_segment_says_when_and_what(tmp_path: Path) -> None:
    with writing("text", tmp_path / "x.txt", level="segments") as write:
        write(result(["happy", "happy", None, "?"], file="a\nb.wav", channel=2))
    assert (tmp_path / "x.txt").read_text("utf-8").splitlines() == [
        "a\\nb.wav (channel 2): 0.00 to 0.50 s: happy 65%",
        "a\\nb.wav (channel 2): 0.50 to 0.75 s: silence",
        "a\\nb.wav (channel 2): 0.75 to 1.00 s: uncertain",
    ]
