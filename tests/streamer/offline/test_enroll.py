"""``emotiond enroll``: from 20 seconds of speech to streams that know the voice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.dsp.frontend import FrontEnd
from emotiond.exceptions import ProfileError, SourceError
from emotiond.inference.classifier import Classifier
from emotiond.streamer.audio.chunker import Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.offline.enroll import WANTED_SECONDS, enroll
from emotiond.streamer.sources.file import FileSource
from tests.support.daemon import COMMAND, DEMO, emotiond
from tests.support.signals import RATE, demo, links_to_demo, noise
from tests.support.sound_server import SoundServer

FAST = ("--speed", "max", "--once", "--json", "--model", "lite", "--port", "0", "--zmq", "off")


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """The environment with a data folder of its own."""
    return {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def long_speech(tmp_path: Path) -> Path:
    """More than 20 seconds of speech."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.concatenate((demo(), demo())), RATE)
    return path


def recording(path: Path) -> FileSource:
    return FileSource(str(path), realtime=False, loop=False)


def events_with(*options: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    ended = emotiond("run", "--source", str(DEMO), *FAST, *options, env=environment)
    assert ended.returncode == 0, ended.stderr
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    return [{k: v for k, v in e.items() if k not in ("time", "age_ms")} for e in events]


def test_it_stops_after_twenty_seconds_of_speech(
    adapting_classifier: Classifier, long_speech: Path
) -> None:
    progress, sound = [], []

    def note(speech_seconds: float, sound_seconds: float) -> None:
        progress.append(speech_seconds)
        sound.append(sound_seconds)

    profile = enroll(recording(long_speech), adapting_classifier, note)
    assert progress == sorted(progress)
    assert sound == [pytest.approx(0.25 * (index + 1)) for index in range(len(sound))]
    assert WANTED_SECONDS <= profile.speech_seconds < WANTED_SECONDS + 0.5
    assert progress[-1] == profile.speech_seconds
    assert (profile.model, len(profile.mean)) == ("adapting", 13)
    assert profile.sha256 == adapting_classifier.card.sha256


def test_the_same_recording_gives_the_same_profile(
    adapting_classifier: Classifier, long_speech: Path
) -> None:
    first, second = (
        enroll(recording(long_speech), adapting_classifier, lambda *_: None) for _ in range(2)
    )
    assert first == second


def test_a_shorter_recording_will_do(adapting_classifier: Classifier) -> None:
    profile = enroll(recording(DEMO), adapting_classifier, lambda *_: None)
    assert 5 < profile.speech_seconds < 20


def test_all_speech_is_used_and_its_pauses_are_not(adapting_classifier: Classifier) -> None:
    profile = enroll(recording(DEMO), adapting_classifier, lambda *_: None)
    ring = Ring(demo().size + RATE, 1, RATE)
    ring.write(demo()[:, np.newaxis], 0.0)
    ring.end()
    chunker, card = Chunker(ring, 4_000), adapting_classifier.card
    front_end, frames = FrontEnd(card.recipe, card.shape), 0
    while (chunk := chunker.next_chunk()) is not None and not chunk.last:
        frames += front_end.push(chunk.samples).new_active_frames
    assert profile.speech_seconds == pytest.approx(frames * card.recipe.hop_length / RATE)


def test_less_speech_than_wanted_is_said_and_why(home: Mapping[str, str]) -> None:
    ended = emotiond("enroll", "anna", "--source", str(DEMO), "--model", "lite", env=home)
    assert ended.returncode == 0
    *progress, said = ended.stderr.splitlines()
    assert re.fullmatch(r"1\d\.\d of 20 s of speech, pauses not counted", progress[-1])
    seconds = demo().size / RATE
    found = re.match(r"emotiond: all speech was used: (\d+) s in (\d+) s of sound, without", said)
    assert found is not None
    speech, sound = map(int, found.groups())
    assert sound == round(seconds)
    assert seconds / 3 < speech < 20


def test_profiles_are_listed_and_deleted(home: Mapping[str, str], tmp_path: Path) -> None:
    empty = emotiond("enroll", "--list", env=home)
    assert (empty.returncode, empty.stderr) == (0, "")
    assert "no voice is kept" in empty.stdout
    missing = emotiond("enroll", "--delete", "anna", env=home)
    assert missing.returncode == 1
    assert missing.stderr == "emotiond: there is no profile 'anna'. There are no profiles.\n"
    assert not (tmp_path / "data").exists()
    emotiond("enroll", "anna", "--source", str(DEMO), "--model", "lite", env=home)
    folder = tmp_path / "data" / "emotiond" / "profiles"
    (folder / "bert.json").write_text("{")
    listed = emotiond("enroll", "--list", env=home)
    assert listed.returncode == 0
    _, anna, bert = listed.stdout.splitlines()
    speech_seconds = json.loads((folder / "anna.json").read_text())["speech_seconds"]
    assert anna.split() == ["anna", "lite", f"{speech_seconds:.0f}", "s"]
    assert bert.split()[0] == "bert"
    mistyped = emotiond("enroll", "--delete", "ana", env=home)
    assert mistyped.stderr == "emotiond: there is no profile 'ana'. The profiles are anna, bert.\n"
    for name in ("anna", "bert"):
        deleted = emotiond("enroll", "--delete", name, env=home)
        assert (deleted.returncode, deleted.stderr) == (0, "")
        assert str(folder / f"{name}.json") in deleted.stdout
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("--list", "anna"), ("--list", "--delete", "anna"), ("anna", "--delete", "bert"), ()],
)
def test_only_one_thing_is_done(home: Mapping[str, str], arguments: tuple[str, ...]) -> None:
    ended = emotiond("enroll", *arguments, env=home)
    assert ended.returncode == 2
    assert "--list" in ended.stderr or "--delete" in ended.stderr


