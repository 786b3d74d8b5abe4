from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.dsp.framing import FrameStream
from emotiond.dsp.gate import GateSettings, GateState, LevelGate, NoiseFloor
from emotiond.dsp.level import levels_dbfs
from emotiond.dsp.types import FloatArray
from tests.support.signals import demo, noise, speech_recipe

QUIET, LOUD = -70.0, -30.0
SECOND = 100  # frames

levels = st.lists(st.tuples(st.floats(-120, 0), st.integers(1, 150)), min_size=1, max_size=12).map(
    lambda runs: np.concatenate([np.full(length, level) for level, length in runs])
)


def run(level: float, frames: int) -> FloatArray:
    return np.full(frames, level)


def quiet_room() -> LevelGate:
    """A gate that has got used to a quiet background."""
    gate = LevelGate(SECOND)
    gate.push(run(QUIET, 8 * SECOND))
    assert gate.state is GateState.QUIET
    return gate


def levels_of(samples: FloatArray) -> FloatArray:
    return levels_dbfs(FrameStream(speech_recipe()).push(samples)[:, 1:])


def test_the_four_states_of_a_word() -> None:
    gate = quiet_room()
    states = []
    for level in [*run(LOUD, 4), *run(QUIET, 82)]:
        gate.push(np.array([level]))
        states.append(gate.state)
    assert states[:4] == [GateState.STARTING] * 2 + [GateState.SPEAKING] * 2
    assert states[4:84] == [GateState.STOPPING] * 80  # 0.8 s belong to the speech
    assert states[84:] == [GateState.QUIET] * 2


def test_it_is_open_while_speaking_and_in_a_pause() -> None:
    gate = quiet_room()
    opened = []
    for level in [QUIET, LOUD, LOUD, LOUD, QUIET]:
        gate.push(np.array([level]))
        opened.append(gate.is_open)
    assert opened == [False, False, False, True, True]


def test_the_onset_is_the_first_loud_frame() -> None:
    gate = quiet_room()
    gate.push(run(LOUD, 2))
    assert gate.onset_frame is None
    gate.push(run(LOUD, 5))
    assert gate.onset_frame == 800
    gate.push(run(QUIET, 80))
    assert gate.onset_frame == 800
    gate.push(run(QUIET, 1))
    assert gate.onset_frame is None


@pytest.mark.parametrize("frames", [1, 2])
def test_a_click_does_not_open_it(frames: int) -> None:
    gate = quiet_room()
    for _ in range(5):
        gate.push(np.concatenate((run(0.0, frames), run(QUIET, 10))))
        assert gate.state is GateState.QUIET
        assert gate.onset_frame is None


@pytest.mark.parametrize(("pause_frames", "onset"), [(80, 800), (81, 800 + 10 + 81)])
def test_only_a_pause_of_over_0_8_s_ends_a_speech(pause_frames: int, onset: int) -> None:
    gate = quiet_room()
    gate.push(np.concatenate((run(LOUD, 10), run(QUIET, pause_frames), run(LOUD, 10))))
    assert gate.onset_frame == onset


def test_once_open_it_stays_so_at_a_level_that_would_not_open_it() -> None:
    between = QUIET + 7.5  # the gate opens at 9 dB over the floor and closes under 6
    gate = quiet_room()
    assert not gate.push(run(between, 10)).any()
    assert not gate.is_open
    gate.push(run(LOUD, 10))
    assert gate.push(run(between, 300)).all()
    assert gate.state is GateState.SPEAKING


def test_loud_frames_are_active_and_those_of_a_pause_are_not() -> None:
    active = quiet_room().push(np.concatenate((run(LOUD, 5), run(QUIET, 5), run(LOUD, 5))))
    assert active.tolist() == [True] * 5 + [False] * 5 + [True] * 5


@pytest.mark.parametrize("level", [-60.0, -40.0, -10.0])
def test_steady_noise_closes_it(level: float) -> None:
    gate = LevelGate(SECOND)
    gate.push(run(level, 8 * SECOND))
    assert gate.state is GateState.QUIET
    assert gate.floor_dbfs == pytest.approx(level)


def test_real_noise_closes_it_and_keeps_it_closed() -> None:
    gate = LevelGate(SECOND)
    levels = levels_of(noise(15.0, -30))
    gate.push(levels[: 9 * SECOND])
    assert not gate.push(levels[9 * SECOND :]).any()
    assert gate.state is GateState.QUIET


