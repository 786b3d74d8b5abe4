"""Turns: so many at once, then a rate."""

from __future__ import annotations

import asyncio

import pytest

from emotiond.streamer.sources import turns
from emotiond.streamer.sources.turns import Turns


def test_so_many_have_their_turn_at_once_and_then_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, slept = [100.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(turns.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(turns.asyncio, "sleep", sleep)

    async def take(count: int) -> None:
        for _ in range(count):
            await held.take()

    held = Turns(3, 2.0)
    asyncio.run(take(3))
    assert slept == []
    asyncio.run(take(2))
    assert slept == [0.5, 0.5]
    slept.clear()
    now[0] += 60  # a pause earns no more than the beginning
    asyncio.run(take(4))
    assert slept == [0.5]
