"""Objects in JSON, one a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emotiond.streamer.results.writer import Level
from tests.support.results import result, writing


def objects(path: Path, whole: dict[str, Any], level: Level) -> list[dict[str, Any]]:
    with writing("json", path / "x.json", level=level) as write:
        write(whole)
    return [json.loads(line) for line in (path / "x.json").read_text("utf-8").splitlines()]


def test_a_file_is_the_result_itself(tmp_path: Path) -> None:
    whole = result(["happy", None])
    assert objects(tmp_path, {**whole, "events": iter(whole["events"])}, "files") == [whole]


def test_a_segment_has_its_span_and_its_file(tmp_path: Path) -> None:
    found = objects(tmp_path, result(["happy", "happy", None]), "segments")
    assert [*found[0]] == [
        *("file", "start", "end", "label", "state", "confidence", "speech_seconds", "scores"),
    ]
    assert [(each["start"], each["end"], each["label"]) for each in found] == [
        (0.0, 0.5, "happy"),
        (0.5, 0.755, None),
    ]


def test_a_channel_is_named(tmp_path: Path) -> None:
    found = objects(tmp_path, result(["happy"], channel=2), "strides")
    assert [each["channel"] for each in found] == [2]


def test_a_name_with_a_line_break_stays_in_its_line(tmp_path: Path) -> None:
    (found,) = objects(tmp_path, result(["happy"], file="a\nb.wav"), "segments")
    assert found["file"] == "a\nb.wav"
