from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.file import FileSource
from tests.support.processes import await_end, decoders, needs_proc
from tests.support.signals import demo, noise, tone


def save(path: Path, samples: FloatArray, rate: int = 16_000, **details: Any) -> str:
    soundfile.write(str(path), samples, rate, **details)
    return str(path)


def ignore_status(status: str, detail: str) -> None:
    pass


def play(path: str, most: int | None = None, **options: Any) -> tuple[FloatArray, FileSource]:
    """Return what a source writes at full speed into a ring that is always emptied."""
    source = FileSource(path, realtime=False, loop=False, **options)
    ring = Ring(2 * source.sample_rate, source.channels, source.sample_rate)
    woken = threading.Event()
    ring.on_wake(woken.set)
    source.start(ring, ignore_status)
    played = [np.empty((0, source.channels), np.float32)]
    while True:
        woken.clear()
        ended, block = ring.ended, ring.read(100)
        if block is not None:
            played.append(block.samples)
        elif ended:
            break
        elif ring.wake_at(ring.position + 100):
            assert woken.wait(60)
    assert ring.lost_samples == 0
    return np.concatenate(played), source


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_any_channels_are_played_to_the_end(
    tmp_path: Path, rate: int, channels: int
) -> None:
    sound = noise(0.31, -20, rate=rate * channels).reshape(-1, channels)
    played, source = play(save(tmp_path / "x.wav", sound, rate, subtype="FLOAT"))
    assert (source.sample_rate, source.channels) == (rate, channels)
    assert source.failure is None
    np.testing.assert_array_equal(played, sound)


@pytest.mark.parametrize(
    ("format_", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_U8"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_16"),
        ("WAV", "GSM610"),
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x", "x.wav", "ünïcode and space.mp3"])
def test_a_file_is_recognised_by_its_content(
    tmp_path: Path, format_: str, subtype: str, name: str
) -> None:
    path = tmp_path / name
    save(path, tone(440, 0.5), format=format_, subtype=subtype)
    played, _ = play(str(path))
    assert played.shape[0] >= 8000
    assert np.sqrt(np.mean(played[1000:7000] ** 2)) == pytest.approx(0.354, rel=0.1)


@pytest.mark.parametrize("format_", ["WAV", "FLAC", "OGG", "MP3"])
def test_blocks_hold_the_exact_samples_of_the_file(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "x"
    save(path, np.tile(tone(440, 0.5) + noise(0.5, -30), 2), format=format_)
    whole, _ = soundfile.read(str(path), dtype="float32", always_2d=True)
    played, _ = play(str(path))
    np.testing.assert_allclose(played[: whole.shape[0]], whole, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 8000])
def test_samples_that_are_no_numbers_end_it_with_a_reason(
    tmp_path: Path, value: float, at: int
) -> None:
    sound = tone(440, 1.0)
    sound[at] = value
    path = save(tmp_path / "x.wav", sound, subtype="FLOAT")
    played, source = play(path)
    assert played.shape[0] <= at
    assert np.isfinite(played).all()
    assert source.failure is not None
    assert "not finite numbers" in source.failure
    assert source.failure.startswith(path)


def test_samples_beyond_full_scale_are_played_as_they_are(tmp_path: Path) -> None:
    played, _ = play(save(tmp_path / "x.wav", 8 * tone(440, 0.2), subtype="FLOAT"))
    assert played.max() == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_at_the_scale_of_integers_end_it_with_a_reason(tmp_path: Path, subtype: str) -> None:
    path = save(tmp_path / "x.wav", 32_767 * demo()[:32_000], subtype=subtype)
    played, source = play(path)
    assert np.abs(played).max(initial=0) <= 16
    assert source.failure is not None
    assert source.failure.startswith(f"{path}: samples reach")
    assert "Divide them by 32768" in source.failure


@pytest.mark.parametrize("format_", ["WAV", "MP3"])
@pytest.mark.parametrize("keep", [0.9, 0.5, 0.25])
def test_a_truncated_file_is_played_up_to_the_cut(
    tmp_path: Path, format_: str, keep: float
) -> None:
    path = tmp_path / "x"
    save(path, noise(2.0, -20), format=format_)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    played, _ = play(str(path))
    assert 0.2 * keep * 32_000 < played.shape[0] < 32_000


@pytest.mark.parametrize("format_", ["FLAC", "OGG", "AIFF"])
@pytest.mark.parametrize("keep", [0.9, 0.5, 0.01])
def test_another_truncated_file_is_played_or_refused_in_one_line(
    tmp_path: Path, format_: str, keep: float
) -> None:
    path = tmp_path / "x"
    save(path, noise(2.0, -20), format=format_)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    try:
        played, _ = play(str(path))
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert played.shape[0] <= 32_000


def test_a_header_with_too_large_a_size_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    save(path, tone(440, 0.5))
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(content)
    played, _ = play(str(path))
    assert played.shape[0] == 8000


def test_digital_silence_is_sound(tmp_path: Path) -> None:
    played, source = play(save(tmp_path / "x.wav", np.zeros(8000, np.float32)))
    assert played.shape == (8000, 1)
    assert source.failure is None


def test_a_loop_begins_again_with_a_cut(tmp_path: Path) -> None:
    sound = tone(440, 0.1)
    source = FileSource(save(tmp_path / "x.wav", sound, subtype="FLOAT"), realtime=False, loop=True)
    ring = Ring(2 * 1600, 1, 16_000)
    woken = threading.Event()
    ring.on_wake(woken.set)
    source.start(ring, ignore_status)
    joints: list[tuple[int, bool]] = []
    after_cut = False
    while len(joints) < 6:
        woken.clear()
        block = ring.read(1600)
        if block is not None:
            after_cut |= block.after_cut
            if not block.samples.shape[0]:  # a cut comes before the audio behind it
                continue
            np.testing.assert_array_equal(block.samples[:, 0], sound)
            joints.append((block.position, after_cut))
            after_cut = False
        elif ring.wake_at(ring.position + 1600):
            assert woken.wait(60)
    source.stop()
    assert joints == [(1600 * k, k > 0) for k in range(6)]


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2)])
def test_a_file_that_is_replaced_by_one_of_another_form_ends_with_the_reason(
    tmp_path: Path, rate: int, channels: int
) -> None:
    path = save(tmp_path / "x.wav", tone(440, 0.2))
    source = FileSource(path, realtime=False, loop=True)
    samples = np.repeat(tone(440, 0.2)[:, np.newaxis], channels, axis=1)
    Path(save(tmp_path / "y.wav", samples, rate)).replace(path)  # the first is open
    ring = Ring(32_000, 1, 16_000)
    woken = threading.Event()
    ring.on_wake(woken.set)
    source.start(ring, ignore_status)
    while not ring.ended:
        woken.clear()
        if ring.read(100) is None and ring.wake_at(ring.position + 100):
            assert woken.wait(60)
    assert source.failure is not None
    assert f"replaced by a file of {rate} Hz with {channels} channels" in source.failure


