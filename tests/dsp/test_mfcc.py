from __future__ import annotations

import warnings

import numpy as np
import pytest
import python_speech_features as psf
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from emotiond.dsp.framing import FrameStream
from emotiond.dsp.level import levels_dbfs
from emotiond.dsp.mfcc import Mfcc, StreamingMfcc, dct_matrix, window_samples
from emotiond.dsp.recipe import Recipe
from emotiond.dsp.types import FloatArray
from tests.support.signals import block_sizes, cut, demo, noise, signals, speech_recipe, tone

EPS = float(np.finfo(np.float64).eps)


@st.composite
def psf_recipes(draw: st.DrawFn) -> Recipe:
    """Every front end that python_speech_features can express."""
    rate = draw(st.sampled_from([8_000, 16_000, 22_050, 44_100]))
    frame_length = draw(st.integers(20, 600))
    n_fft = draw(st.sampled_from([256, 400, 511, 512, 1024]) | st.just(frame_length))
    n_mels = draw(st.integers(1, 60))
    low_hz = float(draw(st.sampled_from([0, 20, 300])))
    return Recipe(
        sample_rate=rate,
        frame_length=frame_length,
        hop_length=draw(st.integers(10, 700)),
        n_fft=n_fft,
        n_mels=n_mels,
        n_mfcc=draw(st.integers(1, n_mels)),
        window=draw(st.sampled_from(["rectangular", "hann", "hamming"])),
        pre_emphasis=draw(st.sampled_from([0.0, 0.97, 0.5])),
        low_hz=low_hz,
        high_hz=draw(st.floats(low_hz + 50, rate / 2)),
        spectrum="periodogram",
        logarithm="ln",
        log_floor=EPS,
        floor="zero",
        lifter=draw(st.sampled_from([0, 22, 1, 7])),
        append_energy=draw(st.booleans()),
    )


