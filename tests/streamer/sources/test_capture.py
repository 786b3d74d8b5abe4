"""The process that captures, with stand-ins for a PortAudio that misbehaves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import DeviceError, NoMicrophoneError, NoSoundSystemError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources import capture as capturing
from emotiond.streamer.sources.capture import Capture
from emotiond.streamer.sources.microphone import Microphone

PORTAUDIO = """
import os, struct, sys, threading, time
class PortAudioError(Exception): pass
class default: device = (0, 0)
rate, channels = 16000, 1
def query_hostapis(): return [{"name": "made up"}]
def query_devices():
    return [{"name": "a", "hostapi": 0, "max_input_channels": 1, "default_samplerate": rate}]
def check_input_settings(device, channels, samplerate, dtype=None):
    if samplerate != rate: raise PortAudioError("not this rate")
class RawInputStream:
    latency, active = 0.02, True
    def __init__(self, callback, blocksize, **_): self.callback, self.size = callback, blocksize
    def start(self): threading.Thread(target=self.play, daemon=True).start()
    def play(self):
        class times: inputBufferAdcTime = 0.0
        class status: input_overflow = False
        number = 0
        while True:
            time.sleep(0.01)
            number += 1
            self.callback(struct.pack("<f", 0.25) * self.size, self.size, times, status)
"""
"""A ``sounddevice`` with a device that gives blocks of 0.25."""
PATIENCE_SECONDS = 30


@pytest.fixture
def misbehave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the processes import a stand-in for PortAudio, which a test may spoil."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "sounddevice.py").write_text(PORTAUDIO)
    return tmp_path / "sounddevice.py"


def spoil(module: Path, line: str) -> None:
    module.write_text(f"{PORTAUDIO}{line}\n")


def blocks_of(capture: Capture, count: int) -> list[tuple[FloatArray, float, int]]:
    found: list[tuple[FloatArray, float, int]] = []
    done = threading.Event()

    def note(block: FloatArray, came_seconds: float, lost_samples: int) -> None:
        found.append((block, came_seconds, lost_samples))
        if len(found) == count:
            done.set()

    (device,) = capture.devices()
    assert capture.open(capture.opening(device)) == 0.02
    capture.play(note, done.set)
    assert done.wait(PATIENCE_SECONDS)
    return found


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_blocks_come_with_their_time(misbehave: Path) -> None:
    with Capture() as capture:
        before = time.monotonic()
        found = blocks_of(capture, 5)
    for block, came_seconds, lost_samples in found:
        np.testing.assert_array_equal(block, np.full((160, 1), 0.25, np.float32))
        assert before < came_seconds < time.monotonic()
        assert lost_samples == 0


@pytest.mark.parametrize(
    "line",
    [
        "def query_devices(): time.sleep(1e6)",
        "def query_devices():\n while True: os.write(2, b'ALSA lib pcm.c: error ' * 4096)",
    ],
)
def test_a_call_that_never_returns_is_given_up_with_its_process(
    misbehave: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(misbehave, line)
    monkeypatch.setattr(capturing, "_PATIENCE_SECONDS", 1.0)
    with Capture() as capture, pytest.raises(NoMicrophoneError, match="does not answer"):
        capture.devices()
    assert not is_running(capture.process_id)


def test_a_crash_is_an_error_and_not_the_end_of_the_daemon(misbehave: Path) -> None:
    spoil(misbehave, "def query_devices(): os.abort()")
    with Capture() as capture, pytest.raises(DeviceError, match="PortAudio crashed"):
        capture.devices()


def test_a_missing_library_has_a_remedy(misbehave: Path) -> None:
    spoil(misbehave, "raise OSError('PortAudio library not found')")
    with Capture() as capture, pytest.raises(NoSoundSystemError, match="library not found"):
        capture.devices()


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_device_that_stays_active_without_blocks_is_left_and_found_again(
    misbehave: Path, tmp_path: Path
) -> None:
    """As PortAudio after the end of PipeWire: active, and its calls never return."""
    flag = tmp_path / "stalls"
    flag.touch()
    spoil(
        misbehave,
        f"play = RawInputStream.play\n"
        f"def stall(self):\n"
        f"    if not os.path.exists({str(flag)!r}): return play(self)\n"
        f"    while True: os.write(2, b'ALSA lib pcm.c: error ' * 4096)\n"
        f"RawInputStream.play = stall",
    )
    statuses: list[str] = []
    said = threading.Event()

    def note(status: str, _detail: str) -> None:
        statuses.append(status)
        said.set()

    microphone = Microphone(None)
    microphone.start(Ring(160_000, 1, 16_000), note)
    assert said.wait(PATIENCE_SECONDS)
    flag.unlink()
    while statuses[-1] != "running":
        said.clear()
        assert said.wait(PATIENCE_SECONDS)
    assert statuses == ["reconnecting", "running"]  # never running without a block
    microphone.stop()
    assert microphone.switch.state == "off"


@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_a_microphone_of_any_rate_is_written_at_16_khz(misbehave: Path, rate: int) -> None:
    spoil(misbehave, f"rate = {rate}")
    microphone = Microphone(None)
    ring = Ring(160_000, 1, 16_000)
    came = threading.Event()
    ring.on_wake(came.set)
    ring.wake_at(8_000)
    microphone.start(ring, lambda *_: None)
    assert came.wait(PATIENCE_SECONDS)
    microphone.stop()
    block = ring.read(8_000)
    assert block is not None
    np.testing.assert_allclose(block.samples[4_000:], 0.25, atol=0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_process_ends_with_a_daemon_that_is_killed(misbehave: Path) -> None:
    spoil(misbehave, "def query_devices(): time.sleep(1e6)")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from emotiond.streamer.sources.capture import Capture;"
        "capture = Capture(); print(capture.process_id, flush=True); capture.devices()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(misbehave.parent)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_running(child)
        process.kill()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # another's child has no event


def test_the_process_starts_without_what_it_does_not_need() -> None:
    program = "import sys, emotiond.streamer.sources.capture_process; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "asyncio", "subprocess", "sounddevice"} & set(loaded)
