"""What a sample of LSL's scores holds, and how many samples may wait."""

from __future__ import annotations

from emotiond.inference.card import LABELS

CHANNELS = (
    *((label, "probability", "Score") for label in LABELS),
    ("level", "dBFS", "Level"),
    ("speech_ratio", "ratio", "SpeechRatio"),
)
"""Label, unit and type of each channel of the scores."""

MOST_WAITING = 1000  # samples between the event loop and the outlets; the newest are dropped
MOST_BUFFERED_HUNDREDS = 36  # of samples that liblsl keeps for an inlet; it drops the oldest
