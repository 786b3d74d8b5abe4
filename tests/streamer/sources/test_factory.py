from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from emotiond.exceptions import ConfigError, SourceError
from emotiond.streamer.options import default_settings
from emotiond.streamer.settings.layers import make_config
from emotiond.streamer.sources.factory import SourceSpec, open_source, parse_specs
from emotiond.streamer.sources.file import FileSource
from emotiond.streamer.sources.source import Playback, Source
from emotiond.streamer.sources.standard_input import StandardInput
from tests.support.signals import tone

PLAYBACK = Playback(realtime=False, loop=False)


def opened(source: str) -> Source:
    return open_source(source, default_settings, PLAYBACK)


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("mic", "mic", "mic"),
        ("demo", "demo", "demo"),
        ("-", "stdin", "-"),
        ("clip.wav", "clip", "clip.wav"),
        ("/some/where/clip.wav", "clip", "/some/where/clip.wav"),
        ("anna=mic", "anna", "mic"),
        ("anna=-", "anna", "-"),
        ("Anna B.=clip.wav", "Anna B.", "clip.wav"),
        ("a=b=c.wav", "a", "b=c.wav"),
        ("/some/a=b.wav", "a=b", "/some/a=b.wav"),
        ("Küche=mic", "Küche", "mic"),
    ],
)
def test_a_source_has_a_name(text: str, name: str, source: str) -> None:
    assert parse_specs([text]) == [SourceSpec(name, source)]


def test_a_file_that_is_there_is_meant_even_with_an_equals_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("take=1.wav").touch()
    assert parse_specs(["take=1.wav"]) == [SourceSpec("take=1", "take=1.wav")]


def test_several_sources_keep_their_order() -> None:
    specs = parse_specs(["b=mic", "a=demo", "c.wav"])
    assert [spec.name for spec in specs] == ["b", "a", "c"]
    assert parse_specs([]) == []


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["mic", "mic"], "two sources are called 'mic'"),
        (["x/clip.wav", "y/clip.flac"], "two sources are called 'clip'"),
        (["a=-", "b=-"], "only one standard input. Use --source - once"),
        (["a=mic", "b=mic"], "only one microphone. Use --source mic once"),
        (["a="], "names no source"),
        ([""], "names no source"),
        (["=mic"], "cannot be a stream's name"),
        (["a\nb=mic"], "cannot be a stream's name"),
        (["a\x1b=mic"], "cannot be a stream's name"),
        (["a" * 65 + "=mic"], "cannot be a stream's name"),
    ],
)
def test_names_that_are_ambiguous_or_unprintable_are_refused(texts: list[str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        parse_specs(texts)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["a=" + "x" * 5000, "x" * 5000, "a=b\0c"])
def test_an_impossible_path_has_a_name_and_is_refused_when_opened(text: str) -> None:
    (spec,) = parse_specs([text])
    with pytest.raises(SourceError):
        opened(spec.source)


def test_a_file_is_opened_as_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(str(path), tone(440, 0.1, rate=44_100), 44_100)
    source = opened(str(path))
    assert isinstance(source, FileSource)
    assert source.sample_rate == 44_100
    assert not source.about.demo
    source.stop()


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        opened(str(tmp_path / "none.wav"))


def test_the_demo_is_marked_as_demo() -> None:
    source = opened("demo")
    assert source.about.demo
    assert "demo" in source.about.detail
    source.stop()


def test_standard_input_has_the_rate_that_was_given() -> None:
    settings_of = make_config({"rate": 8000}, {}).settings_of
    source = open_source("-", settings_of, PLAYBACK)
    assert isinstance(source, StandardInput)
    assert (source.sample_rate, source.channels) == (8000, 1)
