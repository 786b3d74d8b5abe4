"""The Python interface gives the results of the command line, and errors with their remedy."""

from __future__ import annotations

import copy
import io
import json
import os
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import emotiond
from emotiond.dsp.types import FloatArray
from emotiond.inference.profile import make_profile
from emotiond.streamer.profiles import write_profile
from emotiond.streamer.protocol.events import Event, to_json
from emotiond.streamer.sources import microphone
from emotiond.streamer.sources.source import About
from tests.conftest import DATA
from tests.support import daemon
from tests.support.processes import await_end, decoders, needs_proc
from tests.support.signals import RATE, block_sizes, cut, demo

TINY, ADAPTING = str(DATA / "tiny.tflite"), str(DATA / "adapting.tflite")
SHORT = demo()[: 6 * RATE]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels at a rate that is not the models'."""
    path = tmp_path_factory.mktemp("sound") / "a voice.wav"
    stereo = np.stack((demo()[: 10 * RATE], 0.5 * demo()[: 10 * RATE]), axis=1)
    soundfile.write(path, stereo, 22_050, subtype="PCM_16")
    return path


def as_array(path: Path, kind: str) -> tuple[Any, int]:
    return soundfile.read(path, dtype=kind)  # type: ignore[no-any-return]


WAYS: dict[str, Callable[[Path], Any]] = {
    "path": str,
    "Path": Path,
    "bytes": lambda path: io.BytesIO(path.read_bytes()),
    "file": lambda path: path.open("rb"),
    "float32": lambda path: as_array(path, "float32"),
    "float64": lambda path: as_array(path, "float64"),
    "int16": lambda path: as_array(path, "int16"),
}
NAMED = ("path", "Path", "file")
"""Sources whose file name is known."""


def timeless(objects: Iterable[dict[str, Any]], is_named: bool) -> list[dict[str, Any]]:
    """Events without what differs from one time to the next."""
    away = {"time", "age_ms", *([] if is_named else ["stream"])}
    return [{k: v for k, v in found.items() if k not in away} for found in objects]


def printed_analysis(path: Path, *arguments: str) -> dict[str, Any]:
    ended = daemon.emotiond("analyze", str(path), "--format", "json", *arguments)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module")
def printed(recording: Path) -> dict[str, Any]:
    return printed_analysis(recording, "--model", TINY)


@pytest.fixture(scope="module")
def lines(recording: Path) -> list[dict[str, Any]]:
    """Return the events of the daemon."""
    ended = daemon.emotiond(
        *("run", "--source", str(recording), "--model", TINY, "--once", "--speed", "max"),
        *("--json", "--port", "0", "--zmq", "off", "--history", "off", "--stride", "0.5"),
    )
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_analyze_is_the_command(recording: Path, printed: dict[str, Any], way: str) -> None:
    result = emotiond.analyze(WAYS[way](recording), model=TINY)
    assert isinstance(result, emotiond.Analysis)
    found, wanted = json.loads(json.dumps(result.to_json())), copy.deepcopy(printed)
    for values in (found, wanted):
        values["events"] = timeless(values["events"], way in NAMED)
        if way not in NAMED:
            del values["file"]
    assert found == wanted
    assert result.label is not None
    assert result.duration == pytest.approx(10 * RATE / 22_050)
    assert {type(event) for event in result.events} == {emotiond.Emotion, emotiond.Change}


@pytest.mark.parametrize("way", WAYS)
def test_listen_is_the_daemon(recording: Path, lines: list[dict[str, Any]], way: str) -> None:
    with emotiond.listen(WAYS[way](recording), model=TINY, stride=0.5) as events:
        found = [json.loads(json.dumps(to_json(event))) for event in events]
    assert timeless(found, way in NAMED) == timeless(lines, way in NAMED)
    assert [event["type"] for event in (found[0], found[-1])] == ["status", "status"]


@pytest.mark.litert
def test_the_default_model_is_the_same_as_the_command_s(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, SHORT, RATE)
    found = emotiond.analyze(path).to_json()
    wanted = printed_analysis(path)
    assert timeless(found["events"], True) == timeless(wanted["events"], True)
    assert found["scores"] == wanted["scores"]


def test_a_profile_is_used_as_by_the_command(recording: Path, adapting_classifier: Any) -> None:
    card, speaker = adapting_classifier.card, adapting_classifier.speaker()
    mean = tuple(float(value) for value in np.linspace(-3, 3, speaker.vector.shape[0]))
    write_profile("anna", make_profile(card.name, card.sha256, 20.0, mean))
    known = emotiond.analyze(recording, model=ADAPTING, profile="anna")
    wanted = printed_analysis(recording, "--model", ADAPTING, "--profile", "anna")
    assert known.to_json()["scores"] == wanted["scores"]
    assert known.scores != emotiond.analyze(recording, model=ADAPTING).scores
    with emotiond.listen(recording, model=ADAPTING, profile="anna") as events:
        received = [event for event in events if not isinstance(event, emotiond.Status)]
    assert without_time(received) == without_time(known.events)


