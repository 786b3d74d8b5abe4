"""Label tracks for Audacity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.results import result, scored, writing


def track(folder: Path, *items: dict[str, Any]) -> list[str]:
    with writing("audacity", folder, ["x.wav"] * len(items)) as write:
        for item in items:
            write(item)
    return (folder / "x.txt").read_text("utf-8").splitlines()


def test_a_line_is_start_end_and_label(tmp_path: Path) -> None:
    assert track(tmp_path, result([None, "happy", "happy", "?", "sad"])) == [
        "0.250000\t0.750000\thappy",
        "1.000000\t1.255000\tsad",
    ]


def test_channels_are_named_and_sorted_by_time(tmp_path: Path) -> None:
    one, two = result(["?", "sad"], channel=1), result(["happy"], channel=2)
    assert track(tmp_path, one, two) == [
        "0.000000\t0.255000\thappy (channel 2)",
        "0.250000\t0.505000\tsad (channel 1)",
    ]


def test_no_label_breaks_a_line(tmp_path: Path) -> None:
    whole = result(["happy"])
    scores = {**scored(None), "so\tso\nla": 0.5}
    whole["events"][0].update(label="so\tso\nla", scores=scores)
    assert track(tmp_path, whole) == ["0.000000\t0.255000\tso so la"]


def test_a_recording_without_speech_has_no_lines(tmp_path: Path) -> None:
    assert track(tmp_path, result([None])) == []
