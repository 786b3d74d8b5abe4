from __future__ import annotations

import asyncio
import errno
import logging
import os

import pytest

from emotiond.streamer.sparing_log import PAUSE_SECONDS, SparingLog


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock: Clock) -> SparingLog:
    return SparingLog(logging.getLogger("emotiond.sparing"), clock)


def test_what_follows_a_line_may_differ_and_makes_no_other_line_of_it(
    log: SparingLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(500):
        log.warning("it fails: ", detail=f"reason {number}")
    clock.seconds += PAUSE_SECONDS
    log.warning("it fails: ", detail="reason 500")
    assert caplog.messages == [
        "it fails: reason 0", "it fails: reason 500 (499 more since the last line)",
    ]  # fmt: skip


def test_a_line_that_comes_often_is_logged_once_a_minute_with_a_count(
    log: SparingLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(500):
        log.warning("again")
    assert caplog.messages == ["again"]
    clock.seconds += PAUSE_SECONDS
    log.warning("again")
    log.warning("again")
    clock.seconds += PAUSE_SECONDS
    log.warning("again")
    assert caplog.messages[1:] == [
        "again (499 more since the last line)",
        "again (1 more since the last line)",
    ]


def test_a_line_hides_no_other(log: SparingLog, caplog: pytest.LogCaptureFixture) -> None:
    for line in ("one", "two", "one"):
        log.warning(line)
    assert caplog.messages == ["one", "two"]


def test_an_exception_of_the_loop_is_one_line_without_traceback_and_text(
    log: SparingLog, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("what a client\nsent")

    async def test() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(log.loop_exception)
        for _ in range(3):
            loop.call_soon(fail)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(test())
    (record,) = caplog.records
    assert record.getMessage().startswith("internal error: ValueError in test_sparing_log.py, line")
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ({"message": "what a client sent"}, "internal error in the event loop"),
        (
            {"exception": OSError(errno.EMFILE, os.strerror(errno.EMFILE))},
            "this process has too many files open. Allow more: ulimit -n 4096",
        ),
    ],
)
def test_a_shortage_is_said_with_its_remedy_and_foreign_words_are_not(
    log: SparingLog, caplog: pytest.LogCaptureFixture, context: dict[str, object], line: str
) -> None:
    log.loop_exception(None, context)
    assert caplog.messages == [line]
