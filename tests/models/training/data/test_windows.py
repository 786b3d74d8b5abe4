"""Training and daemon cut the same windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from emotiond.dsp.frontend import FrontEnd, WindowShape
from emotiond.dsp.recipe import Recipe
from emotiond.inference.card import Card
from emotiond.models.training.data.windows import STRIDE_SAMPLES, choose_window, cut_windows
from emotiond.streamer.audio.chunker import Chunker
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.streams.pipeline import Pipeline
from tests.models.sounds import RATE, babble

RECIPE = Recipe(16000, 400, 160, 400, 80, 80, mel_scale="slaney")
SHAPE = WindowShape(frames=300, minimum_frames=24)


def front_end() -> FrontEnd:
    return FrontEnd(RECIPE, SHAPE)


def test_windows_begin_at_the_onset_and_are_padded_at_the_end() -> None:
    cuts = list(cut_windows(front_end(), babble(5.3)))
    lengths = [cut.frames for cut in cuts]
    assert lengths == sorted(lengths)
    assert lengths[0] < SHAPE.frames == lengths[-1]
    padding = cuts[0].features[cuts[0].frames :]
    assert np.ptp(padding, axis=0).max() == 0
    assert cuts[-1].end_sample == RECIPE.end_of(RECIPE.frames_in(int(5.3 * RATE)))


def test_nothing_is_cut_during_the_warm_up_or_in_silence() -> None:
    loud_at_once = babble(3.0)[RATE // 2 :]
    assert next(iter(cut_windows(front_end(), loud_at_once))).end_sample > RATE // 2 - 400
    assert not list(cut_windows(front_end(), np.zeros(3 * RATE, np.float32)))


def test_one_clip_gives_the_same_windows_to_trainer_and_daemon(
    tiny_card: Callable[[Recipe, WindowShape], Card],
) -> None:
    sound = babble(4.1)
    card = tiny_card(RECIPE, SHAPE)
    trained = list(cut_windows(FrontEnd(RECIPE, SHAPE), sound))
    ring = Ring(sound.size, 1, RATE)
    ring.write(sound[:, None], 0.0)
    ring.end()
    chunker, pipeline = Chunker(ring, STRIDE_SAMPLES), Pipeline(card, None)
    daemon = []
    while (chunk := chunker.next_chunk()) is not None:
        stride = pipeline.push(chunk)
        if (
            chunk.samples.shape[0]
            and stride.needs_inference
            and stride.acoustics.window is not None
        ):
            daemon.append((stride.acoustics.window.frames, stride.acoustics.window.features.copy()))
    assert [frames for frames, _ in daemon] == [cut.frames for cut in trained]
    for (_, features), cut in zip(daemon, trained, strict=True):
        np.testing.assert_allclose(features, cut.features, atol=1e-5)


def test_training_windows_end_anywhere() -> None:
    random = np.random.default_rng(0)
    sound = babble(2.5)
    chosen = [choose_window(front_end(), sound, random) for _ in range(20)]
    lengths = {cut.frames for cut in chosen if cut is not None}
    assert len(lengths) > 10


def test_a_clip_that_never_opens_the_gate_gives_no_window() -> None:
    silence = np.zeros(RATE, np.float32)
    assert choose_window(front_end(), silence, np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", [0, 1])
def test_choice_is_repeatable(seed: int) -> None:
    first, second = (
        choose_window(front_end(), babble(2.5), np.random.default_rng(seed)) for _ in range(2)
    )
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.features, second.features)
