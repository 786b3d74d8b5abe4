"""WebVTT, read by webvtt-py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.results import result, scored, writing

webvtt = pytest.importorskip("webvtt")


def cues(folder: Path, *items: dict[str, Any]) -> list[tuple[str, str, str]]:
    with writing("webvtt", folder, ["x.wav"] * len(items)) as write:
        for item in items:
            write(item)
    read = webvtt.read(str(folder / "x.vtt"))
    return [(cue.start, cue.end, cue.raw_text) for cue in read]


def test_a_cue_is_a_label_with_its_confidence(tmp_path: Path) -> None:
    assert cues(tmp_path, result([None, "happy", "?", "sad"])) == [
        ("00:00:00.250", "00:00:00.500", "happy 65%"),
        ("00:00:00.750", "00:00:01.005", "sad 65%"),
    ]


def test_hours_count(tmp_path: Path) -> None:
    item = {**result(["sad"], start=36_000.0), "start": 36_000.0}
    assert cues(tmp_path, item)[0][:2] == ("10:00:00.000", "10:00:00.255")


def test_channels_are_voices_and_cues_are_sorted(tmp_path: Path) -> None:
    one, two = result(["?", "sad"], channel=1), result(["happy"], channel=2)
    assert [text for *_, text in cues(tmp_path, one, two)] == [
        "<v channel 2>happy 65%",
        "<v channel 1>sad 65%",
    ]


def test_no_label_is_taken_for_markup(tmp_path: Path) -> None:
    whole = result(["happy", "sad"])
    label = "<b>a & b\n\n00:00 --> 00:01"
    whole["events"][0].update(label=label, scores={**scored(None), label: 0.5})
    first, second = cues(tmp_path, whole)
    assert first[2] == "&lt;b&gt;a &amp; b 00:00 --&gt; 00:01 50%"
    assert second[2] == "sad 65%"


def test_a_recording_without_speech_has_no_cues(tmp_path: Path) -> None:
    assert cues(tmp_path, result([None])) == []
    assert (tmp_path / "x.vtt").read_text("utf-8") == "WEBVTT\n"
