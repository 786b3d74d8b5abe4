"""The client that sends sound, as a process of its own with a running daemon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.clients import send_audio
from tests.conftest import DATA
from tests.support.caller import calling
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.signals import RATE, demo
from tests.support.sound_files import encoded, loud_then_quiet, without_count
from tests.support.sound_server import SoundServer

SCRIPT = Path(__file__).parents[2] / "clients" / "send_audio.py"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with running_daemon("--source", "demo", "--model", "lite", "--history", "off") as daemon:
        yield daemon


def send(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, env=environment,
    )  # fmt: skip


def test_a_file_gets_the_result_of_analyze_and_its_changes(daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack((demo()[:96_000], demo()[1:96_001]), axis=1), 16_000)
    sent = send(str(path), daemon.websocket_url)
    printed = emotiond("analyze", "--model", "lite", "--format", "json", str(path)).stdout
    expected = json.loads(printed)
    assert (sent.returncode, sent.stderr) == (0, "")
    lines = sent.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("stereo.wav"))
    changes, result, shares = lines[:at], lines[at], lines[at + 1 :]
    average = f"{expected['label']} {expected['confidence']:.0%} on average"
    assert result == f"stereo.wav: {average}, 6.0 s"
    assert [line.split()[-1] for line in shares] == list(expected["shares"])
    assert len(changes) == sum(event["type"] == "change" for event in expected["events"])
    assert all("→" in change for change in changes)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("has_emotiond", [True, False])
def test_an_mp3_is_sent_undamaged(
    rate: int, has_emotiond: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "demo.mp3"
    soundfile.write(path, demo()[:96_000], rate)
    if not has_emotiond:
        monkeypatch.setitem(sys.modules, "emotiond.exceptions", None)
    start, pieces = send_audio.file(str(path))
    sent = np.frombuffer(b"".join(pieces), "<f4")
    whole = soundfile.read(path, dtype="float32")[0]
    assert "duration" not in start
    np.testing.assert_allclose(sent[: whole.size], whole[: sent.size], atol=1e-4)
    assert abs(sent.size - whole.size) < 2_000


def test_a_file_is_sent_to_its_end_whatever_its_header_counts(tmp_path: Path) -> None:
    samples = loud_then_quiet(20)
    mp3 = without_count(encoded(samples, "MP3", bitrate_mode="VARIABLE", compression_level=0.3))
    wav = bytearray(encoded(samples, "WAV"))
    wav[40:44] = bytes(4)  # the recorder was killed
    for name, content in (("variable.mp3", mp3), ("unfinished.wav", wav)):
        path = tmp_path / name
        path.write_bytes(content)
        _, pieces = send_audio.file(str(path))
        assert len(b"".join(pieces)) / 4 / RATE == pytest.approx(20, abs=0.2), name


def test_a_copy_without_emotiond_sends_files_too(daemon: Daemon) -> None:
    program = (
        "import runpy, sys; sys.modules['emotiond'] = None; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    for file, status, part in ((DEMO, 0, "demo.flac: "), ("nothing.wav", 1, "no such file")):
        sent = subprocess.run(
            [sys.executable, "-c", program, str(SCRIPT), str(file), daemon.websocket_url],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert sent.returncode == status
        assert part in sent.stdout + sent.stderr


def test_a_published_file_has_its_name_for_all_clients(daemon: Daemon) -> None:
    address = f"127.0.0.1:{daemon.port}"
    command = [sys.executable, str(SCRIPT), str(DEMO), address, "--publish", "kitchen"]
    with (
        calling(daemon.websocket_url) as other,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sending,
    ):
        other.until("emotion", stream="kitchen")
        other.until("status", stream="kitchen", status="ended")
        printed, _ = sending.communicate(timeout=PATIENCE_SECONDS)
    assert sending.returncode == 0
    assert "\nkitchen: " in printed
    refused = send(str(DEMO), address, "--publish", "demo")
    assert refused.returncode == 1
    assert "there is a stream called 'demo' already" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "127.0.0.1:99999", ""])
def test_an_address_that_is_none_is_reported_in_one_line(address: str) -> None:
    sent = send(str(DEMO), address)
    assert sent.returncode == 1
    assert sent.stderr.count("\n") == 1
    assert "127.0.0.1" in sent.stderr


def test_its_help_shows_how_to_call_it() -> None:
    shown = send("--help")
    assert shown.returncode == 0
    assert "python send_audio.py mic --publish kitchen" in shown.stdout


def test_a_long_file_is_sent_while_its_events_are_read(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(demo(), 20), 16_000)  # more events than sockets would hold
    options = ("--source", "demo", "--model", str(DATA / "tiny.tflite"), "--history", "off")
    with running_daemon(*options) as daemon:
        sent = send(str(path), daemon.websocket_url)
    assert sent.returncode == 0
    assert "\nlong.wav: " in sent.stdout


def test_a_refusal_is_reported_in_one_line() -> None:
    options = ("--model", str(DATA / "tiny.tflite"), "--max-client-streams", "0")
    with running_daemon("--source", "demo", *options) as daemon:
        sent = send(str(DEMO), daemon.websocket_url)
    assert sent.returncode == 1
    assert "--max-client-streams" in sent.stderr
    assert sent.stderr.count("\n") == 1


def test_a_given_token_is_sent(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of some length\n")
    options = ("--model", str(DATA / "tiny.tflite"), "--token-file", str(token))
    with running_daemon("--source", "demo", *options, "--history", "off") as daemon:
        environment = {**os.environ, "EMOTIOND_TOKEN_FILE": str(token)}
        assert send(str(DEMO), daemon.websocket_url, environment=environment).returncode == 0
        refused = send(str(DEMO), daemon.websocket_url)
    assert refused.returncode == 1
    assert "token" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("what", ["nothing.wav", str(SCRIPT)])
def test_another_file_than_sound_is_reported_in_one_line(daemon: Daemon, what: str) -> None:
    sent = send(what, daemon.websocket_url)
    assert sent.returncode == 1
    assert sent.stderr.count("\n") == 1


def test_without_a_daemon_it_says_so() -> None:
    sent = send(str(DEMO), "ws://127.0.0.1:9/ws")
    assert sent.returncode == 1
    assert sent.stderr.count("\n") == 1


@pytest.mark.system
def test_a_remote_daemon_receives_the_microphone(daemon: Daemon, microphone: SoundServer) -> None:
    with (
        calling(daemon.websocket_url) as other,
        subprocess.Popen(
            [sys.executable, str(SCRIPT), "mic", daemon.websocket_url],
            stdout=subprocess.PIPE, text=True, env=microphone.environment,
        ) as sending,
    ):  # fmt: skip
        microphone.play(DEMO)
        assert sending.stdout is not None
        assert "→" in sending.stdout.readline()
        sending.send_signal(signal.SIGINT)
        assert sending.wait(timeout=PATIENCE_SECONDS) == 130
        other.until("emotion")
        assert {message.get("stream", "demo") for message in other.received} == {"demo"}
