"""Variations do what they say, to the decibel."""

from __future__ import annotations

import numpy as np
import pytest

from emotiond.dsp.mel import slaney_centres_hz
from emotiond.dsp.mfcc import Mfcc, dct_matrix
from emotiond.models.training.common.model_input import RECIPE
from emotiond.models.training.data import augment

RATE = 16000


def level_db(samples: augment.Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def tone(hz: float, seconds: float = 1.0) -> augment.Samples:
    return (0.25 * np.sin(2 * np.pi * hz * np.arange(int(RATE * seconds)) / RATE)).astype(
        np.float32
    )


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_noise_is_mixed_at_the_given_snr(snr_db: float) -> None:
    speech = tone(200)
    noise = augment.coloured_noise(RATE, 0, np.random.default_rng(0))
    mixed = augment.add_noise(speech, noise, snr_db)
    loud = speech[speech**2 > 0.01 * np.max(speech**2)]
    assert level_db(loud) - level_db(mixed - speech) == pytest.approx(snr_db, abs=0.1)


def test_silence_takes_no_noise() -> None:
    silence = np.zeros(RATE, np.float32)
    np.testing.assert_array_equal(augment.add_noise(silence, tone(100), 10), silence)
    np.testing.assert_array_equal(augment.add_noise(tone(100), silence, 10), tone(100))


def test_gain_clips_at_full_scale_and_rounds_to_16_bits() -> None:
    louder = augment.change_gain(tone(100), 20)
    assert louder.max() == 1 - 2**-15
    assert louder.min() == -1
    softer = augment.change_gain(tone(100), -80) * 2**15
    np.testing.assert_array_equal(softer, np.round(softer))


def test_speed_changes_length_and_pitch() -> None:
    faster = augment.change_speed(tone(400), 1.1)
    assert faster.size == pytest.approx(RATE / 1.1, abs=2)
    assert np.abs(np.fft.rfft(faster, RATE)).argmax() == pytest.approx(440, abs=2)


def test_a_telephone_keeps_the_voice_and_drops_the_rest() -> None:
    assert level_db(augment.telephone(tone(1000))) == pytest.approx(level_db(tone(1000)), abs=1)
    assert level_db(augment.telephone(tone(60))) < level_db(tone(60)) - 30
    assert level_db(augment.telephone(tone(7000))) < level_db(tone(7000)) - 20


def test_tilt_raises_the_treble_only() -> None:
    assert level_db(augment.tilt(tone(6000), 6)) == pytest.approx(level_db(tone(6000)) + 6, abs=0.7)
    assert level_db(augment.tilt(tone(60), 6)) == pytest.approx(level_db(tone(60)), abs=0.5)


def test_reverberation_decays() -> None:
    click = np.zeros(RATE, np.float32)
    click[0] = 1
    wet = augment.reverberate(click, 0.5, np.random.default_rng(0))
    assert wet[0] == pytest.approx(1, abs=1e-3)
    assert level_db(wet[:1600]) > level_db(wet[4800:6400]) + 10


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_coloured_noise_falls_as_its_exponent_says(exponent: float) -> None:
    noise = augment.coloured_noise(8 * RATE, exponent, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(noise.size, 1 / RATE)
    octaves = [spectrum[(hz >= low) & (hz < 2 * low)].mean() for low in (250, 500, 1000, 2000)]
    steps = np.diff(10 * np.log10(octaves))
    np.testing.assert_allclose(steps, -3.01 * exponent, atol=0.7)
    assert level_db(noise) == pytest.approx(-20, abs=0.1)


def drawn_bursts(noise: augment.Samples) -> list[augment.Samples]:
    return [augment.bursts(noise, np.random.default_rng(seed)) for seed in range(40)]


def test_bursts_are_one_to_three_short_sounds_in_two_silent_seconds() -> None:
    counts = []
    for sound in drawn_bursts(np.full(800, 0.5, np.float32)):  # 50 ms, none of it cut off
        assert sound.shape == (2 * RATE,)
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        counts.append(1 + int(np.sum(np.diff(loud) > 100)))
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_bursts_begin_and_end_without_a_click(seconds: float) -> None:
    # Three of them at most meet, and each takes 3 ms at least to rise to 0.5.
    for sound in drawn_bursts(np.full(int(seconds * RATE), 0.5, np.float32)):
        assert np.abs(sound).max() > 0.1
        assert np.abs(np.diff(sound)).max() < 3 * 0.5 / (0.003 * RATE) + 0.002


def test_bursts_are_taken_where_a_noise_is_loud() -> None:
    half = np.concatenate((np.zeros(4 * RATE, np.float32), tone(500, 4.0)))
    silent = sum(np.abs(sound).max() < 0.01 for sound in drawn_bursts(half))
    assert silent < 8  # one in sixteen, not one in two


def test_the_same_seed_gives_the_same_variation() -> None:
    first, second = (
        augment.vary(tone(300), [tone(90)], np.random.default_rng(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def peak_hz(features: augment.Features) -> float:
    """The band in which a tone's power lies, from its coefficients."""
    bands = features @ dct_matrix(RECIPE.n_mels, RECIPE.n_mfcc).T
    return float(slaney_centres_hz(RECIPE)[bands.mean(axis=0).argmax()])


def tone_features(hz: float) -> augment.Features:
    frames = np.stack([tone(hz)[start : start + 401] for start in range(0, 8000, 160)])
    return Mfcc(RECIPE)(frames).astype(np.float32)


@pytest.mark.parametrize("hz", [400.0, 1500.0, 3500.0])
@pytest.mark.parametrize("factor", [0.85, 1.0, 1.18])
def test_warping_divides_the_frequencies_by_the_factor(hz: float, factor: float) -> None:
    warped = augment.warp_spectrum(tone_features(hz), factor)
    assert peak_hz(warped) == pytest.approx(hz / factor, rel=0.06)


def test_a_factor_of_one_changes_nothing_and_silence_stays() -> None:
    features = tone_features(700)
    np.testing.assert_allclose(augment.warp_spectrum(features, 1.0), features, atol=1e-3)
    silence = Mfcc(RECIPE)(np.zeros((5, 401), np.float32)).astype(np.float32)
    np.testing.assert_allclose(augment.warp_spectrum(silence, 1.18), silence, atol=1e-3)
