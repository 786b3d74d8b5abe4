"""The page decodes a file to the times that ``analyze`` shows for it, within one stride."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest

from emotiond.dsp.mono import mix_down
from emotiond.streamer.readers.libsndfile_reader import LibsndfileReader
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


@pytest.mark.parametrize("name", FILES)
def test_page_and_analyze_have_the_same_times(page: Any, name: str) -> None:
    content = FILES[name]()
    shown = np.array(page.evaluate(DECODE, base64.b64encode(content).decode())) / 32768
    reader = LibsndfileReader("x", io.BytesIO(content))
    analyzed = mix_down(reader.read(10**7), reader.sample_rate)
    assert reader.sample_rate == RATE
    size = 2 ** int(np.ceil(np.log2(shown.size + analyzed.size)))
    product = np.fft.rfft(shown, size) * np.conj(np.fft.rfft(analyzed, size))
    shift = int(np.fft.irfft(product).argmax())
    shift = shift - size if shift > size // 2 else shift
    assert abs(shift) / RATE < STRIDE_SECONDS
    assert abs(shown.size - analyzed.size) / RATE < STRIDE_SECONDS
