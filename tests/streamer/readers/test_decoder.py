"""The decoder's process, broken for real: a crash costs one file, and nothing else."""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import SourceError
from emotiond.streamer.readers import decoder as decoding
from emotiond.streamer.readers.decoder import Decoder, Decoding
from emotiond.streamer.readers.decoder_process import HEAD
from tests.support.daemon import DEMO, emotiond, running_daemon
from tests.support.processes import await_decoders, decoders, needs_proc
from tests.support.signals import demo, links_to_demo, noise

pytestmark = needs_proc


@pytest.fixture(autouse=True)
def no_decoders_yet() -> None:
    """Collect decoders that earlier tests left, so that they are not counted."""
    gc.collect()
    await_decoders(os.getpid(), 0)


def samples_of(sound: Decoding) -> Any:
    blocks = []
    while (block := sound.read()).shape[0]:
        blocks.append(block)
    return np.concatenate(blocks)


def pipe_at(path: Path) -> str:
    os.mkfifo(path)
    return str(path)


def crash_the_decoder_of(parent: int) -> None:
    """Wait for it, and let it die of what a broken decoder dies of."""
    (child,) = await_decoders(parent, 1)
    os.kill(child, signal.SIGSEGV)


def crash_while_it_reads(pipe: str, parent: int) -> None:
    """Wait until a pipe is opened for the decoder, and crash that."""
    with open(pipe, "wb"):  # noqa: PTH123  # returns when it is opened
        crash_the_decoder_of(parent)


def test_files_are_decoded_one_after_the_other_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(1.3, -20, rate=44_100).reshape(-1, 2), 44_100, subtype="FLOAT")
    with Decoder() as decoder:
        assert samples_of(decoder.open(str(DEMO)))[:, 0].tobytes() == demo().tobytes()
        stereo = decoder.open(str(path))
        assert (stereo.sample_rate, stereo.channels) == (44_100, 2)
        assert samples_of(stereo).tobytes() == soundfile.read(path, dtype="float32")[0].tobytes()
        assert stereo.read().shape == (0, 2)


def test_a_refused_file_starts_no_process() -> None:
    with Decoder() as decoder:
        (before,) = await_decoders(os.getpid(), 1)
        for _ in range(3):
            with pytest.raises(SourceError, match="no such file"):
                decoder.open("missing.wav")
        assert samples_of(decoder.open(str(DEMO))).shape[0] == demo().shape[0]
        assert decoders(os.getpid()) == [before]


