"""Speeches for the encoder are cut into calls as a stream cuts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from emotiond.dsp.frontend import PRE_ROLL_SECONDS, FrontEnd, WindowShape
from emotiond.dsp.mfcc import dct_matrix
from emotiond.models.training.common.model_input import (
    CONTEXT_TOKENS,
    FULL_ENCODER,
    MINIMUM_FRAMES,
    POSITIONS,
    RECIPE,
    WINDOW_FRAMES,
)
from emotiond.models.training.data.corpora import Clip
from emotiond.models.training.data.speeches import (
    FRAMES,
    TOKENS,
    Example,
    make_example,
    read_speeches,
)
from emotiond.models.training.data.windows import cut_windows
from tests.models.sounds import RATE, babble

RANDOM = np.random.default_rng(0)
SILENCE = -10
MARGIN = FULL_ENCODER.look_back_frames


def clips(folder: Path, *sounds: npt.NDArray[np.float32]) -> list[Clip]:
    found = []
    for number, sound in enumerate(sounds):
        path = folder / f"{number}.wav"
        soundfile.write(path, sound, RATE, "FLOAT")
        found.append(Clip(path, "nemo", "nemo-AB", "happy", 0))
    return found


def spectrum(frames: int) -> npt.NDArray[np.float16]:
    return RANDOM.uniform(-8, 0, (frames, RECIPE.n_mels)).astype(np.float16)


def examples(frames: int = FRAMES + 3, number: int = 20) -> list[Example]:
    return [make_example(spectrum(frames), np.random.default_rng(seed)) for seed in range(number)]


def test_a_speech_is_what_the_daemon_encodes_from_the_onset(tmp_path: Path) -> None:
    sound = babble(2.2)
    (speech,) = read_speeches(clips(tmp_path, sound))
    front_end = FrontEnd(RECIPE, WindowShape(WINDOW_FRAMES["full"], MINIMUM_FRAMES))
    window = list(cut_windows(front_end, sound))[-1]
    frames = window.features[window.first_frame - MARGIN - window.end_frame :]
    mel = frames @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T
    assert len(speech) == len(mel)
    np.testing.assert_allclose(speech, mel, atol=0.02)


def test_clips_that_are_silent_or_too_short_are_left_out(tmp_path: Path) -> None:
    silence, short = np.zeros(2 * RATE, np.float32), babble(0.7)
    assert len(read_speeches(clips(tmp_path, silence, short, babble(1.5)))) == 1


def test_frames_before_the_recording_are_silence(tmp_path: Path) -> None:
    (speech,) = read_speeches(clips(tmp_path, babble(2.2)[RATE // 2 :]))
    before = round(PRE_ROLL_SECONDS * 100) + MARGIN
    assert (speech[: before // 2] == SILENCE).all()
    assert (speech[before + 10 :].max(axis=1) > SILENCE).all()


@pytest.mark.parametrize("frames", [52, 120, FRAMES + 3, FRAMES + 25])
def test_a_short_speech_is_followed_by_silence_that_is_not_real(frames: int) -> None:
    for example in examples(frames):
        assert example.spectrum.shape == (FRAMES + 3, RECIPE.n_mels)
        assert (example.spectrum[frames:] == SILENCE).all()
        states = (min(frames, FRAMES + 3) - MARGIN - 1) // 4
        assert example.real.tolist() == [True] * 2 * states + [False] * (TOKENS - 2 * states)


def test_a_token_sees_its_call_and_the_context_before_it() -> None:
    for example in examples():
        last_seen = TOKENS - 1 - example.mask[:, ::-1].argmax(axis=1)
        first_seen = example.mask.argmax(axis=1)
        ends = np.unique(last_seen[example.real] + 1)
        calls = np.diff(ends, prepend=0)
        assert calls.max() <= 2 * FULL_ENCODER.states_per_call
        assert (calls % 2 == 0).all()
        first_of_call = np.repeat(ends - calls, calls)
        real = np.flatnonzero(example.real)
        np.testing.assert_array_equal(
            first_seen[real], np.maximum(0, first_of_call - CONTEXT_TOKENS)
        )
        assert (example.mask.sum(axis=1) == last_seen - first_seen + 1).all()


def test_the_clamp_of_a_call_is_the_loudest_band_up_to_its_last_frame() -> None:
    for example in examples():
        token_ends = TOKENS - example.mask[:, ::-1].argmax(axis=1)
        for token in np.flatnonzero(example.real)[::10].tolist():
            frames = 2 * int(token_ends[token]) + 3
            expected = example.spectrum[:frames].max()
            assert example.loudest[MARGIN + 2 * token] == pytest.approx(expected)
        assert (np.diff(example.loudest) >= 0).all()


def test_half_of_the_speeches_begin_at_another_position() -> None:
    positions = np.array([example.first_position for example in examples(60, 100)])
    assert np.mean(positions == 0) == pytest.approx(0.5, abs=0.15)
    assert positions.max() < POSITIONS


def test_a_seed_gives_the_same_example() -> None:
    speech = spectrum(200)
    one, again, other = (make_example(speech, np.random.default_rng(s)) for s in (3, 3, 4))
    np.testing.assert_array_equal(one.spectrum, again.spectrum)
    np.testing.assert_array_equal(one.mask, again.mask)
    assert (one.spectrum != other.spectrum).any()