def without_time(events: Iterable[Event]) -> list[dict[str, Any]]:
    return timeless(map(to_json, events), False)


@pytest.fixture(scope="module")
def whole() -> list[dict[str, Any]]:
    return without_time(emotiond.listen((SHORT, RATE), model=TINY))


@settings(max_examples=15)
@given(sizes=block_sizes | st.just([SHORT.shape[0]]), empty=st.booleans())
def test_any_cut_into_blocks_gives_the_same_events(
    whole: list[dict[str, Any]], sizes: list[int], empty: bool
) -> None:
    def blocks() -> Iterator[FloatArray]:
        for block in cut(SHORT, sizes):
            yield block
            if empty:
                yield block[:0]

    assert without_time(emotiond.listen((blocks(), RATE), model=TINY)) == whole


def test_changing_a_block_after_it_was_taken_has_no_effect(
    whole: list[dict[str, Any]],
) -> None:
    def blocks() -> Iterator[FloatArray]:
        buffer = np.empty(1000, np.float32)
        for block in cut(SHORT, [1000]):
            buffer[:] = block
            yield buffer

    assert without_time(emotiond.listen((blocks(), RATE), model=TINY)) == whole


def test_blocks_are_closed_at_the_end_of_the_with() -> None:
    closed: list[bool] = []

    def blocks() -> Iterator[FloatArray]:
        try:
            while True:
                yield demo()[:1000]
        finally:
            closed.append(True)

    with (
        pytest.raises(ZeroDivisionError),
        emotiond.listen((blocks(), RATE), model=TINY) as events,
    ):
        next(event for event in events if isinstance(event, emotiond.Emotion))
        1 / 0  # noqa: B018
    assert closed == [True]


def test_an_error_of_the_blocks_is_raised_unchanged() -> None:
    def blocks() -> Iterator[FloatArray]:
        yield demo()[:8000]
        raise ConnectionResetError("the other end is gone")

    events = emotiond.listen((blocks(), RATE), model=TINY)
    with pytest.raises(ConnectionResetError, match="the other end"):
        list(events)
    assert list(events) == []


class OwnDecoders:
    """The decoders that were started since; earlier tests may have left some to be collected."""

    def __init__(self) -> None:
        self._before = set(decoders(os.getpid()))

    def now(self) -> Set[int]:
        return set(decoders(os.getpid())) - self._before

    def await_none(self) -> None:
        for process in self.now():
            await_end(process)


@needs_proc
@pytest.mark.parametrize("way", ["path", "file"])
def test_the_decoder_ends_with_the_events_whatever_ends_them(recording: Path, way: str) -> None:
    own = OwnDecoders()
    with (
        pytest.raises(ZeroDivisionError),
        emotiond.listen(WAYS[way](recording), model=TINY) as events,
    ):
        next(events)
        assert len(own.now()) == 1
        1 / 0  # noqa: B018
    assert own.now() == set()
    unused = emotiond.listen(WAYS[way](recording), model=TINY)
    assert len(own.now()) == 1
    unused.close()
    assert own.now() == set()
    list(emotiond.listen(WAYS[way](recording), model=TINY))
    emotiond.analyze(WAYS[way](recording), model=TINY)
    with pytest.raises(emotiond.ModelError):
        emotiond.analyze(WAYS[way](recording), model="huge")
    with pytest.raises(emotiond.ConfigError):
        emotiond.listen(WAYS[way](recording), stride=0)
    own.await_none()


@needs_proc
def test_a_damaged_file_is_reported_at_the_damage(tmp_path: Path) -> None:
    path, sound = tmp_path / "x.wav", np.tile(SHORT, 2)
    sound[-1000] = np.nan
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    own = OwnDecoders()
    events = emotiond.listen(path, model=TINY)
    for _ in range(20):
        next(events)
    with pytest.raises(emotiond.SourceError, match="not finite") as caught:
        list(events)
    assert str(path) in caught.value.problem
    with pytest.raises(emotiond.SourceError, match="not finite"):
        emotiond.analyze(path, model=TINY)
    own.await_none()


class FakeMicrophone:
    """Says nothing; records how it is treated."""

    made: list[FakeMicrophone] = []  # noqa: RUF012

    def __init__(self, wanted: str | None, waits: bool) -> None:
        assert not waits  # a program gets the error at once
        self.wanted, self.calls = wanted, list[str]()
        self.sample_rate, self.channels = 48_000, 1
        self.about, self.failure, self.switch = About(), None, None
        self.made.append(self)

    def start(self, ring: Any, on_status: Any) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[FakeMicrophone]:
    """The microphones that are opened."""
    monkeypatch.setattr(FakeMicrophone, "made", [])
    monkeypatch.setattr(microphone, "Microphone", FakeMicrophone)
    return FakeMicrophone.made


def test_the_microphone_is_the_default_one_and_closed(made: list[FakeMicrophone]) -> None:
    with emotiond.listen("mic", model=TINY) as events:
        first = next(events)
    assert (first.stream, made[0].wanted, made[0].calls) == ("mic", None, ["start", "stop"])


