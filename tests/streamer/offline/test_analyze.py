"""What a recording gives; see also streams/test_work.py and test_cli.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from emotiond.inference.classifier import Classifier
from emotiond.streamer.protocol.events import Emotion
from tests.support.analysis import analyzed
from tests.support.mono import CANCELLING
from tests.support.signals import demo


@pytest.mark.parametrize("name", CANCELLING)
def test_a_voice_in_channels_that_cancel_is_judged_as_in_one_of_them(
    tiny_classifier: Classifier, tmp_path: Path, name: str
) -> None:
    sound = CANCELLING[name]
    path = tmp_path / "both.wav"
    soundfile.write(path, sound, 16_000, subtype="FLOAT")
    one = tmp_path / "one.wav"
    soundfile.write(one, sound[:, (sound**2).sum(axis=0).argmax()], 16_000, subtype="FLOAT")
    both, expected = (analyzed(file, tiny_classifier) for file in (path, one))
    spoken, wanted = (
        sum(event.state == "speech" for event in each.events if isinstance(event, Emotion))
        for each in (both, expected)
    )
    assert spoken >= 0.8 * wanted > 0


@pytest.mark.parametrize("samples", [79_999, 80_000, 80_001])
def test_scores_count_each_part_of_the_speech_once_however_the_file_ends(
    past_classifier: Classifier, tmp_path: Path, samples: int
) -> None:
    """20 strides to the sample leave an empty last chunk, which has no event."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, demo()[:samples], 16_000, subtype="FLOAT")
    found = analyzed(path, past_classifier)
    events = [e for e in found.events if isinstance(e, Emotion) and e.raw is not None]
    hop, rest = 0.01, 0.015
    frames = np.array([round((e.end - e.start - rest) / hop) for e in events])
    starts = np.array([round(e.start / hop) for e in events])
    followed = np.clip((starts + frames)[:-1] - starts[1:], 0, None)  # in the next window, too
    left_shares = 1 - np.append(followed, 0) / frames
    weights = np.array([e.speech_ratio for e in events]) * frames * left_shares
    raw = np.array([list((e.raw or {}).values()) for e in events])
    assert len(events) > 5
    assert found.scores is not None
    expected = np.average(raw, axis=0, weights=weights)
    np.testing.assert_allclose(list(found.scores.values()), expected, rtol=1e-6)
