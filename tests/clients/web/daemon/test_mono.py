"""The page mixes channels as the daemon does: in files, and in the browser's sound thread."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from emotiond.dsp.mono import mix_down
from emotiond.dsp.types import FloatArray
from tests.support.mono import CANCELLING, ORDINARY
from tests.support.signals import RATE

pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.system

SOUNDS = {**CANCELLING, **ORDINARY}
SECONDS = 3
UNPACK = """const unpack = (text) => new Float32Array(
  Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const bufferOf = (channels, rate) => {
  const buffer = new AudioBuffer({
    length: channels[0].length, numberOfChannels: channels.length, sampleRate: rate });
  channels.forEach((channel, number) => buffer.copyToChannel(channel, number));
  return buffer;
};"""
FILE = (
    "async ([texts, rate]) => {"
    + UNPACK
    + """
  const { mixDown } = await import("/daemon/samples.js");
  return Array.from(mixDown(bufferOf(texts.map(unpack), rate)));
}"""
)
MICROPHONE = (
    "async ([texts, rate]) => {"
    + UNPACK
    + """
  const channels = texts.map(unpack);
  const context = new OfflineAudioContext(channels.length, channels[0].length, rate);
  await context.audioWorklet.addModule("/speak/capture-worklet.js");
  const capture = new AudioWorkletNode(context, "capture", {
    numberOfOutputs: 0, channelCount: channels.length, channelInterpretation: "discrete" });
  const mono = [];
  const full = Math.floor(channels[0].length / Math.round(0.05 * rate)) * Math.round(0.05 * rate);
  const complete = new Promise((resolve) => {
    capture.port.onmessage = ({ data }) => {
      mono.push(...data);
      if (mono.length >= full) resolve();
    };
  });
  const source = new AudioBufferSourceNode(context, { buffer: bufferOf(channels, rate) });
  source.connect(capture);
  source.start();
  await context.startRendering();
  await complete;
  return mono;
}"""
)


def mixed_by(page: Any, script: str, sound: FloatArray) -> FloatArray:
    texts = [base64.b64encode(np.ascontiguousarray(c).tobytes()).decode() for c in sound.T]
    return np.array(page.evaluate(script, [texts, RATE]), np.float32)


@pytest.mark.parametrize("name", SOUNDS)
def test_a_file_of_the_page_is_mixed_as_by_the_daemon(page: Any, name: str) -> None:
    sound = SOUNDS[name][: SECONDS * RATE]
    mono = mixed_by(page, FILE, sound)
    np.testing.assert_allclose(mono, mix_down(sound, RATE), atol=1e-6)


@pytest.mark.parametrize("name", ["exactly", "with hiss", "two of four", "a delay"])
def test_a_microphone_of_the_page_is_mixed_as_by_the_daemon(page: Any, name: str) -> None:
    sound = SOUNDS[name][: SECONDS * RATE]
    mono = mixed_by(page, MICROPHONE, sound)
    assert mono.size == sound.shape[0] // 800 * 800
    np.testing.assert_allclose(mono, mix_down(sound, RATE)[: mono.size], atol=1e-6)
