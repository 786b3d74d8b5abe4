from __future__ import annotations

import asyncio
import io
import sys
import threading

import pytest

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.stdout import LineWriter
from tests.support.port import EMOTION


def message(text: str = "{}") -> Message:
    return Message(EMOTION, text)


def test_each_event_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    writer = LineWriter()
    for text in ("1", "2", "3"):
        writer.send(message(text))
    asyncio.run(writer.close(5))
    assert written.getvalue() == "1\n2\n3\n"
    assert writer.failure is None


def test_a_reader_that_stands_still_misses_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    class Blocked(io.StringIO):
        def write(self, text: str) -> int:
            released.wait(60)
            return super().write(text)

    written = Blocked()
    monkeypatch.setattr(sys, "stdout", written)
    writer = LineWriter()
    for number in range(1500):
        writer.send(message(str(number)))
    assert 1500 - 1001 <= writer.dropped <= 1500 - 1000  # one may be in the writer's hand
    released.set()
    asyncio.run(writer.close(5))
    assert written.getvalue().splitlines()[:2] == ["0", "1"]


@pytest.mark.parametrize(("error", "is_failure"), [(BrokenPipeError, False), (OSError, True)])
def test_a_reader_that_has_gone_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError], is_failure: bool
) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    monkeypatch.setattr(sys, "stdout", Broken())
    writer = LineWriter()
    writer.send(message())
    asyncio.run(writer.close(5))
    assert (writer.failure is not None) is is_failure
