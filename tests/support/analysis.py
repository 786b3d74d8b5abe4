"""Analyzes a file in this process, with a model of the tests."""

from __future__ import annotations

from pathlib import Path

from emotiond.inference.classifier import Classifier
from emotiond.streamer.offline.analyze import Analysis, analyze_source
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.sources.pulled_source import PulledSource


def analyzed(path: Path, classifier: Classifier, stride_samples: int = 4000) -> Analysis:
    """Return the result for a file."""
    with Decoder() as decoder:
        source = PulledSource(decoder.open(str(path)))
        return analyze_source(str(path), source, classifier, stride_samples, None)
