"""A changed list goes to all who follow it, and to those who read slowly when they can take it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from emotiond.streamer.server import followers as following
from emotiond.streamer.server.connection import Connection
from emotiond.streamer.server.followers import Followers


class Reader:
    """Stands for a connection that takes frames as long as it has room."""

    def __init__(self, has_room: bool = True) -> None:
        self.has_room = has_room
        self.frames: list[bytes] = []

    def offer_frame(self, frame: bytes) -> bool:
        if self.has_room:
            self.frames.append(frame)
        return self.has_room


def connection(reader: Reader) -> Connection:
    return cast("Connection", reader)


async def never() -> None:
    raise AssertionError("nobody is owed anything")


def test_only_a_change_is_offered_and_not_to_those_who_got_it_already() -> None:
    one, other = Reader(), Reader()
    follow = Followers(never)
    for each in (one, other):
        follow.add(connection(each))
    follow.offer(b"list", served=())
    follow.note_change()
    follow.offer(b"new list", served=[connection(one)])
    follow.offer(b"new list", served=())
    assert (one.frames, other.frames) == ([], [b"new list"])


def test_who_has_left_gets_nothing() -> None:
    gone = Reader()
    follow = Followers(never)
    follow.add(connection(gone))
    follow.note_change()
    follow.leave(connection(gone))
    follow.offer(b"list", served=())
    assert not gone.frames


def test_a_slow_one_gets_the_last_list_alone_as_soon_as_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.001)

    async def offered() -> list[bytes]:
        slow, renewed = Reader(has_room=False), asyncio.Event()
        tries = 0

        async def renew() -> None:
            nonlocal tries
            tries += 1
            slow.has_room = tries == 3
            follow.offer(b"list %d" % tries, served=())
            if slow.has_room:
                renewed.set()

        follow = Followers(renew)
        follow.add(connection(slow))
        follow.note_change()
        follow.offer(b"list 0", served=())
        await asyncio.wait_for(renewed.wait(), 60)
        follow.close()
        return slow.frames

    assert asyncio.run(offered()) == [b"list 3"]


def test_nothing_is_offered_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "RETRY_SECONDS", 0.0)

    renewed: list[None] = []

    async def renew() -> None:
        renewed.append(None)

    async def close_at_once() -> None:
        follow = Followers(renew)
        follow.add(connection(Reader(has_room=False)))
        follow.note_change()
        follow.offer(b"list", served=())
        follow.close()
        await asyncio.sleep(0.01)  # by then, a timer that is left would have run

    asyncio.run(close_at_once())
    assert not renewed