def test_a_name_that_is_no_text_is_decoded(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\n.flac"
    Path(os.fsdecode(path)).write_bytes(DEMO.read_bytes())
    with Decoder() as decoder:
        assert samples_of(decoder.open(os.fsdecode(path))).shape[0] == demo().shape[0]


def test_a_file_closed_early_does_not_leak_into_the_next() -> None:
    with Decoder() as decoder:
        sound = decoder.open(str(DEMO))
        sound.read()
        sound.close()
        assert samples_of(decoder.open(str(DEMO))).shape[0] == demo().shape[0]


def test_a_crash_is_reported_and_the_next_file_is_decoded(tmp_path: Path) -> None:
    with Decoder() as decoder:
        pipe = pipe_at(tmp_path / "pipe")
        crash = threading.Thread(target=crash_while_it_reads, args=(pipe, os.getpid()))
        crash.start()
        with pytest.raises(SourceError, match=r"its decoder crashed \(SIGSEGV\)\. Convert it"):
            decoder.open_once(pipe)
        crash.join()
        assert samples_of(decoder.open(str(DEMO))).shape[0] == demo().shape[0]
    assert decoders(os.getpid()) == []


def test_a_crash_in_mid_file_is_reported_there() -> None:
    with Decoder() as decoder:
        sound = decoder.open(str(DEMO))
        crash_the_decoder_of(os.getpid())
        with pytest.raises(SourceError, match="SIGSEGV"):
            samples_of(sound)


def test_a_decoder_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    quickly = (
        "import time; import emotiond.streamer.readers.decoder_process as d; "
        "d.MOST_SECONDS_A_STEP = 0.3; "
        "d.open_sound_file = lambda *_: time.sleep(60); main()"
    )
    command = decoding._COMMAND.replace("main()", quickly)
    monkeypatch.setattr(decoding, "_COMMAND", command)
    with (
        Decoder() as decoder,
        pytest.raises(SourceError, match=r"its decoder took longer than \d+ s"),
    ):
        decoder.open(str(DEMO))


HEADER = b"[16000, 1, null]"
NONSENSE = {
    "an unknown kind": (b"?", b""),
    "no JSON": (b"O", b"{"),
    "lists without an end": (b"O", b"[" * 2_000),
    "a list that is too short": (b"O", b"[16000, 1]"),
    "no number": (b"O", b"[null, 1, null]"),
    "a rate without an end": (b"O", b"[Infinity, 1, null]"),
    "a rate of nothing": (b"O", b"[0, 1, null]"),
    "no channels": (b"O", b"[16000, 0, null]"),
    "many channels": (b"O", b"[16000, 1000000, null]"),
    "a refusal without a remedy": (b"X", b'["bad"]'),
    "sound before its header": (b"B", bytes(4)),
}
NO_BLOCKS = {
    "a part of a sample": (b"B", bytes(3)),
    "samples that are no sound": (b"B", np.full(4, np.nan, np.float32).tobytes()),
    "samples at another scale": (b"B", np.full(4, 32_000, np.float32).tobytes()),
    "a second header": (b"O", HEADER),
}


def answering(messages: list[tuple[bytes, bytes]], monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """Return a decoder that answers a file by these messages."""
    sent = b"".join(HEAD.pack(kind, len(content)) + content for kind, content in messages)
    answer = (
        "import sys; sys.stdin.buffer.readline(); "
        f"sys.stdout.buffer.write({sent!r}); sys.stdout.flush(); sys.stdin.buffer.read()"
    )
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "_COMMAND", decoding._COMMAND.replace("main()", answer))
        return Decoder()


@pytest.mark.parametrize("name", NONSENSE)
def test_an_answer_that_no_decoder_gives_is_an_error_of_the_file(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering([NONSENSE[name]], monkeypatch) as decoder:
        with pytest.raises(SourceError, match="its decoder answers nonsense"):
            decoder.open(str(DEMO))
        assert samples_of(decoder.open(str(DEMO))).shape[0] == demo().shape[0]  # by a new process


@pytest.mark.parametrize("name", NO_BLOCKS)
def test_blocks_that_no_decoder_gives_are_an_error_of_the_file(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering([(b"O", HEADER), NO_BLOCKS[name]], monkeypatch) as decoder:
        sound = decoder.open(str(DEMO))
        with pytest.raises(SourceError, match="its decoder answers nonsense"):
            sound.read()


def test_a_length_that_no_answer_has_is_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_MOST_BYTES_ANSWERED", {b"O": 100, b"B": 100})
    with Decoder() as decoder:
        sound = decoder.open(str(DEMO))
        with pytest.raises(SourceError, match="its decoder answers nonsense"):
            sound.read()


def test_a_file_longer_than_a_day_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_SECONDS", 2)
    with Decoder() as decoder:
        sound = decoder.open(str(DEMO))
        with pytest.raises(SourceError, match="it is longer than"):
            samples_of(sound)


def test_the_signals_that_end_a_daemon_are_not_for_its_decoder() -> None:
    with Decoder() as decoder:
        sound = decoder.open(str(DEMO))
        (child,) = await_decoders(os.getpid(), 1)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(child, number)
        assert samples_of(sound).shape[0] == demo().shape[0]


def test_its_memory_is_limited() -> None:
    with Decoder() as decoder:
        decoder.open(str(DEMO))
        (child,) = await_decoders(os.getpid(), 1)
        limits = Path(f"/proc/{child}/limits").read_text()
        assert f"Max address space         {2**31} " in limits


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_decoder_ends_with_the_daemon(number: signal.Signals) -> None:
    with running_daemon("--source", str(DEMO), "--model", "lite") as daemon:
        (child,) = await_decoders(daemon.process.pid, 1)
        daemon.stop(number)
        until_gone = os.pidfd_open(child) if Path(f"/proc/{child}").exists() else None
        if until_gone is not None:
            import select

            assert select.select([until_gone], [], [], 20)[0]
            os.close(until_gone)


def test_analyze_continues_with_the_other_files(tmp_path: Path) -> None:
    pipe = pipe_at(tmp_path / "pipe")
    program = "import os, sys; os.cpu_count = lambda: 1; "  # one decoder, for all files
    program += "from emotiond.streamer.cli import main; sys.exit(main(sys.argv[1:]))"
    files = [str(DEMO), pipe, *links_to_demo(tmp_path, 1)]
    with subprocess.Popen(
        [sys.executable, "-c", program, "analyze", *files, "--model", "lite", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        crash_while_it_reads(pipe, process.pid)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith(f"emotiond: {pipe}: its decoder crashed (SIGSEGV)")
    assert json.loads(rest)["scores"] == first["scores"]


def test_a_daemon_loses_the_stream_and_goes_on_with_the_others() -> None:
    sources = ("--source", f"a={DEMO}", "--source", f"b={DEMO}")
    with running_daemon(*sources, "--model", "lite", "--json") as daemon:
        events = daemon.events()
        for name in "ab":
            next(event for event in events if event["stream"] == name)
        victim, _ = await_decoders(daemon.process.pid, 2)
        os.kill(victim, signal.SIGSEGV)
        ended = next(event for event in events if event.get("status") == "ended")
        assert ended["stream"] == "a"
        assert "its decoder crashed (SIGSEGV)" in ended["detail"]
        others = (event for event in events if event["stream"] == "b")
        numbers = [next(others)["seq"] for _ in range(8)]
        assert numbers == list(range(numbers[0], numbers[0] + 8))
        with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as answer:  # noqa: S310
            assert json.load(answer)["status"] == "degraded"
        assert daemon.stop() in (0, 1)


def test_modules_in_the_folder_where_it_is_called_are_not_taken_for_its_own(
    tmp_path: Path,
) -> None:
    for name in ("numpy", "json", "emotiond"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken')")
    installed = tmp_path / "bin" / "emotiond"  # as a console script is: its folder is searched
    installed.parent.mkdir()
    installed.write_text("import sys; from emotiond.streamer.cli import main; sys.exit(main())")
    analysis = subprocess.run(
        [sys.executable, installed, "analyze", str(DEMO), "--model", "lite"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert analysis.returncode == 0, analysis.stderr


def test_packages_of_common_names_on_the_path_are_not_taken_for_its_own(tmp_path: Path) -> None:
    for name in ("streamer", "dsp", "inference", "clients", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('taken')")
    environment = {**os.environ, "PYTHONPATH": "."}
    analysis = emotiond("analyze", str(DEMO), "--model", "lite", cwd=tmp_path, env=environment)
    assert analysis.returncode == 0, analysis.stderr


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "OGG", "MP3"])
def test_an_open_file_gives_the_same_samples_as_its_path(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    soundfile.write(path, noise(1.3, -20).reshape(-1, 2), 16_000, format=format_)
    with Decoder() as decoder:
        wanted = samples_of(decoder.open(str(path))).tobytes()
        with path.open("rb") as file:
            assert samples_of(decoder.open("x", file)).tobytes() == wanted
        assert samples_of(decoder.open("x", io.BytesIO(path.read_bytes()))).tobytes() == wanted


def test_an_open_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"a header" + DEMO.read_bytes())
    file.seek(8)
    with Decoder() as decoder:
        assert samples_of(decoder.open("x", file)).shape[0] == demo().shape[0]


def closed_file() -> io.BytesIO:
    file = io.BytesIO(DEMO.read_bytes())
    file.close()
    return file


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (io.BytesIO(b""), "not a sound file"),
        (io.BytesIO(b"abc" * 10_000), "not a sound file"),
        (io.StringIO("text"), "mode 'rb'"),
        (closed_file(), "cannot be read"),
    ],
)
def test_an_open_file_without_sound_is_reported_and_the_next_is_decoded(
    file: Any, problem: str
) -> None:
    with Decoder() as decoder:
        with pytest.raises(SourceError, match=problem):
            decoder.open("x", file)
        assert samples_of(decoder.open(str(DEMO))).shape[0] == demo().shape[0]


def test_an_open_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_MOST_BYTES_SENT", 1000)
    with Decoder() as decoder, pytest.raises(SourceError, match="Give the path"):
        decoder.open("x", io.BytesIO(DEMO.read_bytes()))


def test_a_pipe_is_read_once_from_where_it_stands(tmp_path: Path) -> None:
    pipe = pipe_at(tmp_path / "pipe")

    def write() -> None:
        with open(pipe, "wb") as file:  # noqa: PTH123
            file.write(DEMO.read_bytes())

    writing = threading.Thread(target=write)
    writing.start()
    with Decoder() as decoder:
        assert samples_of(decoder.open_once(pipe)).tobytes() == demo().tobytes()
    writing.join()


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    with Decoder() as decoder:
        with pytest.raises(SourceError, match="no file, but a pipe"):
            decoder.open(pipe_at(tmp_path / "x.wav"))
        assert samples_of(decoder.open(str(DEMO))).tobytes() == demo().tobytes()


def test_what_is_too_large_for_memory_goes_into_a_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_BYTES_HELD", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Decoder() as decoder:
        found = decoder.open("x", io.BytesIO(DEMO.read_bytes()))
        (child,) = await_decoders(os.getpid(), 1)
        opened = {str(entry.readlink()) for entry in Path(f"/proc/{child}/fd").iterdir()}
        assert [name for name in opened if name.startswith(str(tmp_path))]
        assert list(tmp_path.iterdir()) == []  # it has no name, and is gone with the process
        assert samples_of(found).tobytes() == demo().tobytes()


def test_a_full_disk_for_temporary_files_is_reported_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MOST_BYTES_HELD", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Decoder() as decoder:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
        try:
            for _ in range(2):
                with pytest.raises(SourceError, match="the temporary file may not grow further"):
                    decoder.open("x", io.BytesIO(DEMO.read_bytes()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert samples_of(decoder.open(str(DEMO))).tobytes() == demo().tobytes()
