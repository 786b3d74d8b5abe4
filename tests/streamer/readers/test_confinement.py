"""A decoder that a recording took over reads that recording, computes, and answers."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.exceptions import SourceError
from emotiond.streamer.readers import confinement, decoder
from emotiond.streamer.readers.decoder import Decoder, Decoding
from emotiond.streamer.readers.sound_file import read_sound_file
from tests.support.attempts import ATTEMPTS, HEAD, REFUSED, UNCONFINED, USING, tempting
from tests.support.caller import calling, pcm
from tests.support.daemon import DEMO, running_daemon
from tests.support.processes import await_decoders, needs_proc
from tests.support.signals import demo, noise, tone

pytestmark = [needs_proc, pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")]
FORMATS = {
    "WAV": ("WAV", "PCM_16", 16_000),
    "WAV in floats": ("WAV", "FLOAT", 44_100),
    "ADPCM": ("WAV", "IMA_ADPCM", 16_000),
    "FLAC": ("FLAC", "PCM_16", 16_000),
    "Vorbis": ("OGG", "VORBIS", 44_100),
    "Opus": ("OGG", "OPUS", 48_000),
    "MP3": ("MP3", "MPEG_LAYER_III", 44_100),
    "AIFF": ("AIFF", "PCM_24", 48_000),
    "CAF": ("CAF", "ALAC_16", 44_100),
    "AU": ("AU", "ULAW", 8_000),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with tempting(tmp_path):
        yield tmp_path


@pytest.fixture(scope="module")
def confined() -> Iterator[Decoder]:
    with started(USING) as begun:
        yield begun


@pytest.fixture(scope="module")
def unconfined() -> Iterator[Decoder]:
    with started(USING + UNCONFINED) as begun:
        yield begun


@contextlib.contextmanager
def started(before: str) -> Iterator[Decoder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_COMMAND", decoder._COMMAND.replace("main()", f"{before}main()"))
        begun = Decoder()
    try:
        yield begun
    finally:
        begun.close()


def outcome_of(attempt: str, folder: Path, begun: Decoder) -> str:
    with pytest.raises(SourceError) as refused:
        begun.open("x", io.BytesIO(HEAD + f"{attempt}\n{folder}".encode()))
    return refused.value.problem


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_decoding_does_not_need_is_refused(
    attempt: str, folder: Path, confined: Decoder, unconfined: Decoder
) -> None:
    before = sorted(folder.iterdir())
    assert outcome_of(attempt, folder, confined) == REFUSED
    assert sorted(folder.iterdir()) == before
    assert outcome_of(attempt, folder, unconfined) != REFUSED  # the filter refuses it, and no other


def test_the_attempts_work_where_nothing_is_confined(folder: Path, unconfined: Decoder) -> None:
    outcomes = {attempt: outcome_of(attempt, folder, unconfined) for attempt in ATTEMPTS}
    failed = {attempt for attempt, outcome in outcomes.items() if outcome != "done"}
    assert failed <= {"go around the filter"}, outcomes  # EFAULT: what it gives is no memory


def samples_of(sound: Decoding) -> Any:
    blocks = []
    while (block := sound.read()).shape[0]:
        blocks.append(block)
    return np.concatenate(blocks)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_decoded_to_the_bit(name: str, tmp_path: Path, confined: Decoder) -> None:
    format_, subtype, rate = FORMATS[name]
    path, pipe = tmp_path / "x", tmp_path / "pipe"
    soundfile.write(path, noise(1.5, -20, rate=rate).reshape(-1, 2), rate, subtype, format=format_)
    wanted = read_sound_file(str(path))[0].tobytes()
    by_path = confined.open(str(path))
    assert by_path.unconfined is None
    assert samples_of(by_path).tobytes() == wanted
    with path.open("rb") as file:
        assert samples_of(confined.open("x", file)).tobytes() == wanted
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()))
    writing.start()
    assert samples_of(confined.open_once(str(pipe))).tobytes() == wanted
    writing.join()


def test_joined_recordings_of_two_rates_are_resampled_and_mixed(
    tmp_path: Path, confined: Decoder
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(440, 1.0), 16_000)
    soundfile.write(tmp_path / "b.wav", noise(1.0, -20, rate=44_100).reshape(-1, 2), 44_100)
    joined = tmp_path / "joined.wav"
    joined.write_bytes(b"".join((tmp_path / f"{name}.wav").read_bytes() for name in "ab"))
    samples = samples_of(confined.open(str(joined)))
    assert samples.shape == (24_000, 1)
    assert samples.tobytes() == read_sound_file(str(joined))[0].tobytes()


def test_what_is_too_large_for_memory_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "MOST_BYTES_HELD", 1000)
    wanted = read_sound_file(str(DEMO))[0].tobytes()
    with Decoder() as begun:
        sound = begun.open("x", io.BytesIO(DEMO.read_bytes()))
        assert sound.unconfined is None
        assert samples_of(sound).tobytes() == wanted


def state_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_it_holds_the_file_and_nothing_else_of_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    with (tmp_path / "secret").open("rb") as secret, Decoder() as begun:
        os.set_inheritable(secret.fileno(), True)
        begun.open(str(DEMO)).read()
        places = Path(f"/proc/{begun._process.pid}/fd").iterdir()
        opened = sorted(str(place.readlink()).partition(":")[0] for place in places)
        assert opened == sorted(["/dev/null", str(DEMO), "pipe", "pipe", "socket"])


def test_it_may_neither_write_a_file_nor_leave_one_when_it_crashes() -> None:
    with Decoder() as begun:
        begun.open(str(DEMO)).read()
        limits = Path(f"/proc/{begun._process.pid}/limits").read_text()
    for name in ("Max file size", "Max core file size", "Max processes"):
        (line,) = (line for line in limits.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == ["0", "0"]


def test_the_one_that_replaces_a_crashed_one_is_confined_too() -> None:
    with Decoder() as begun:
        begun.open(str(DEMO)).read()
        first = begun._process.pid
        os.kill(first, signal.SIGSEGV)
        begun._process.wait(20)
        sound = begun.open(str(DEMO))
        assert begun._process.pid != first
        assert sound.unconfined is None
        state = state_of(begun._process.pid)
        assert (state["Seccomp"], state["NoNewPrivs"]) == ("2", "1")


def test_an_assertion_of_a_library_ends_it_as_ever(tmp_path: Path) -> None:
    abort = "attempts.ATTEMPTS['abort'] = lambda _: attempts.os.abort(); "
    crashed = pytest.raises(SourceError, match=r"its decoder crashed \(SIGABRT\)")
    with started(USING + abort) as begun, crashed:
        begun.open("x", io.BytesIO(HEAD + f"abort\n{tmp_path}".encode()))


PATHS = {
    "analyze": "main(['analyze', FILE, '--model', 'lite'])",
    "analyze -": "main(['analyze', '-', '--model', 'lite'])",
    "enroll": "main(['enroll', 'x', '--source', FILE, '--model', 'lite'])",
    "run --source FILE": "main(['run', '--source', FILE, '--model', 'lite', '--once', *QUIET])",
    "run --source demo": "main(['run', '--source', 'demo', '--model', 'lite', '--once', *QUIET])",
    "emotiond.analyze": "emotiond.analyze(FILE, model='lite')",
    "emotiond.analyze of an open file": "emotiond.analyze(open(FILE, 'rb'), model='lite')",
}


@pytest.mark.parametrize("path", PATHS)
def test_every_way_of_a_file_leads_through_a_confined_decoder(path: str, tmp_path: Path) -> None:
    """No libsndfile in the process itself; what its decoder says of itself is written down."""
    program = (
        "import sys, emotiond; from emotiond.streamer.cli import main\n"
        "from emotiond.streamer.readers.decoder import Decoding\n"
        f"FILE, QUIET = {str(DEMO)!r}, ['--speed', 'max', '--port', '0']\n"
        "seen, receive = [], Decoding._receive\n"
        "open_ = Decoding.__init__\n"
        "def opened(self, *given):\n"
        "    open_(self, *given)\n"
        "    seen.append(self.unconfined)\n"
        "Decoding.__init__ = opened\n"
        f"try: status = {PATHS[path]}\n"
        "except SystemExit as end: status = end.code\n"
        "loaded = 'libsndfile' in open('/proc/self/maps').read()\n"
        "print('decoded', seen, loaded, file=sys.stderr)\n"
    )
    with DEMO.open("rb") as demo:
        ended = subprocess.run(
            [sys.executable, "-c", program],
            stdin=demo,
            env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert "decoded [None] False" in ended.stderr, ended.stderr


def test_uploads_are_samples_and_need_no_decoder() -> None:
    with running_daemon("--source", str(DEMO), "--model", "lite") as daemon:
        (child,) = await_decoders(daemon.process.pid, 1)
        with calling(daemon.websocket_url) as caller:
            caller.analysis(pcm(demo()))
        assert await_decoders(daemon.process.pid, 1) == [child]
        assert state_of(child)["Seccomp"] == "2"
        assert "libsndfile" not in Path(f"/proc/{daemon.process.pid}/maps").read_text()


def test_without_the_library_it_decodes_as_before_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    confinement.warn.cache_clear()
    missing = "import emotiond.streamer.readers.confinement as c; c._LIBRARY = 'libnone.so'; "
    with started(missing) as begun:
        for _ in range(2):
            sound = begun.open(str(DEMO))
            assert samples_of(sound).shape[0]
            assert sound.unconfined is not None
            assert sound.unconfined.problem == "libnone.so is missing"
    (line,) = caplog.messages
    assert line == (
        "recordings are decoded unconfined: libnone.so is missing. "
        "Install it: sudo apt-get install libseccomp2"
    )


def test_a_kernel_that_refuses_the_filter_is_reported() -> None:
    """The filter itself refuses a second one."""
    program = (
        "import ctypes, sys; from emotiond.streamer.readers import confinement as c; "
        "library = ctypes.CDLL(c._LIBRARY); first = c._load_filter(library); "
        "c.ctypes.CDLL = lambda _: library; c.sys.modules['resource'].setrlimit = print; "
        "print(first, c.confine())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", "import resource; " + program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "0 Unconfined(problem='the system refuses the filter of system calls (" in ended.stdout


def test_the_calls_are_known_to_the_library() -> None:
    library = ctypes.CDLL(confinement._LIBRARY)
    unknown = -1
    for name, _ in confinement._rules():
        assert library.seccomp_syscall_resolve_name(name.encode()) != unknown, name
