"""The hub by itself, with an output that notes what it gets."""

from __future__ import annotations

import asyncio
import time

import pytest

from emotiond.streamer.hub import Hub, Message
from emotiond.streamer.protocol.events import Change, Emotion, Status, StreamStatus


class Notes:
    """An output that has room for everything."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)

    async def drained(self, wholly: bool = False) -> None:
        pass


def status(seq: int, text: StreamStatus = "running") -> Message:
    return Message.of(Status(seq, "mic", text, "", None, None, False))


def test_every_output_gets_the_same_message_object() -> None:
    async def publish() -> tuple[Notes, Notes]:
        hub, first, second = Hub(asyncio.get_running_loop()), Notes(), Notes()
        hub.add("first", first)
        hub.add("second", second)
        await asyncio.to_thread(hub.publish, [status(0)], lossless=True)
        return first, second

    first, second = asyncio.run(publish())
    assert first.messages[0] is second.messages[0]
    assert first.messages[0].type == "status"


def test_an_output_does_not_get_the_streams_that_it_is_to_go_without() -> None:
    async def publish() -> tuple[Notes, Notes]:
        hub, page, other = Hub(asyncio.get_running_loop()), Notes(), Notes()
        hub.add("page", page)
        hub.add("other", other, without={"mic"})
        await asyncio.to_thread(hub.publish, [status(0)], lossless=True)
        return page, other

    page, other = asyncio.run(publish())
    assert (len(page.messages), other.messages) == (1, [])


def test_an_age_counts_from_the_capture_and_grows() -> None:
    event = Emotion(
        0, "mic", 0.0, 1.0, 0.0, "silence", None, None, None, None, 0.0, -80.0, 40.0, 0
    )  # fmt: skip

    async def publish() -> tuple[float, float]:
        hub = Hub(asyncio.get_running_loop())
        await asyncio.to_thread(hub.publish, [Message.of(event)], lossless=True)
        first = hub.age_seconds("mic")
        time.sleep(0.05)  # time itself, which nothing here waits for
        second = hub.age_seconds("mic")
        hub.forget("mic")
        with pytest.raises(KeyError):
            hub.age_seconds("mic")
        return first, second

    first, second = asyncio.run(publish())
    assert first >= 0.04
    assert second >= first + 0.05


class Faulty(Notes):
    """An output that raises at its first messages, and when it is waited for."""

    def __init__(self, most: int = 2) -> None:
        super().__init__()
        self._most = most

    def send(self, message: Message) -> None:
        if self._most:
            self._most -= 1
            raise OSError("no space left")
        super().send(message)

    async def drained(self, wholly: bool = False) -> None:
        raise OSError("no space left")


@pytest.mark.parametrize("lossless", [False, True])
def test_an_output_that_raises_costs_only_itself(
    caplog: pytest.LogCaptureFixture, lossless: bool
) -> None:
    async def publish() -> tuple[Hub, Faulty, Notes]:
        hub, faulty, notes = Hub(asyncio.get_running_loop()), Faulty(), Notes()
        hub.add("a pipe", faulty)
        hub.add("notes", notes)
        await asyncio.to_thread(hub.publish, [status(0), status(1), status(2)], lossless)
        await hub.drained()
        return hub, faulty, notes

    hub, faulty, notes = asyncio.run(publish())
    assert [message.event.seq for message in notes.messages] == [0, 1, 2]
    assert [message.event.seq for message in faulty.messages] == [2]  # it may have recovered
    assert hub.lost_messages == {"a pipe": 2}
    assert hub.failures.keys() == {"a pipe"}
    assert hub.failures["a pipe"].startswith("a pipe loses events (internal error: OSError('no sp")
    assert caplog.messages == [hub.failures["a pipe"]]


def test_the_last_status_is_kept_until_the_stream_is_forgotten() -> None:
    async def publish() -> None:
        hub = Hub(asyncio.get_running_loop())
        hub.publish([status(0), status(1, "ended")], lossless=False)
        await hub.drained()
        assert '"ended"' in hub.last_status["mic"].text
        assert hub.event_counts["mic", "status"] == 2
        hub.forget("mic")
        assert not hub.last_status
        assert not hub.event_counts

    asyncio.run(publish())


def test_when_the_loop_does_not_keep_up_the_oldest_messages_are_dropped_and_counted() -> None:
    async def publish() -> tuple[Hub, Notes]:
        hub, notes = Hub(asyncio.get_running_loop()), Notes()
        hub.add("notes", notes)
        for seq in range(5000):  # no await: the loop cannot fan them out
            hub.publish([Message.of(Change(seq, "mic", 0.0, None, None, 0.0))], lossless=False)
        await hub.drained()
        return hub, notes

    hub, notes = asyncio.run(publish())
    assert hub.dropped_messages == 5000 - 4096
    assert '"seq":904,' in notes.messages[0].text
    assert '"seq":4999,' in notes.messages[-1].text


def test_a_closed_hub_sends_what_waits_and_nothing_later() -> None:
    async def publish() -> Notes:
        hub, notes = Hub(asyncio.get_running_loop()), Notes()
        hub.add("notes", notes)
        hub.publish([status(0)], lossless=False)
        hub.close()
        hub.publish([status(1)], lossless=False)
        await hub.drained()
        return notes

    assert len(asyncio.run(publish()).messages) == 1


def test_publishing_after_the_end_of_the_loop_does_no_harm() -> None:
    loop = asyncio.new_event_loop()
    hub = Hub(loop)
    loop.close()
    hub.publish([status(0)], lossless=False)
    hub.publish([status(1)], lossless=True)