def test_hardly_any_speech_will_not_do(adapting_classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, demo()[: 4 * RATE], RATE)
    with pytest.raises(ProfileError, match=r"only \d\.\d seconds of speech"):
        enroll(recording(path), adapting_classifier, lambda *_: None)


def test_silence_is_nobodys_voice(adapting_classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, noise(400, -80), RATE)
    progress: list[float] = []
    with pytest.raises(ProfileError, match=r"only 0\.0 seconds"):
        enroll(recording(path), adapting_classifier, lambda _, sound: progress.append(sound))
    assert len(progress) == 1200  # five minutes were enough


def test_a_damaged_recording_makes_no_profile(
    adapting_classifier: Classifier, tmp_path: Path
) -> None:
    samples = np.array(demo())
    samples[-RATE] = np.nan
    path = tmp_path / "broken.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    with pytest.raises(SourceError, match="not finite"):
        enroll(recording(path), adapting_classifier, lambda *_: None)


def test_a_model_that_does_not_adapt_needs_no_profile(tiny_classifier: Classifier) -> None:
    source = recording(DEMO)
    with pytest.raises(ProfileError, match="'tiny' does not adapt"):
        enroll(source, tiny_classifier, lambda *_: None)
    assert source._decoder._process.poll() is not None


def test_streams_start_from_the_voice_and_are_the_same_every_time(
    home: Mapping[str, str], tmp_path: Path
) -> None:
    files = links_to_demo(tmp_path, 2)
    cold = events_with(environment=home)
    ended = emotiond("enroll", "anna", "--source", str(DEMO), "--model", "lite", env=home)
    assert ended.returncode == 0, ended.stderr
    assert "emotiond --profile anna" in ended.stdout
    assert " of 20 s of speech" in ended.stderr
    first = events_with("--profile", "anna", environment=home)
    assert first == events_with(environment={**home, "EMOTIOND_PROFILE": "anna"})
    assert first != cold
    assert len(first) >= len([event for event in cold if event["type"] == "emotion"])

    def analysis(*options: str) -> dict[str, Any]:
        ended = emotiond(
            *("analyze", *files, "--model", "lite", "--format", "json"),
            *options,
            env=home,
        )
        one, again = map(json.loads, ended.stdout.splitlines())
        assert one["scores"] == again["scores"]  # the second file starts from the profile, too
        scores: dict[str, Any] = one["scores"]
        return scores

    assert analysis("--profile", "anna") != analysis()


def test_a_profile_contains_no_audio(home: Mapping[str, str], tmp_path: Path) -> None:
    emotiond("enroll", "anna", "--source", str(DEMO), "--model", "lite", env=home)
    (kept,) = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    content = json.loads(kept.read_text())
    assert set(content) == {"format", "model", "sha256", "speech_seconds", "mean"}
    assert kept.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("enroll", "../anna", "--source", "demo"), "cannot be a profile's name"),
        (("enroll", "anna", "--source", "demo", "--source", "a=demo"), "one voice"),
        (("enroll", "anna", "--source", "missing.wav"), "no such file"),
        (("enroll", "--delete", "../anna"), "cannot be a profile's name"),
        (("enroll", "--list", "--source", "mic"), "--list has no use for --source"),
        (("run", "--source", "demo", "--profile", "anna", *FAST), "emotiond enroll anna"),
        (("analyze", str(DEMO), "--profile", "anna"), "there is no profile 'anna'"),
    ],
)
def test_an_impossible_request_is_reported_in_one_line(
    home: Mapping[str, str], arguments: tuple[str, ...], part: str
) -> None:
    ended = emotiond(*arguments, env=home)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("emotiond: ")
    assert part in line


def test_standard_input_can_be_enrolled_as_it_comes(home: Mapping[str, str]) -> None:
    pcm = (np.tile(demo(), 2) * 32_767).astype("<i2").tobytes()
    with subprocess.Popen(
        [*COMMAND, "enroll", "anna", "--source", "-", "--model", "lite"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=home,
    ) as process:
        output, _ = process.communicate(pcm, timeout=60)
    assert process.returncode == 0
    assert b"20 s of speech" in output


@pytest.mark.system
def test_an_interrupted_enrolment_leaves_no_profile(
    microphone: SoundServer, tmp_path: Path
) -> None:
    environment = {**microphone.environment, "XDG_DATA_HOME": str(tmp_path / "data")}
    microphone.play(DEMO)
    with subprocess.Popen(
        [*COMMAND, "enroll", "anna", "--model", "lite"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stderr is not None
        assert "Speak" in process.stderr.readline()
        assert "0.0 of 20 s" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == ""
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
