from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from emotiond.streamer.server.frame_quota import FrameQuota
from emotiond.streamer.server.limits import Limits

LIMITS = Limits(frames_at_once=3, frames_per_second=2, fragments=4, uncounted_bytes=100)
TEXT = Frame(Opcode.TEXT, b"{}")


def test_so_many_at_once_then_so_many_a_second() -> None:
    quota = FrameQuota(LIMITS, now=0.0)
    assert [quota.fault_of(TEXT, 0.0) for _ in range(3)] == [None] * 3
    assert quota.fault_of(TEXT, 0.5) is None
    assert quota.fault_of(TEXT, 0.5) == "too many messages"


def test_a_long_pause_earns_no_more_than_at_once() -> None:
    quota = FrameQuota(LIMITS, now=0.0)
    faults = [quota.fault_of(TEXT, 1e6) for _ in range(4)]
    assert faults == [None, None, None, "too many messages"]


@pytest.mark.parametrize("is_paced", [True, False])
def test_large_chunks_of_paced_audio_do_not_count_and_all_else_does(is_paced: bool) -> None:
    quota = FrameQuota(LIMITS, now=0.0)
    quota.audio_is_paced = is_paced
    large, small = Frame(Opcode.BINARY, bytes(100)), Frame(Opcode.BINARY, bytes(99))
    faults = [quota.fault_of(large, 0.0) for _ in range(10)]
    assert (faults == [None] * 10) is is_paced
    faults = [quota.fault_of(small, 0.0) for _ in range(4)]
    assert faults[-1] == "too many messages"


def test_fragments_count_until_their_message_ends() -> None:
    quota = FrameQuota(LIMITS, now=0.0)
    first, more = Frame(Opcode.TEXT, b"", fin=False), Frame(Opcode.CONT, b"", fin=False)
    assert [quota.fault_of(each, 10.0 * n) for n, each in enumerate([first, more, more, more])] == [
        None
    ] * 4
    assert quota.fault_of(Frame(Opcode.CONT, b""), 40.0) is None  # the last one
    assert [quota.fault_of(each, 50.0 + n) for n, each in enumerate([first, *[more] * 4])][-1] == (
        "too many fragments"
    )