def test_the_microphone_is_closed_where_the_model_is_unknown(made: list[FakeMicrophone]) -> None:
    with pytest.raises(emotiond.ModelError, match="huge"):
        emotiond.listen("mic", model="huge")
    assert made[0].calls == ["stop"]


def test_a_recording_cannot_be_the_microphone(made: list[FakeMicrophone], tmp_path: Path) -> None:
    with pytest.raises(emotiond.SourceError, match="no such file"):
        emotiond.analyze("mic")
    with pytest.raises(emotiond.SourceError, match="no such file"):
        emotiond.listen(tmp_path / "mic")
    assert made == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, "cannot be NoneType"),
        (16_000, "cannot be int"),
        (SHORT, "cannot be ndarray"),
        ([SHORT, RATE], "cannot be list"),
        ((SHORT, RATE, 1), r"cannot be \(ndarray, int, int\)"),
        ((RATE, SHORT), r"cannot be \(int, ndarray\)"),
        (("a.wav", RATE), r"cannot be \(str, int\)"),
        ((np.int64(RATE), SHORT), r"cannot be \(int64, ndarray\)"),
        ((SHORT, None), "rate cannot be None"),
        ((SHORT, 10), "rate cannot be 10"),
        ((SHORT[:0], RATE), "0 samples"),
        ((SHORT.astype(np.int32), RATE), "int32"),
        ((SHORT * np.nan, RATE), "not finite"),
        ("missing.wav", "no such file"),
        ("a\0b", "no file can have this name"),
        (b"missing.wav", "cannot be bytes"),
        ("", "no such file|this is a folder"),
        (str(DATA), "this is a folder"),
        (io.StringIO("text"), "mode 'rb'"),
        (io.BytesIO(b"text"), "not a sound file"),
    ],
)
@pytest.mark.parametrize("call", [emotiond.analyze, emotiond.listen])
def test_an_invalid_source_is_refused_with_the_remedy(
    call: Callable[..., Any], source: Any, problem: str
) -> None:
    with pytest.raises(emotiond.SourceError, match=problem) as caught:
        call(source, model=TINY)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"model": "huge"}, emotiond.ModelError, "there is no model 'huge'"),
        ({"model": "/nowhere/x.tflite"}, emotiond.ModelError, "cannot read the model"),
        ({"model": Path("/nowhere/x.tflite")}, emotiond.ModelError, "cannot read the model"),
        ({"model": "a\0.tflite"}, emotiond.ModelError, "cannot read the model"),
        ({"model": 7}, emotiond.ConfigError, "'model' must be a text"),
        ({"model": ""}, emotiond.ConfigError, "model cannot be empty"),
        ({"profile": "nobody"}, emotiond.ProfileError, "there is no profile 'nobody'"),
        ({"profile": "../x"}, emotiond.ProfileError, "cannot be a profile's name"),
        ({"profile": 7}, emotiond.ConfigError, "'profile' must be a text"),
        ({"stride": 0}, emotiond.ConfigError, "stride cannot be 0"),
        ({"stride": 0.123}, emotiond.ConfigError, "stride cannot be 0.123"),
        ({"stride": np.nan}, emotiond.ConfigError, "'stride' must be finite"),
        ({"stride": "0.5"}, emotiond.ConfigError, "'stride' must be a number"),
    ],
)
def test_an_invalid_argument_is_refused_with_the_remedy(
    options: dict[str, Any], error: type[emotiond.EmotiondError], problem: str
) -> None:
    with pytest.raises(error, match=problem) as caught:
        emotiond.listen((SHORT, RATE), **{"model": TINY, **options})
    assert caught.value.remedy
    if "stride" not in options:
        with pytest.raises(error, match=problem):
            emotiond.analyze((SHORT, RATE), **{"model": TINY, **options})


def test_a_stride_may_be_numpys_and_whole() -> None:
    events = list(emotiond.listen((SHORT, RATE), model=TINY, stride=np.float32(1.0)))
    assert without_time(events) == without_time(
        emotiond.listen((SHORT, RATE), model=TINY, stride=1)
    )


def test_the_environment_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTIOND_STRIDE", "2")
    monkeypatch.setenv("EMOTIOND_NONSENSE", "2")
    result = emotiond.analyze((SHORT, RATE), model=TINY)
    assert sum(isinstance(event, emotiond.Emotion) for event in result.events) == 24


def test_a_recording_without_speech_has_no_label() -> None:
    result = emotiond.analyze((np.zeros(RATE), RATE), model=TINY)
    assert (result.label, result.confidence, result.scores, result.duration) == (
        *(None, None, None),
        1.0,
    )


def test_an_endless_source_takes_no_more_and_more_memory() -> None:
    def blocks() -> Iterator[FloatArray]:
        while True:
            yield SHORT[:4000]

    with emotiond.listen((blocks(), RATE), model=TINY) as events:
        for _ in range(200):
            next(events)
        tracemalloc.start()
        try:
            for _ in range(1000):
                next(events)
            grown_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert grown_bytes < 300_000
