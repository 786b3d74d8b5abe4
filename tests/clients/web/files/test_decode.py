"""The page decodes a file to the times that ``analyze`` shows for it, within one stride."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest

from emotiond.dsp.mono import mix_down
from emotiond.dsp.resample import Resampler
from emotiond.dsp.types import FloatArray
from emotiond.streamer.readers.libsndfile_reader import LibsndfileReader
from tests.support.opus_streams import from_mp4, from_webm, to_ogg
from tests.support.signals import RATE, demo
from tests.support.sound_files import encoded, without_count

pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.system

STRIDE_SECONDS = 0.25
DECODE = """async (text) => {
  const { decode } = await import("/files/decode.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Array.from(await decode(new File([bytes], "x"), 1800));
}"""
SOUND = demo()[: 6 * RATE]
VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.3}
FILES = {
    "WAV": lambda: encoded(SOUND, "WAV"),
    "FLAC": lambda: encoded(SOUND, "FLAC"),
    "Vorbis": lambda: encoded(SOUND, "OGG", subtype="VORBIS"),
    "Opus": lambda: encoded(SOUND, "OGG", subtype="OPUS"),
    "MP3": lambda: encoded(SOUND, "MP3"),
    "MP3, variable": lambda: encoded(SOUND, "MP3", **VARIABLE),
    "MP3 without a count": lambda: without_count(encoded(SOUND, "MP3")),
    "MP3, variable, without a count": lambda: without_count(encoded(SOUND, "MP3", **VARIABLE)),
}


# Plays a sound to a recorder of the browser, as a page records its microphone.
RECORD = """async ([text, type]) => {
  const samples = Int16Array.from(atob(text).match(/../gs),
    (pair) => pair.charCodeAt(0) | pair.charCodeAt(1) << 8);
  const context = new AudioContext({ sampleRate: 48000 });
  const buffer = context.createBuffer(1, samples.length, 16000);
  buffer.copyToChannel(Float32Array.from(samples, (sample) => sample / 32768), 0);
  const player = new AudioBufferSourceNode(context, { buffer });
  const end = context.createMediaStreamDestination();
  player.connect(end);
  const recorder = new MediaRecorder(end.stream, { mimeType: type });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  player.onended = () => recorder.stop();
  recorder.onstart = () => player.start();
  recorder.start(1000);
  await stopped;
  await context.close();
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
RECORDERS = {
    "audio/webm;codecs=opus": from_webm,
    "audio/mp4;codecs=opus": from_mp4,
}


def shift_between(one: FloatArray, other: FloatArray) -> int:
    """By how many samples the first sound is later."""
    size = 2 ** int(np.ceil(np.log2(one.size + other.size)))
    product = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    shift = int(np.fft.irfft(product).argmax())
    return shift - size if shift > size // 2 else shift


@pytest.mark.parametrize("name", FILES)
def test_page_and_analyze_have_the_same_times(page: Any, name: str) -> None:
    content = FILES[name]()
    shown = np.array(page.evaluate(DECODE, base64.b64encode(content).decode())) / 32768
    reader = LibsndfileReader("x", io.BytesIO(content))
    analyzed = mix_down(reader.read(10**7), reader.sample_rate)
    assert reader.sample_rate == RATE
    assert abs(shift_between(shown, analyzed)) / RATE < STRIDE_SECONDS
    assert abs(shown.size - analyzed.size) / RATE < STRIDE_SECONDS


@pytest.mark.parametrize("type_", RECORDERS)
def test_so_they_have_for_what_a_browser_recorded(page: Any, type_: str) -> None:
    played = base64.b64encode((SOUND * 32767).astype("<i2").tobytes()).decode()
    recorded = page.evaluate(RECORD, [played, type_])
    shown = np.array(page.evaluate(DECODE, recorded)) / 32768
    # analyze reads no WebM and no MP4: it gets the same packets in Ogg.
    ogg = to_ogg(*RECORDERS[type_](base64.b64decode(recorded)))
    analyzed = Resampler(48_000, RATE).push(_mono(ogg), last=True)
    assert shown.size / RATE > SOUND.size / RATE - STRIDE_SECONDS  # the recorder begins earlier
    assert abs(shift_between(shown, analyzed)) / RATE < STRIDE_SECONDS
    assert abs(shown.size - analyzed.size) / RATE < STRIDE_SECONDS


def _mono(content: bytes) -> FloatArray:
    reader = LibsndfileReader("x", io.BytesIO(content))
    assert reader.sample_rate == 48_000
    return mix_down(reader.read(10**7), 48_000)
