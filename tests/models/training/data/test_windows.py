"""Training and daemon cut the same windows."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.inference.card import load_card
from emotiond.inference.encoding import Encoding
from emotiond.models.training.common.model_input import (
    FULL_ENCODER,
    MINIMUM_FRAMES,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.data.windows import STRIDE_SAMPLES, cut_windows
from emotiond.streamer.audio.chunker import Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.streams.pipeline import Pipeline
from tests.conftest import DATA
from tests.models.sounds import RATE, babble

SOUND = babble(4.1)
LOUD_AT_ONCE = SOUND[RATE // 2 :]
TWO_SPEECHES = np.concatenate((SOUND, np.zeros(RATE, np.float32), LOUD_AT_ONCE))


def front_end() -> FrontEnd:
    return FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES["full"], MINIMUM_FRAMES))


@pytest.mark.parametrize(
    "sound",
    [
        SOUND,
        LOUD_AT_ONCE,
        TWO_SPEECHES,
        LOUD_AT_ONCE[: RATE // 2],
        LOUD_AT_ONCE[: RATE // 2 - 1],
        LOUD_AT_ONCE[: RATE // 2 + 1],
    ],
    ids=["speech", "at once", "two speeches", "0.5 s", "just below 0.5 s", "just above"],
)
def test_one_clip_gives_the_same_windows_to_trainer_and_daemon(
    sound: npt.NDArray[np.float32],
) -> None:
    card = dataclasses.replace(
        load_card(DATA / "tiny.json"),
        recipe=RECIPE,
        window_frames=WINDOW_FRAMES["full"],
        minimum_frames=MINIMUM_FRAMES,
        encoder=FULL_ENCODER,
    )
    ring = Ring(sound.size, 1, RATE)
    ring.write(sound[:, None], 0.0)
    ring.end()
    chunker = Chunker(ring, STRIDE_SAMPLES)
    pipeline = Pipeline(card, Encoding(FULL_ENCODER, card.window_states, 1, {}), None)
    daemon = []
    while (chunk := chunker.next_chunk()) is not None:
        stride = pipeline.push(chunk)
        window = stride.acoustics.window
        if chunk.samples.size and stride.needs_inference and window is not None:
            daemon.append(dataclasses.replace(window, features=window.features.copy()))
    trained = [
        dataclasses.replace(window, features=window.features.copy())
        for window in cut_windows(front_end(), sound)
    ]
    assert len(daemon) == len(trained)
    for one, other in zip(daemon, trained, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        assert dataclasses.replace(one, features=other.features) == other


def test_the_first_window_is_that_of_the_first_half_second() -> None:
    assert next(iter(cut_windows(front_end(), LOUD_AT_ONCE))).end_frame == 48  # of 50 hops


def test_windows_begin_at_the_onset_and_grow_to_two_seconds() -> None:
    windows = list(cut_windows(front_end(), SOUND))
    lengths = [window.frames for window in windows]
    assert lengths == sorted(lengths)
    assert lengths[0] < WINDOW_FRAMES["full"] == lengths[-1]
    assert windows[-1].end_frame == RECIPE.frames_in(SOUND.size)
    assert {window.first_frame for window in windows} == {windows[0].first_frame}


def test_each_onset_begins_another_speech() -> None:
    speeches = [window.speech for window in cut_windows(front_end(), TWO_SPEECHES)]
    assert speeches == sorted(speeches)
    assert len(set(speeches)) == 2


def test_nothing_is_cut_from_silence() -> None:
    assert not list(cut_windows(front_end(), np.zeros(3 * RATE, np.float32)))
