"""Measures the age of the sound when its event reaches a client."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.support.clients import Arrival, ZeroMQSubscriber, receive_websocket
from benchmarks.support.daemon import running_daemon
from benchmarks.support.demo import DEMO, demo
from benchmarks.support.harness import Plot, Section
from benchmarks.support.inference import inference_ms
from benchmarks.support.sound_server import SoundServer, sound_server
from emotiond.dsp.framing import FrameStream
from emotiond.dsp.gate import LevelGate
from emotiond.dsp.level import levels_dbfs
from emotiond.dsp.resample import Resampler
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.catalog import find_model
from emotiond.inference.runtime import find_runtime

_BLOCK_MS = 10.0
_STRIDES = {"lite": "0.1", "full": "0.25"}
_OTHER_RATES = (8_000, 44_100, 48_000)  # of the microphone, in Hz


def measure(quick: bool) -> Section:
    """Play into the microphone of a sound server; a WebSocket and a ZeroMQ client receive."""
    seconds = 5.0 if quick else 20.0  # the demo recording is longer
    rows, curves = [], {}
    median_ms = {model: inference_ms(model, float(_STRIDES[model])) for model in _STRIDES}
    runs = [
        *((model, SAMPLE_RATE) for model in _STRIDES),
        *(("lite", rate) for rate in _OTHER_RATES),
    ]
    for model, rate in runs:
        stride = _STRIDES[model]
        with sound_server(rate) as server:
            websocket, zeromq, onset = _arrivals(server, model, stride, seconds)
        for client, arrivals in (("WebSocket", websocket), ("ZeroMQ", zeromq)):
            ages = [a.age_ms for a in arrivals if a.event["state"] in ("speech", "uncertain")]
            p50, p99 = np.percentile(ages, [50, 99])
            bound = _BLOCK_MS + _held_back_ms(rate) + median_ms[model]
            name = f"{model}, {stride} s, {rate / 1000:g} kHz"
            rows.append([name, client, f"{p50:.1f}", f"{p99:.1f}", f"{bound:.1f}", onset])
            if client == "WebSocket" or rate == SAMPLE_RATE:
                share = np.linspace(0, 100, len(ages))
                curves[f"{name}, {client}"] = (sorted(ages), share.tolist())
    plot = Plot("Age of an event at the client", "age_ms", "% of events", curves)
    return Section(
        title="Latency",
        header=[
            *("model, stride, microphone", "client", "p50 ms", "p99 ms"),
            *("block + resampling + inference, ms", "onset s"),
        ],
        rows=rows,
        note="Time from the capture of a window's last sample to the client, in speech. *Onset*: "
        "time from the beginning of the speech at the player to the first label at the client. "
        "*Resampling*: what the filter from the microphone's rate to 16 kHz holds back. "
        "*Inference*: median of the model alone, in a loop, just before.",
        plots={"latency": plot},
    )


def _arrivals(
    server: SoundServer, model: str, stride: str, seconds: float
) -> tuple[Sequence[Arrival], Sequence[Arrival], str]:
    arguments = ("--source", "mic", "--model", model, "--stride", stride)
    with running_daemon(*arguments, environment=server.environment) as daemon:
        zeromq = ZeroMQSubscriber(daemon.zeromq_endpoint)
        began = time.time() + _lead_seconds()
        server.play(DEMO)
        websocket = receive_websocket(daemon.websocket_url, seconds)
        arrivals = zeromq.stop()
    labelled = [a.unix_seconds for a in websocket if a.event["label"]]
    onset = f"{labelled[0] - began:.2f}" if labelled else "none"
    return websocket, arrivals, onset


def _lead_seconds() -> float:
    """Return the silence at the beginning of the demo recording, by the speech gate."""
    gate, recipe = LevelGate(100), find_model("lite", find_runtime()).card.recipe
    levels = levels_dbfs(FrameStream(recipe).push(demo())[:, 1:])
    while gate.onset_frame is None:
        level, levels = levels[:1], levels[1:]
        gate.push(level)
    return gate.onset_frame * recipe.hop_length / SAMPLE_RATE


def _held_back_ms(rate: int) -> float:
    """Return the sound that live resampling to 16 kHz holds back."""
    resampler = Resampler(rate, SAMPLE_RATE, live=True)
    came = len(resampler.push(np.zeros(rate, np.float32)))
    return 1000 * (1 - came / SAMPLE_RATE)
