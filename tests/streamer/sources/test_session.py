"""``--source session:FILE``: which values it takes, at which speeds, under which name."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.options import default_settings
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import open_source, open_sources, parse_specs
from emotiond.streamer.sources.source import EventSource, Playback

EMOTION = {
    "type": "emotion", "seq": 3, "stream": "kitchen", "start": 0.0, "end": 0.245, "time": 1e9,
    "state": "silence", "label": None, "confidence": None, "scores": None, "raw": None,
    "speech_ratio": 0.0, "level_dbfs": -80.5, "age_ms": 1.5, "dropped_samples": 0,
}  # fmt: skip
REALTIME = Playback(realtime=True, loop=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "k.jsonl"
    path.write_text(json.dumps(EMOTION) + "\n")
    return path


def opened(text: str, playback: Playback = REALTIME) -> EventSource:
    ((_, source),) = open_sources([text], default_settings, playback, lambda: False)
    assert isinstance(source, EventSource)
    return source


def test_a_session_gives_events_and_no_sound(path: Path) -> None:
    (event,) = opened(f"session:{path}").read()
    assert event.seq == 3
    with pytest.raises(SourceError, match="has events, but no sound"):
        open_source(f"session:{path}", default_settings, REALTIME)


def test_its_stream_is_called_as_it_was_unless_it_has_a_name(path: Path) -> None:
    value = f"session:{path}"
    assert [spec.name for spec in parse_specs([value])] == ["kitchen"]
    (spec,) = parse_specs([f"old={value}"])
    assert (spec.name, spec.source) == ("old", value)
    assert parse_specs(["session:nowhere/day.jsonl"])[0].name == "day"


def test_it_is_played_at_a_speed(path: Path) -> None:
    value = f"session:{path}"
    assert opened(value).speed == 1
    assert opened(value, dataclasses.replace(REALTIME, speed=10)).speed == 10
    assert opened(value, Playback(realtime=False, loop=False)).speed is None


def test_what_is_left_out_is_one_line_in_the_log(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    event = json.dumps(EMOTION)
    path.write_text(f"{event}\n{{\n[\n{event}\n{{\n{event}\n")
    with caplog.at_level(logging.WARNING):
        assert len([*opened(f"session:{path}").read()]) == 3
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{path}: line 2 is left out: it is no object with a type; so are all others of its kind"
    )


@pytest.mark.parametrize(
    ("sources", "speed", "reason"),
    [
        (["session:k.jsonl"], "0.05", "speed cannot be '0.05'. Use 1 or max, for recorded events"),
        (["session:k.jsonl"], "101", "speed cannot be"),
        (["session:k.jsonl"], "nan", "speed cannot be"),
        (["session:k.jsonl"], "fast", "speed cannot be 'fast'"),
        (["a.wav"], "2", "Use 1 or max, or leave the other sources out"),
        (["session:k.jsonl", "mic"], "2", "sound is played as it was spoken"),
        ([], "2", "sound is played as it was spoken"),
    ],
)
def test_a_speed_without_meaning_is_refused(sources: list[str], speed: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_config({"source": sources, "speed": speed}, {})
    assert reason in str(caught.value)


def test_speeds_come_from_flags_files_and_variables(tmp_path: Path) -> None:
    sources = {"source": ["session:k.jsonl"]}
    assert make_config({**sources, "speed": "0.1"}, {}).playback.speed == 0.1
    assert make_config(sources, {"EMOTIOND_SPEED": "100"}).playback.speed == 100
    assert make_config({"source": ["a.wav"], "speed": "1.0"}, {}).playback.speed == 1
    for value in ("2.5", '"2.5"'):
        (tmp_path / "s.toml").write_text(f"speed = {value}")
        config = make_config({**sources, "config": str(tmp_path / "s.toml")}, {})
        assert config.playback.speed == 2.5
