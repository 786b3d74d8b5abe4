"""The rule of mono. ``tests/clients/web/daemon/test_mono.py`` compares it with the page's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.mono import FRAME_SECONDS, MonoMixer, mix_down
from emotiond.dsp.types import FloatArray
from tests.support.mono import CANCELLING, ORDINARY
from tests.support.signals import RATE, block_sizes, cut, demo, noise

FRAME = round(FRAME_SECONDS * RATE)


def level_db(samples: FloatArray) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))


@pytest.mark.parametrize("name", ORDINARY)
def test_channels_that_do_not_cancel_are_mixed_to_their_mean_to_the_bit(name: str) -> None:
    sound = ORDINARY[name]
    assert mix_down(sound, RATE).tobytes() == sound.mean(axis=1).tobytes()


@pytest.mark.parametrize("name", CANCELLING)
def test_a_voice_in_channels_that_cancel_is_as_loud_as_in_one_of_them(name: str) -> None:
    sound = CANCELLING[name]
    loudest = max(level_db(channel) for channel in sound.T)
    assert level_db(sound.mean(axis=1)) < loudest - 10
    assert level_db(mix_down(sound, RATE)) > loudest - 1.5


@pytest.mark.parametrize("name", CANCELLING)
def test_one_channel_stands_for_all_from_the_first_words_to_the_last(name: str) -> None:
    sound = CANCELLING[name]
    mono = mix_down(sound, RATE)
    voice = demo()[: sound.shape[0]]
    loud = np.abs(voice) > 0.03
    begin = int(np.flatnonzero(loud)[0]) + 2 * FRAME
    alike = np.sign(mono[begin:][loud[begin:]]) == np.sign(voice[begin:][loud[begin:]])
    assert alike.mean() > 0.98 or alike.mean() < 0.02  # it never jumps to the opposite sign


def test_it_goes_back_to_the_mean_when_channels_cancel_no_more() -> None:
    voice = demo()[: 4 * RATE]
    sound = np.concatenate((np.stack((voice, -voice), 1), np.stack((voice, voice), 1)))
    mono = mix_down(sound, RATE)
    np.testing.assert_array_equal(mono[-3 * RATE :], voice[-3 * RATE :])


def test_channels_that_begin_to_cancel_are_noticed_within_two_seconds_of_voice() -> None:
    voice = demo()[: 6 * RATE]
    sound = np.concatenate((np.stack((voice, voice), 1), np.stack((voice, -voice), 1)))
    mono = mix_down(sound, RATE)
    np.testing.assert_array_equal(np.abs(mono[-3 * RATE :]), np.abs(voice[-3 * RATE :]))


@given(sizes=block_sizes, name=st.sampled_from([*CANCELLING, *ORDINARY]))
def test_blocks_of_any_size_give_the_same_bits(sizes: list[int], name: str) -> None:
    sound = {**CANCELLING, **ORDINARY}[name][: 2 * RATE]
    mixer = MonoMixer(RATE, sound.shape[1])
    together = np.concatenate([mixer.push(block) for block in cut(sound, sizes)])
    assert together.tobytes() == mix_down(sound, RATE).tobytes()


def test_a_restart_forgets_that_channels_cancelled() -> None:
    voice = demo()[:RATE]
    mixer = MonoMixer(RATE, 2)
    mixer.push(np.stack((voice, -voice), 1))
    mixer.restart()
    hiss = np.stack((noise(0.01, -30, 1), noise(0.01, -30, 2)), 1)
    np.testing.assert_array_equal(mixer.push(hiss), hiss.mean(axis=1))


def test_a_single_channel_is_passed_on_as_it_is() -> None:
    sound = demo()[:RATE, None]
    assert mix_down(sound, RATE).tobytes() == sound.tobytes()