def test_a_long_speech_with_gaps_stays_open() -> None:
    gate = quiet_room()
    phrase = np.concatenate((run(LOUD, 250), run(QUIET, 50)))
    for _ in range(20):
        gate.push(phrase)
        assert gate.is_open
        assert gate.onset_frame == 800


def test_a_pause_is_one_in_a_room_that_is_not_quite_quiet() -> None:
    gate = LevelGate(SECOND)
    gate.push(run(-80, SECOND))  # the floor is far below what the room brings later
    gate.push(run(LOUD, SECOND))
    gate.push(run(LOUD - 40, SECOND))
    assert gate.state is GateState.QUIET


def test_a_quieter_voice_opens_the_gate_soon_after_a_loud_one() -> None:
    gate = LevelGate(SECOND)
    gate.push(run(-80, SECOND))
    gate.push(run(-10, SECOND))
    gate.push(run(-80, SECOND))
    gate.push(run(-50, 2 * SECOND))
    assert gate.is_open


def test_the_floor_follows_a_room_that_gets_quieter_at_once() -> None:
    gate = LevelGate(SECOND)
    gate.push(run(-40.0, 8 * SECOND))
    gate.push(run(QUIET, 1))
    assert gate.floor_dbfs == QUIET


@pytest.mark.parametrize("level", [-120.0, -100.0])
def test_digital_silence_does_not_make_hiss_into_speech(level: float) -> None:
    gate = LevelGate(SECOND)
    gate.push(run(level, 10 * SECOND))
    assert gate.floor_dbfs == GateSettings().lowest_floor_dbfs
    gate.push(run(-80.0, SECOND))
    assert gate.state is GateState.QUIET


def test_speech_opens_it_from_a_cold_start() -> None:
    gate = LevelGate(SECOND)
    active = gate.push(levels_of(demo()))
    assert active[: 5 * SECOND].any()
    assert 0.2 < active.mean() < 1


def test_speech_opens_it_over_noise() -> None:
    background = noise(8.0 + demo().shape[0] / 16_000, -60)
    background[8 * 16_000 :][: demo().shape[0]] += demo()
    gate = LevelGate(SECOND)
    levels = levels_of(background)
    gate.push(levels[: 8 * SECOND - 5])
    assert gate.state is GateState.QUIET
    assert gate.push(levels[8 * SECOND - 5 :]).mean() > 0.2


@given(levels, st.data())
def test_the_size_of_the_blocks_does_not_matter(levels: FloatArray, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, levels.shape[0]), max_size=6).map(sorted))
    whole, in_blocks = LevelGate(SECOND), LevelGate(SECOND)
    active = whole.push(levels)
    pieces = [in_blocks.push(levels[a:b]) for a, b in pairwise([0, *cuts, levels.shape[0]])]
    np.testing.assert_array_equal(np.concatenate(pieces), active)
    assert (in_blocks.state, in_blocks.onset_frame) == (whole.state, whole.onset_frame)


@given(levels, levels)
def test_a_restart_forgets_everything(before: FloatArray, after: FloatArray) -> None:
    used, new = LevelGate(SECOND), LevelGate(SECOND)
    used.push(before)
    used.restart()
    np.testing.assert_array_equal(used.push(after), new.push(after))
    assert (used.state, used.onset_frame, used.floor_dbfs) == (
        new.state,
        new.onset_frame,
        new.floor_dbfs,
    )


@given(levels)
def test_there_is_an_onset_only_while_it_is_open(levels: FloatArray) -> None:
    gate = LevelGate(SECOND)
    for k, level in enumerate(levels):
        gate.push(np.array([level]))
        assert (gate.onset_frame is not None) == gate.is_open
        assert gate.onset_frame is None or gate.onset_frame <= k - 2


@given(levels)
def test_the_floor_is_the_quietest_of_the_last_seconds(levels: FloatArray) -> None:
    floor = NoiseFloor(memory_frames=120, lowest_dbfs=-85)
    levels = np.concatenate((run(QUIET, 120), levels))
    for k, level in enumerate(levels.tolist()):
        floor.update(level)
        if k >= 120:  # it looks back for the whole memory, less the sub-block that begins
            assert floor.dbfs == max(-85, levels[max(0, k // 10 - 11) * 10 : k + 1].min())
