from __future__ import annotations

from emotiond.streamer.server.unproven import Unproven


def test_a_proof_covers_what_was_sent_before_its_mark_alone() -> None:
    unproven = Unproven(100)
    unproven.add(60)
    mark = unproven.mark()
    assert mark is not None
    unproven.add(40)
    assert not unproven.has_room(1)
    assert unproven.has_room(20, spare_bytes=20)
    assert unproven.prove(mark)
    assert unproven.has_room(60)
    assert not unproven.has_room(61)


def test_one_proof_is_awaited_at_a_time_and_no_other_counts() -> None:
    unproven = Unproven(100)
    unproven.add(51)
    assert unproven.wants_proof
    mark = unproven.mark()
    assert mark is not None
    assert unproven.mark() is None
    for other in (b"", b"x", mark[:-1], mark + b"\0"):
        assert not unproven.prove(other)
    assert unproven.prove(mark)
    assert not unproven.prove(mark)  # it has been used
    assert not unproven.wants_proof


def test_to_who_has_read_all_goes_a_message_of_any_size() -> None:
    assert Unproven(100).has_room(1_000_000)
