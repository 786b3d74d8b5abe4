"""Checks this machine part by part, with a remedy for every fault."""

from __future__ import annotations

import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np

from emotiond.dsp.framing import frame_view
from emotiond.dsp.frontend import FrontEnd
from emotiond.dsp.level import SILENCE_DBFS, levels_dbfs, mean_level_dbfs
from emotiond.dsp.mono import mix_down
from emotiond.exceptions import EmotiondError, cause_of
from emotiond.inference.card import SAMPLE_RATE
from emotiond.inference.catalog import bundled_models
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.runtime import LITERT, Runtime, find_runtime
from emotiond.streamer.audio.ring import Block, Ring
from emotiond.streamer.interpreter_check import try_interpreter
from emotiond.streamer.options import default_settings
from emotiond.streamer.profiles import profile_names, read_profile
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.settings.config import Config
from emotiond.streamer.sources.capture import Capture
from emotiond.streamer.sources.devices import list_microphones
from emotiond.streamer.sources.factory import open_source
from emotiond.streamer.sources.file import demo_path
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.portaudio import Device
from emotiond.streamer.sources.sound_server import ServerPrograms
from emotiond.streamer.sources.source import Playback

_LISTEN_SECONDS = 5.0
_TRIALS = 20
_QUIETEST_DBFS, _LOUDEST_DBFS = -70.0, -3.0
_HIGHEST_FACTOR = 0.5  # real-time factor; above it, nothing else could run


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    status: Literal["ok", "warning", "error"]
    detail: str
    remedy: str = ""
    """What to do; empty without a fault."""


def examine() -> Iterator[Finding]:
    """Run all checks, quick ones first. A failed check does not prevent the others."""
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield _guarded("numpy", _numpy)
    runtime: Runtime | None = None
    try:
        try_interpreter()
        runtime = find_runtime()
        yield Finding("interpreter", "ok", f"{runtime.package} {runtime.version}")
    except Exception as error:
        yield _failed("interpreter", error)
    if runtime is not None:
        for path in bundled_models():
            yield _guarded(f"model {path.stem}", partial(_speed, path, runtime))
    yield _guarded("decoder", _decoder)
    yield from _profiles()
    yield _guarded("portaudio", _portaudio)
    yield from _devices()
    yield _guarded("microphone", _listen)


def _failed(check: str, error: Exception, status: Literal["warning", "error"] = "error") -> Finding:
    """Return the finding of a check that raised an error, whatever it is."""
    if isinstance(error, EmotiondError):
        return Finding(check, status, error.problem, error.remedy)
    if isinstance(error, OSError) and error.filename is not None:
        return Finding(check, status, f"{error.filename}: {error.strerror}", "Check this file")
    return Finding(check, status, cause_of(error), "Report it with this output")


def _guarded(check: str, examine_one: Callable[[], Finding]) -> Finding:
    try:
        return examine_one()
    except Exception as error:  # a fault in one check must not hide the others
        return _failed(check, error)


def _numpy() -> Finding:
    try:
        runtime = f", tflite-runtime {version('tflite-runtime')}"
    except PackageNotFoundError:
        return Finding("numpy", "ok", np.__version__)
    if int(np.__version__.split(".")[0]) >= 2 and _missing(LITERT):
        remedy = f"Install an older one: {sys.executable} -m pip install 'numpy<2'"
        return Finding("numpy", "error", np.__version__ + runtime, remedy)
    return Finding("numpy", "ok", np.__version__ + runtime)