def test_it_ends_when_it_is_stopped(tmp_path: Path) -> None:
    source = FileSource(save(tmp_path / "x.wav", tone(440, 0.5)), realtime=True, loop=True)
    ring = Ring(16_000, 1, 16_000)
    ended = threading.Event()
    ring.on_wake(ended.set)
    assert ring.wake_at(10**9)
    source.start(ring, ignore_status)
    source.stop()
    assert ended.wait(60)
    assert ring.ended
    source.stop()


def test_in_real_time_samples_are_captured_when_they_are_due(tmp_path: Path) -> None:
    source = FileSource(save(tmp_path / "x.wav", tone(440, 0.1)), realtime=True, loop=False)
    ring = Ring(16_000, 1, 16_000)
    ended = threading.Event()
    ring.on_wake(ended.set)
    assert ring.wake_at(10**9)
    source.start(ring, ignore_status)
    assert ended.wait(60)
    first, last = ring.capture_time(320), ring.capture_time(1600)
    assert first is not None
    assert last is not None
    assert last - first == pytest.approx(0.08)


def test_in_real_time_a_waiting_reader_wakes_once_with_all_samples_it_asked_for(
    tmp_path: Path,
) -> None:
    path = save(tmp_path / "x.wav", noise(1.0, -20))
    source = FileSource(path, realtime=True, loop=False)
    ring, woken = Ring(16_000, 1, 16_000), threading.Event()
    ring.on_wake(woken.set)
    ring.wake_at(1_234)  # no multiple of the blocks that it otherwise writes
    source.start(ring, ignore_status)
    assert woken.wait(60)
    source.stop()
    assert ring.available == 1_234


@needs_proc
def test_one_that_is_stopped_before_it_starts_leaves_no_decoder(tmp_path: Path) -> None:
    before = set(decoders(os.getpid()))
    source = FileSource(save(tmp_path / "x.wav", tone(440, 0.1)), realtime=True, loop=False)
    (own,) = set(decoders(os.getpid())) - before
    source.stop()
    await_end(own)
