"""Analyzes one item."""

from __future__ import annotations

from emotiond.inference.classifier import Classifier
from emotiond.inference.profile import Profile
from emotiond.streamer.batch.item import Item
from emotiond.streamer.offline.analyze import Analysis, analyze_source
from emotiond.streamer.readers.decoder import Decoder
from emotiond.streamer.sources.pulled_source import PulledSource


def analyze(
    item: Item,
    classifier: Classifier,
    stride_samples: int,
    decoder: Decoder,
    profile: Profile | None = None,
) -> Analysis:
    """Analyze an item from start to end, independently of others.

    Args:
        item: what is analyzed.
        classifier: the model.
        stride_samples: the stride, in samples at 16 kHz.
        decoder: decodes the file.
        profile: the profile of the voice; None for an unknown voice.

    Raises:
        SourceError: the file cannot be read.
        ProfileError: the profile does not fit the model.
    """
    source = PulledSource(decoder.open(item.file))
    return analyze_source(item.file, source, classifier, stride_samples, profile)