def _missing(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return True
    return False


def _speed(path: Path, runtime: Runtime) -> Finding:
    """Measure the real-time factor of a stream, features and inference together."""
    model = read_model(path)
    check = f"model {model.card.name}"
    if model.card.name == "full" and runtime.package != LITERT:
        return Finding(check, "ok", "left out: it needs ai-edge-litert; 'lite' is the default here")
    classifier = Classifier(model, runtime)
    front_end = FrontEnd(model.card.recipe, model.card.shape)
    stride = Config().stride_samples
    noise = np.random.default_rng(0).normal(0, 0.1, stride).astype(np.float32)
    noise[: stride // 4] = 0  # without pauses, it would become the noise floor
    encoding = classifier.encoding()
    spent: list[float] = []
    while len(spent) < _TRIALS:
        began = time.perf_counter()
        window = front_end.push(noise).window
        if window is not None:
            classifier.infer(window, encoding, None)
            spent.append(time.perf_counter() - began)
    seconds, stride_seconds = float(np.median(spent)), stride / SAMPLE_RATE
    factor = seconds / stride_seconds
    detail = f"{seconds * 1000:.1f} ms per {stride_seconds:g} s, real-time factor {factor:.3f}"
    if factor > _HIGHEST_FACTOR:
        remedy = "Use a longer --stride, or --model lite"
        return Finding(check, "error", detail, remedy)
    return Finding(check, "ok", detail)


def _decoder() -> Finding:
    """Decode the demo, and say what else a recording could do to this machine."""
    with Decoder() as decoder:
        unconfined = decoder.open(demo_path()).unconfined
    if unconfined is not None:
        detail = f"it decodes, unconfined: {unconfined.problem}"
        return Finding("decoder", "warning", detail, unconfined.remedy)
    detail = "confined by seccomp: no files but the one it is given, no network, no programs"
    return Finding("decoder", "ok", detail)


def _profiles() -> Iterator[Finding]:
    """Check the profiles of the user."""
    try:
        names = profile_names()
    except Exception as error:  # profiles are optional
        yield _failed("profiles", error, "warning")
        return
    for name in names:
        try:
            profile = read_profile(name)
        except Exception as error:
            yield _failed(f"profile {name}", error, "warning")
        else:
            yield Finding(f"profile {name}", "ok", f"of a voice, for the model {profile.model!r}")


def _portaudio() -> Finding:
    with Capture() as capture:
        return Finding("portaudio", "ok", capture.version())


def _devices() -> Iterator[Finding]:
    try:
        with Capture() as capture:
            found, _ = list_microphones(capture, ServerPrograms())
    except Exception:
        return  # the check of PortAudio, or of the microphone, reports it
    for device in found:
        yield _guarded(f"device {device.index}", partial(_device, device))


def _device(device: Device) -> Finding:
    with Capture() as capture:
        opening = capture.opening(device)
    how = (
        "at 16 kHz"
        if opening.sample_rate == SAMPLE_RATE
        else f"at {opening.sample_rate} Hz, resampled"
    )
    channels = "" if opening.channels == 1 else f", {opening.channels} channels mixed"
    default = ", the default" if device.is_default else ""
    return Finding(
        f"device {device.index}",
        "ok",
        f"{device.name} ({device.api}) opens {how}{channels}{default}",
    )


def _listen() -> Finding:
    """Check the level of five seconds from the default microphone."""
    playback = Playback(realtime=True, loop=False)
    microphone = open_source(MICROPHONE.value, default_settings, playback)
    ring = Ring(
        math.ceil((_LISTEN_SECONDS + 1) * microphone.sample_rate),
        microphone.channels,
        microphone.sample_rate,
    )
    microphone.start(ring, lambda *_: None)
    time.sleep(_LISTEN_SECONDS)
    microphone.stop()
    ring.end()
    return _check_level(ring.read(ring.available), ring.sample_rate)


def _check_level(block: Block | None, sample_rate: int) -> Finding:
    check = "microphone"
    seconds = 0.0 if block is None else block.samples.shape[0] / sample_rate
    if block is None or seconds < _LISTEN_SECONDS / 2:
        detail = f"only {seconds:.1f} of {_LISTEN_SECONDS:g} s came"
        remedy = (
            "Plug it in again, start the sound server again (PulseAudio: pulseaudio -k; PipeWire: "
            "systemctl --user restart pipewire), or choose another one"
        )
        return Finding(check, "error", detail, remedy)
    mono = mix_down(block.samples, sample_rate)
    level = mean_level_dbfs(levels_dbfs(frame_view(mono, sample_rate // 100, sample_rate // 100)))
    peak = float(20 * np.log10(max(float(np.abs(mono).max()), 1e-6)))
    detail = f"{seconds:.1f} s at {level:.0f} dBFS, peak {peak:.0f} dBFS"
    if level <= SILENCE_DBFS + 1:
        remedy = "Unmute it, and allow this program to use it"
        return Finding(check, "error", detail + ": digital silence", remedy)
    if peak < _QUIETEST_DBFS:
        remedy = "Turn its level up, and speak during the check"
        return Finding(check, "warning", detail + ": very quiet", remedy)
    if peak > _LOUDEST_DBFS:
        return Finding(check, "warning", detail + ": it clips", "Turn its level down")
    return Finding(check, "ok", detail)