def reference(recipe: Recipe, samples: FloatArray) -> FloatArray:
    """python_speech_features, on the full frames alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of frames that are longer than the transform
        features: FloatArray = psf.mfcc(
            samples,
            recipe.sample_rate,
            winlen=recipe.frame_length / recipe.sample_rate,
            winstep=recipe.hop_length / recipe.sample_rate,
            numcep=recipe.n_mfcc,
            nfilt=recipe.n_mels,
            nfft=recipe.n_fft,
            lowfreq=recipe.low_hz,
            highfreq=recipe.high_hz,
            preemph=recipe.pre_emphasis,
            ceplifter=recipe.lifter,
            appendEnergy=recipe.append_energy,
            winfunc=lambda _: window_samples(recipe),
        )
    return features[: recipe.frames_in(samples.shape[0])]


def frames_of(recipe: Recipe, samples: FloatArray) -> FloatArray:
    return FrameStream(recipe).push(samples.astype(np.float32))


@settings(max_examples=150)
@given(psf_recipes(), signals())
def test_in_float64_it_equals_python_speech_features(recipe: Recipe, samples: FloatArray) -> None:
    assume(samples.shape[0] >= recipe.frame_length)
    features = Mfcc(recipe, np.float64).of_signal(samples)
    np.testing.assert_allclose(features, reference(recipe, samples), rtol=0, atol=1e-9)


@pytest.mark.parametrize("window", ["rectangular", "hann", "hamming"])
@pytest.mark.parametrize("pre_emphasis", [0.0, 0.97])
@pytest.mark.parametrize("n_fft", [256, 400, 512, 1024])
def test_speech_in_float64_equals_python_speech_features(
    window: str, pre_emphasis: float, n_fft: int
) -> None:
    recipe = speech_recipe(
        n_fft=n_fft,
        window=window,
        pre_emphasis=pre_emphasis,
        spectrum="periodogram",
        logarithm="ln",
        log_floor=EPS,
        floor="zero",
        lifter=22,
        append_energy=True,
    )
    samples = demo()[:80_000].astype(np.float64)
    features = Mfcc(recipe, np.float64).of_signal(samples)
    np.testing.assert_allclose(features, reference(recipe, samples), rtol=0, atol=1e-9)


@pytest.mark.parametrize("lifter", [0, 22])
@pytest.mark.parametrize("window", ["rectangular", "hann"])
def test_in_float32_loud_speech_is_within_2e_3(window: str, lifter: int) -> None:
    recipe = speech_recipe(
        window=window,
        pre_emphasis=0.97,
        spectrum="periodogram",
        logarithm="ln",
        log_floor=EPS,
        floor="zero",
        lifter=lifter,
    )
    loud = levels_dbfs(frames_of(recipe, demo())[:, 1:]) > -40
    assert loud.sum() > 100
    features = Mfcc(recipe).of_signal(demo())
    assert features.dtype == np.float32
    expected = reference(recipe, demo().astype(np.float64))
    np.testing.assert_allclose(features[loud], expected[loud], rtol=0, atol=2e-3)


@settings(max_examples=150)
@given(psf_recipes(), signals())
@example(speech_recipe(n_fft=400, low_hz=300.0), np.full(4000, 0.5))
@example(speech_recipe(n_fft=400, low_hz=300.0, n_mels=20, n_mfcc=20), tone(40, 0.25, 0.9))
@example(speech_recipe(high_hz=2000.0, n_mels=10, n_mfcc=10), tone(6000, 0.25, 0.9))
def test_in_float32_mel_powers_are_within_1e_5_of_the_frames_largest(
    recipe: Recipe, samples: FloatArray
) -> None:
    frames = frames_of(recipe, samples)
    exact = Mfcc(recipe, np.float64).mel_powers(frames.astype(np.float64))
    error = np.abs(Mfcc(recipe).mel_powers(frames) - exact)
    assert (error <= 1e-5 * exact.max(axis=1, keepdims=True)).all()


@given(signals())
def test_features_are_finite_whatever_the_signal(samples: FloatArray) -> None:
    for floor in ("clamp", "zero"):
        recipe = speech_recipe(floor=floor, append_energy=True, log_floor=EPS)
        assert np.isfinite(Mfcc(recipe).of_signal(samples.astype(np.float32))).all()


@given(block_sizes, st.sampled_from([80, 160, 400, 401, 1000]))
def test_any_blocks_give_the_same_features(sizes: list[int], hop_length: int) -> None:
    recipe = speech_recipe(hop_length=hop_length, pre_emphasis=0.97)
    samples = demo()[20_000:36_000]
    streaming = StreamingMfcc(recipe)
    features = np.concatenate([streaming.push(block) for block in cut(samples, sizes)])
    whole = Mfcc(recipe).of_signal(samples)
    np.testing.assert_allclose(features, whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_blocks_of_single_samples_give_the_same_features(size: int) -> None:
    recipe, samples = speech_recipe(), demo()[30_000:34_000]
    streaming = StreamingMfcc(recipe)
    features = np.concatenate([streaming.push(block) for block in cut(samples, [size])])
    np.testing.assert_allclose(features, Mfcc(recipe).of_signal(samples), rtol=0, atol=1e-4)


@given(block_sizes)
def test_the_same_blocks_give_the_same_bits(sizes: list[int]) -> None:
    recipe, samples = speech_recipe(), noise(0.25, -30)
    first, second = StreamingMfcc(recipe), StreamingMfcc(recipe)
    for block in cut(samples, sizes):
        np.testing.assert_array_equal(first.push(block), second.push(block))


def test_after_a_restart_the_next_sample_is_the_first() -> None:
    recipe, samples = speech_recipe(pre_emphasis=0.97), noise(0.2, -20)
    streaming = StreamingMfcc(recipe)
    expected = streaming.push(samples)
    streaming.push(samples[:777])
    streaming.restart()
    np.testing.assert_array_equal(streaming.push(samples), expected)


def test_a_long_signal_is_the_same_as_its_frames_one_by_one() -> None:
    recipe, samples = speech_recipe(), noise(6.0, -20)
    transform = Mfcc(recipe, np.float64)
    features = transform.of_signal(samples)
    assert features.shape == (recipe.frames_in(samples.shape[0]), 40)
    for k in (0, 255, 256, 597):
        alone = transform.of_signal(samples[160 * k : 160 * k + 400])
        np.testing.assert_allclose(features[k], alone[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("length", [0, 1, 399])
def test_less_than_a_frame_has_no_features(length: int) -> None:
    assert Mfcc(speech_recipe()).of_signal(np.zeros(length, np.float32)).shape == (0, 40)


def test_pre_emphasis_takes_the_first_sample_as_it_is() -> None:
    recipe = speech_recipe(window="rectangular", pre_emphasis=0.97, n_fft=400)
    frames = frames_of(recipe, np.eye(1, 400)[0])
    power = Mfcc(recipe, np.float64).power_spectrum(frames)[0]
    omega = 2 * np.pi * np.arange(201) / 400
    np.testing.assert_allclose(power, np.abs(1 - 0.97 * np.exp(-1j * omega)) ** 2)


@pytest.mark.parametrize(("n_mels", "n_mfcc"), [(40, 40), (40, 13), (1, 1)])
def test_the_dct_is_scipys_orthonormal_one(n_mels: int, n_mfcc: int) -> None:
    from scipy.fft import dct

    expected = dct(np.eye(n_mels), type=2, norm="ortho", axis=1)[:, :n_mfcc]
    np.testing.assert_allclose(dct_matrix(n_mels, n_mfcc), expected, atol=1e-13)


@pytest.mark.parametrize("name", ["hann", "hamming"])
def test_windows_are_periodic(name: str) -> None:
    from scipy.signal import get_window

    window = window_samples(speech_recipe(window=name))
    np.testing.assert_allclose(window, get_window(name, 400, fftbins=True), atol=1e-14)
