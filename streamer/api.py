"""The Python interface: ``emotiond.analyze`` and ``emotiond.listen``, without a daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Real
from typing import TypeAlias, TypeGuard

from emotiond.exceptions import ConfigError, SourceError
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Classifier
from emotiond.inference.parsing import build
from emotiond.inference.profile import Profile
from emotiond.streamer.interpreter_check import checked_runtime
from emotiond.streamer.offline.analyze import Analysis, analyze_source
from emotiond.streamer.offline.listen import Listening
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.readers.decoder import Decoder, Readable
from emotiond.streamer.readers.opening import is_own, is_pipe
from emotiond.streamer.settings.config import Config
from emotiond.streamer.sources.arrays import SampleReading, Samples, read_array
from emotiond.streamer.sources.factory import default_name, open_source
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.pulled_source import PulledSource
from emotiond.streamer.sources.source import Source

FilePath: TypeAlias = "str | os.PathLike[str]"
Recording: TypeAlias = "FilePath | Readable | tuple[Samples, int]"
Sound: TypeAlias = "Recording | tuple[Iterable[Samples], int]"

_PAIR_SIZE = 2
_ACCEPTED = "Give a path, an open binary file or (samples, sample_rate)"


def analyze(
    source: Recording, *, model: FilePath | None = "full", profile: str | None = None
) -> Analysis:
    """Analyze a whole recording, as ``emotiond analyze --format json`` does.

    Args:
        source: the recording:

            - a path;
            - a file that is open in binary mode, read from its present position, of 4 GiB at
              most;
            - a pair ``(samples, sample_rate)``: an array of shape ``(n,)`` or ``(n, channels)``,
              with floats from -1 to 1 or int16; and its rate in Hz, from 2000 to 384000.
        model: name of a bundled model (``"full"`` or ``"lite"``), or path of a ``.tflite`` file
            with its card beside it; None for the best that runs on this machine.
        profile: name of a voice profile, see ``emotiond enroll``; None for an unknown voice.

    Returns:
        The result: ``label``, ``confidence`` and ``scores`` of the whole on average (None without
        speech), ``shares`` of the time in which each label was published, ``is_mixed`` where that
        is more than one, ``duration`` and ``speech_seconds``, ``segments``, a ``Span`` for each
        span of one label, and ``events``, an ``Emotion`` for each 0.25 s and a ``Change`` for each
        change of the label. ``to_json()`` returns what the command prints.

    Raises:
        SourceError: the sound cannot be read, or is of a wrong type, shape or rate.
        ModelError: the model is unknown or broken; InterpreterError if nothing can run it.
        CardError: the card of the model is missing or broken.
        ProfileError: the profile is unknown, broken, or belongs to another model.
        ConfigError: an argument is of the wrong type.
    """
    config = _config(model, profile, Config.stride)
    name, sound = _open_recording(source)
    try:
        classifier, voice = _load(config)
    except BaseException:
        sound.stop()
        raise
    return analyze_source(name, sound, classifier, config.stride_samples, voice)


def listen(
    source: Sound,
    *,
    model: FilePath | None = "full",
    stride: float = Config.stride,
    profile: str | None = None,
) -> Listening:
    """Listen, and give the events of ``emotiond run --json`` one after the other.

    They are computed when they are asked for, in the thread that asks. A recording plays as
    fast as the events are taken. A microphone is opened with the first event that is asked for; if
    the events are taken too slowly, strides become longer first (``Status`` with ``overload``),
    then the oldest sound is dropped and counted in ``dropped_samples``.

    The result closes its source at the end of the sound, at the end of its ``with``, at an error,
    and by ``close()``, which any thread may call.

    Args:
        source: what to listen to:

            - ``"mic"``: the microphone (``pathlib.Path("mic")`` is a file of that name);
            - what :func:`analyze` takes: a path, an open binary file, ``(samples, sample_rate)``;
            - a pair ``(blocks, sample_rate)``: an iterable of arrays, such as a generator, each of
              any length and otherwise as in :func:`analyze`. It is asked for a block when the
              sound before it is processed, and is closed at the end if it has a ``close()``.
        model: as for :func:`analyze`.
        stride: seconds from one ``Emotion`` to the next, a multiple of 0.01 up to 10.
        profile: as for :func:`analyze`.

    Returns:
        An iterator of ``Emotion``, ``Change`` and ``Status``, and a context manager.

    Raises:
        SourceError: as for :func:`analyze`. What is found out later, such as a damaged file or a
            wrong block, is raised in the iteration.
        DeviceError: the microphone cannot be opened; NoMicrophoneError if there is none.
        ModelError: as for :func:`analyze`.
        CardError: as for :func:`analyze`.
        ProfileError: as for :func:`analyze`.
        ConfigError: the stride is out of range, or an argument is of the wrong type.
    """
    config = _config(model, profile, stride)
    name, sound, lossless = _open(source, config)
    try:
        classifier, voice = _load(config)
    except BaseException:
        sound.stop()
        raise
    return Listening(
        default_name(name), sound, classifier, config.stride_samples, voice, lossless=lossless
    )


def _config(model: object, profile: object, stride: object) -> Config:
    """Check the settings. Neither a file nor the environment has a say in them."""
    if isinstance(model, os.PathLike):
        model = os.fspath(model)
    if isinstance(stride, Real):
        stride = float(stride)
    try:
        return build(Config, {"model": model, "profile": profile, "stride": stride})
    except ValueError as error:
        raise ConfigError(str(error), "See help(emotiond.listen)") from None


def _load(config: Config) -> tuple[Classifier, Profile | None]:
    runtime = checked_runtime()
    model = find_model(config.model, runtime)
    voice = None if config.profile is None else profile_for(config.profile, model.card)
    return Classifier(model, runtime), voice


def _open(source: object, config: Config) -> tuple[str, Source, bool]:
    """Return the name or path of a source, the source, and whether it can wait."""
    if isinstance(source, str) and source == MICROPHONE.value:
        return source, open_source(source, config.settings_of, config.playback), False
    if _is_pair(source) and not hasattr(source[0], "__array__"):
        blocks, rate = source
        if not isinstance(blocks, Iterable) or isinstance(blocks, str | bytes):
            raise _no_sound(source)
        return "blocks", PulledSource(SampleReading(blocks, rate)), True
    return *_open_recording(source), True


def _open_recording(source: object) -> tuple[str, PulledSource]:
    """Return the name or path of a recording, and its source."""
    if _is_pair(source):
        if not hasattr(source[0], "__array__") or isinstance(source[0], Real):
            raise _no_sound(source)
        return "array", PulledSource(read_array(*source))
    if isinstance(source, str | os.PathLike):
        return _decode(os.fsdecode(source), None)
    if isinstance(source, Readable):
        name = getattr(source, "name", None)
        return _decode(os.fsdecode(name) if isinstance(name, str | bytes) else "file", source)
    raise _no_sound(source)


def _is_pair(source: object) -> TypeGuard[tuple[object, object]]:
    return isinstance(source, tuple) and len(source) == _PAIR_SIZE


def _no_sound(source: object) -> SourceError:
    what = type(source).__name__
    if isinstance(source, tuple):
        what = f"({', '.join(type(part).__name__ for part in source)})"
    return SourceError(f"a source cannot be {what}", _ACCEPTED)


def _decode(path: str, file: Readable | None) -> tuple[str, PulledSource]:
    decoder = Decoder()
    try:
        once = file is None and (is_own(path) or is_pipe(path))
        opened = decoder.open_once(path) if once else decoder.open(path, file)
        return path, PulledSource(opened, decoder.close)
    except BaseException:
        decoder.close()
        raise
