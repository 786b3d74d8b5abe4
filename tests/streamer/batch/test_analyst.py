"""What an item gives: a file, a segment of it, a channel of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond import analyze
from emotiond.exceptions import SourceError
from emotiond.streamer.batch.analyst import Analyst
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.settings import Settings
from tests.conftest import DATA
from tests.support.signals import RATE, demo

TINY = str(DATA / "tiny.tflite")


@pytest.fixture(scope="module")
def mixed() -> Iterator[Analyst]:
    with Analyst(Settings(TINY, None, 4000)) as analyst:
        yield analyst


@pytest.fixture(scope="module")
def separate() -> Iterator[Analyst]:
    with Analyst(Settings(TINY, None, 4000, channels="separate")) as analyst:
        yield analyst


def result(analyst: Analyst, item: Item) -> dict[str, Any]:
    (finding,) = analyst.analyze(item)
    found = finding.result(item.file)
    return {**found, "events": list(found["events"])}


def without_times(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what differs from run to run."""
    return [{k: v for k, v in event.items() if k not in ("time", "age_ms")} for event in events]


def sound(tmp_path: Path, samples: Any, name: str = "x.wav") -> str:
    soundfile.write(tmp_path / name, samples, RATE, "FLOAT")
    return str(tmp_path / name)


def test_a_file_gives_what_python_gives(mixed: Analyst, tmp_path: Path) -> None:
    path = sound(tmp_path, demo()[: 4 * RATE])
    found, expected = result(mixed, Item(path)), analyze(path, model=TINY).to_json()
    assert [*found] == [*expected]
    assert without_times(found.pop("events")) == without_times(expected.pop("events"))
    assert found == expected


def test_a_segment_is_judged_as_a_file_of_its_own_and_has_the_times_of_the_whole(
    mixed: Analyst, tmp_path: Path
) -> None:
    samples = demo()[: 9 * RATE]
    whole = sound(tmp_path, samples)
    alone = sound(tmp_path, samples[3 * RATE : 7 * RATE], "alone.wav")
    segment, expected = result(mixed, Item(whole, 3.0, 7.0)), result(mixed, Item(alone))
    assert (segment["start"], segment["end"], segment["duration"]) == (3.0, 7.0, 4.0)
    for name in ("label", "confidence", "scores", "shares", "speech_seconds"):
        assert segment[name] == expected[name], name
    for found, wanted in zip(segment["events"], expected["events"], strict=True):
        for name in ("start", "end", "at"):
            if name in wanted:
                assert found[name] == pytest.approx(wanted[name] + 3.0)
        assert found.get("raw") == wanted.get("raw")


def test_a_segment_may_end_with_the_file(mixed: Analyst, tmp_path: Path) -> None:
    path = sound(tmp_path, demo()[: 3 * RATE])
    for end in (None, 99.0):
        found = result(mixed, Item(path, 1.0, end))
        assert (found["start"], found["end"]) == (1.0, 3.0)


def test_a_segment_behind_the_end_is_refused(mixed: Analyst, tmp_path: Path) -> None:
    path = sound(tmp_path, demo()[:RATE])
    with pytest.raises(SourceError, match="begins at 5 s, and the file ends at 1 s"):
        mixed.analyze(Item(path, 5.0, 6.0))


def test_what_follows_a_segment_is_read_from_its_own_start(mixed: Analyst, tmp_path: Path) -> None:
    """One decoder serves one item after the other."""
    path = sound(tmp_path, demo()[: 5 * RATE])
    assert [result(mixed, Item(path, *part))["duration"] for part in ((1, 2), (0, 3), ())] == [
        1.0,
        3.0,
        5.0,
    ]


def test_each_channel_is_judged_by_itself(separate: Analyst, tmp_path: Path) -> None:
    first, second = demo()[: 4 * RATE], demo()[9 * RATE : 13 * RATE]
    findings = separate.analyze(Item(sound(tmp_path, np.stack([first, second], axis=1))))
    alone = [sound(tmp_path, one, f"{n}.wav") for n, one in enumerate((first, second))]
    assert [finding.values["channel"] for finding in findings] == [1, 2]
    for finding, path in zip(findings, alone, strict=True):
        (expected,) = separate.analyze(Item(path))
        assert expected.values["channel"] == 1
        assert finding.values["scores"] == expected.values["scores"]


def test_one_channel_may_be_asked_for(mixed: Analyst, tmp_path: Path) -> None:
    both = np.stack([np.zeros(2 * RATE), demo()[: 2 * RATE]], axis=1)
    path = sound(tmp_path, both)
    found = result(mixed, Item(path, channel=1))
    assert (found["channel"], found["label"]) == (1, None)
    with pytest.raises(SourceError, match="it has 2 channels, and no channel 3"):
        mixed.analyze(Item(path, channel=3))


def test_tables_of_files_need_no_events(tmp_path: Path) -> None:
    path = sound(tmp_path, demo()[: 2 * RATE])
    with Analyst(Settings(TINY, None, 4000, events=False)) as analyst:
        found = result(analyst, Item(path))
    assert found["events"] == []
    assert found["label"] is not None


def test_progress_counts_the_sound(mixed: Analyst, tmp_path: Path) -> None:
    told: list[float] = []
    mixed.analyze(Item(sound(tmp_path, demo()[: 3 * RATE])), told.append)
    assert len(told) > 3
    assert sum(told) == pytest.approx(3.0)


@pytest.mark.skipif(os.name != "posix", reason="needs named pipes")
def test_the_channels_of_a_pipe_are_not_waited_for_one_by_one(
    separate: Analyst, tmp_path: Path
) -> None:
    samples = demo()[:RATE]
    content = Path(sound(tmp_path, np.stack([samples, samples], axis=1))).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(content))
    writing.start()
    with pytest.raises(SourceError, match=r"pipe: it can be read only once.*separate out"):
        separate.analyze(Item(str(pipe), is_read_once=True))
    writing.join()
