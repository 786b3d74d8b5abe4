"""Analyzes one item after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from emotiond.dsp.types import FloatArray
from emotiond.exceptions import SourceError
from emotiond.inference.catalog import find_model
from emotiond.inference.classifier import Classifier
from emotiond.streamer.batch.item import Item
from emotiond.streamer.batch.kept_events import KeptEvents, joined
from emotiond.streamer.batch.settings import Settings
from emotiond.streamer.interpreter_check import checked_runtime
from emotiond.streamer.offline.analyze import event_to_json, summarize_source
from emotiond.streamer.profiles import profile_for
from emotiond.streamer.protocol.events import Change, Emotion, encode
from emotiond.streamer.readers.decoder import Decoder, Decoding
from emotiond.streamer.readers.opening import State
from emotiond.streamer.readers.stretch import Stretch
from emotiond.streamer.results.writer import Result
from emotiond.streamer.sources.factory import default_name
from emotiond.streamer.sources.pulled_source import PulledSource
from emotiond.streamer.uploads.archive import EventLog


class Finding(NamedTuple):
    """The result of one channel, or of all of them mixed, without the name of its file."""

    values: Mapping[str, Any]
    """The result in JSON, with its channel or segment, without file and events."""
    events: bytes
    """Its events, compressed; see :class:`KeptEvents`."""

    def result(self, file: str) -> Result:
        """Return the result of a file of this content."""
        return {"file": file, **self.values, "events": KeptEvents(self.events, default_name(file))}


Findings = tuple[Finding, ...]
"""Those of an item: one, or one for each channel."""


class Analyst:
    """It belongs to one thread. As a context manager, it ends its decoder.

    Args:
        settings: what decides the results.

    Raises:
        ModelError: the model is unknown or broken; InterpreterError if nothing can run it.
        CardError: the card of the model is missing or broken.
        ProfileError: the profile is unknown, broken, or belongs to another model.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decoder = Decoder()  # it starts while the model is read
        try:
            runtime = checked_runtime()
            model = find_model(settings.model, runtime)
            self.sha256 = model.card.sha256
            """Of the model."""
            self._profile = (
                None if settings.profile is None else profile_for(settings.profile, model.card)
            )
            self._classifier = Classifier(model, runtime)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Analyst:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the decoder."""
        self._decoder.close()

    def analyze(
        self,
        item: Item,
        on_progress: Callable[[float], object] = lambda _: None,
        seen: State | None = None,
    ) -> Findings:
        """Analyze an item from start to end, independently of others.

        Args:
            item: what is analyzed.
            on_progress: called now and then with the seconds of sound since the last call.
            seen: the state that the file has to be in; None for any.

        Raises:
            SourceError: the file cannot be read, or has changed.
        """
        opened = self._open(item, seen)
        if item.channel is not None or self._settings.channels == "mixed":
            return (self._find(item, opened, on_progress),)
        if item.is_read_once and opened.channels > 1:
            opened.close()
            raise SourceError(
                f"{item.file}: it can be read only once, and not once for each channel",
                "Name a file, or leave --channels separate out",
            )
        found = []
        for channel in range(1, opened.channels + 1):
            one = dataclasses.replace(item, channel=channel)
            again = opened if channel == 1 else self._open(item, seen)
            found.append(self._find(one, again, on_progress))
        return tuple(found)

    def _open(self, item: Item, seen: State | None) -> Decoding:
        stretch = Stretch(item.start_seconds or 0.0, item.end_seconds)
        if item.is_read_once:
            return self._decoder.open_once(item.file, stretch)
        return self._decoder.open(item.file, stretch=stretch, seen=seen)

    def _find(
        self, item: Item, opened: Decoding, on_progress: Callable[[float], object]
    ) -> Finding:
        log, speech_seconds = EventLog(), 0.0
        start = item.start_seconds or 0.0

        def take(event: Emotion | Change, stride_speech_seconds: float) -> None:
            nonlocal speech_seconds
            speech_seconds += stride_speech_seconds
            if self._settings.events:
                log.add(encode(event_to_json(_moved(event, start), stride_speech_seconds)))

        source = PulledSource(_Watched(opened, item, on_progress))
        summary = summarize_source(
            "", source, self._classifier, self._settings.stride_samples, self._profile, take
        )
        values: dict[str, Any] = {}
        if item.start_seconds is not None or item.end_seconds is not None:
            values |= {"start": round(start, 4), "end": round(start + summary.duration, 4)}
        if item.channel is not None:
            values["channel"] = item.channel
        values |= {**summary.to_json(), "speech_seconds": round(speech_seconds, 4)}
        return Finding(values, joined(log))


def _moved(event: Emotion | Change, seconds: float) -> Emotion | Change:
    """Return an event with the times of the file, of which a segment begins at this second."""
    if not seconds:
        return event
    if isinstance(event, Change):
        return dataclasses.replace(event, at=event.at + seconds)
    return dataclasses.replace(event, start=event.start + seconds, end=event.end + seconds)


class _Watched:
    """What is decoded of an item: all channels or one of them. It tells how far it is."""

    def __init__(
        self, opened: Decoding, item: Item, on_progress: Callable[[float], object]
    ) -> None:
        if item.channel is not None and item.channel > opened.channels:
            opened.close()
            count = "one channel" if opened.channels == 1 else f"{opened.channels} channels"
            raise SourceError(
                f"{item.file}: it has {count}, and no channel {item.channel}", "Name another one"
            )
        self.sample_rate = opened.sample_rate
        self.channels = opened.channels if item.channel is None else 1
        self._opened = opened
        self._index = None if item.channel is None else item.channel - 1
        self._on_progress = on_progress

    def read(self) -> FloatArray:
        """Return the next samples, shape ``(n, channels)``; ``n`` is 0 at the end."""
        block = self._opened.read()
        self._on_progress(block.shape[0] / self.sample_rate)
        return block if self._index is None else block[:, self._index : self._index + 1]

    def close(self) -> None:
        """Stop reading."""
        self._opened.close()
