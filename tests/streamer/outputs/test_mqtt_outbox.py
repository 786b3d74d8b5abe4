"""What waits for a broker, and what is on its way: nothing comes late, however slowly it reads."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotiond.streamer.outputs.mqtt_outbox import (
    MOST_ON_WAY_SECONDS,
    MOST_WAITING,
    MOST_WAITING_SECONDS,
    Outbox,
)
from emotiond.streamer.outputs.mqtt_topics import Publication

PER_EVENT, STRIDE_SECONDS = 5, 0.25
STEP_SECONDS = 0.01
RATE = PER_EVENT / STRIDE_SECONDS


def ages(
    read_per_second: float, far_seconds: float, streams: int = 1, seconds: float = 90.0
) -> Iterator[tuple[float, float]]:
    """Yield when each message is read and how old it is then, by a broker of such a speed.

    Everything between holds whatever is sent to it. Each way takes ``far_seconds``.
    """
    outbox = Outbox()
    way: deque[tuple[float, float | int]] = deque()  # when it comes; a message's time, or a ping
    answers: deque[tuple[float, int]] = deque()
    pings, credit = 0, 0.0
    for step in range(round(seconds / STEP_SECONDS)):
        now = step * STEP_SECONDS
        if step % round(STRIDE_SECONDS / STEP_SECONDS) == 0:
            outbox.put([Publication("time", repr(now))] * PER_EVENT * streams, now)
        credit = min(credit + read_per_second * STEP_SECONDS, 1.0 + read_per_second * STEP_SECONDS)
        while way and way[0][0] <= now and (credit >= 1 or isinstance(way[0][1], int)):
            _, read = way.popleft()
            if isinstance(read, int):
                answers.append((now + far_seconds, read))
            else:
                credit -= 1
                yield now, now - read
        while answers and answers[0][0] <= now:
            outbox.note_answer(answers.popleft()[1], now)
        while (publication := outbox.take(now)) is not None:
            outbox.note_sent(now)
            way.append((now + far_seconds, float(publication.content)))
        if outbox.wants_ping(now):
            pings += 1
            outbox.note_ping(pings, now)
            way.append((now + far_seconds, pings))


@pytest.mark.parametrize("share", [0.99, 0.9, 0.7, 0.5, 0.25])
def test_a_slow_broker_gets_what_is_two_seconds_old_at_most(share: float) -> None:
    found = list(ages(share * RATE, 0.01))
    assert max(age for now, age in found if now > 30) < 2.5
    assert max(age for _, age in found) < 1 + 2 / share  # until it is known for a slow one
    assert len(found) > 0.95 * share * RATE * 90 - 20  # it reads all the time


@given(st.floats(1.1, 20.0), st.floats(0.0, 0.3), st.integers(1, 8))
def test_a_quick_one_gets_everything_however_far_it_is(
    share: float, far_seconds: float, streams: int
) -> None:
    rate = share * RATE * streams
    found = list(ages(rate, far_seconds, streams, 20.0))
    assert len(found) > RATE * streams * 18.5  # a few are still on the way
    assert max(age for _, age in found) < 2.5 + 2 * far_seconds


def test_one_that_answers_nothing_gets_a_second_s_messages_and_the_rest_waits_a_second() -> None:
    outbox, sent = Outbox(), []
    for step in range(40):
        now = step * STRIDE_SECONDS
        outbox.put([Publication("a", str(now))], now)
        while outbox.take(now) is not None:
            sent.append(now)
            outbox.note_sent(now)
        if outbox.wants_ping(now):
            outbox.note_ping(1, now)
    assert sent[-1] <= MOST_ON_WAY_SECONDS
    assert outbox.waiting == MOST_WAITING_SECONDS / STRIDE_SECONDS + 1
    assert outbox.dropped == 40 - len(sent) - outbox.waiting
    assert outbox.is_behind(now)
    outbox.note_answer(1, now)
    outbox.note_ping(2, now)  # the other ones may be unread still
    outbox.note_answer(2, now)
    assert outbox.take(now) is not None


def test_one_that_waits_for_all_drops_nothing_for_its_age() -> None:
    outbox = Outbox(math.inf)
    outbox.put([Publication("a", "")], 0.0)
    assert outbox.take(1e6) is not None
    assert not outbox.is_behind(1e6)


def test_the_oldest_are_dropped_beyond_a_number() -> None:
    outbox = Outbox()
    outbox.put([Publication("a", str(number)) for number in range(MOST_WAITING + 3)], 0.0)
    assert (outbox.waiting, outbox.dropped) == (MOST_WAITING, 3)
    assert outbox.take(0.0) == Publication("a", "3")


def test_an_answer_to_an_earlier_ping_says_nothing() -> None:
    outbox = Outbox()
    outbox.note_sent(0.0)
    outbox.note_ping(7, 0.0)
    outbox.note_answer(6, 0.1)
    assert (outbox.on_way, outbox.can_ask) == (1, False)
    outbox.note_answer(7, 0.2)
    assert (outbox.on_way, outbox.can_ask) == (0, False)


def test_another_connection_begins_anew() -> None:
    outbox = Outbox()
    outbox.note_sent(0.0)
    outbox.note_ping(1, 0.0)
    outbox.begin()
    outbox.note_answer(1, 0.1)
    assert (outbox.on_way, outbox.unread_seconds(9.0), outbox.can_ask) == (0, 0.0, False)
