"""The two ZeroMQ endpoints as one output: events in two frames, or in one for the latest.

A subscriber with ``CONFLATE`` keeps the last frame, not the last message. Two frames, the type as
the topic and the JSON object, are not for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emotiond.streamer.hub import Message
from emotiond.streamer.outputs.clients_share import ClientsShare
from emotiond.streamer.outputs.output import About
from emotiond.streamer.outputs.zeromq_publisher import ZeroMQPublisher, topic_and_content
from emotiond.streamer.outputs.zeromq_thread import PublisherThread
from emotiond.streamer.protocol.events import Emotion, encode, to_json
from emotiond.streamer.server.prometheus import metric


def emotion_by_stream(message: Message) -> Sequence[bytes]:
    """Return one frame for an ``emotion``: the JSON object, which begins with its stream.

    So ``{"stream":"mic"`` is a topic.
    """
    if not isinstance(message.event, Emotion):
        return ()
    return (encode({"stream": message.stream, **to_json(message.event)}).encode(),)


class Publishers:
    """The two endpoints as one output.

    Args:
        endpoint: the endpoint of two frames; None for none.
        latest: the endpoint of single frames; None for none.
        last_messages: as for :class:`ZeroMQPublisher`, as the following.
        lossless: whether to wait a while for slow subscribers.
        folder: has the keys; None for no encryption.
        open_to: who can subscribe, for the announcement.

    Raises:
        ServeError: an endpoint is malformed or in use.
        ConfigError: the keys cannot be read.
    """

    def __init__(
        self,
        endpoint: str | None,
        latest: str | None,
        last_messages: Callable[[], Iterable[Message]],
        lossless: bool,
        folder: Path | None,
        open_to: str,
    ) -> None:
        self._open_to = open_to
        self._share = ClientsShare()
        self._all: dict[str, PublisherThread] = {}
        wanted = (
            ("ZeroMQ", "--zmq", endpoint, topic_and_content),
            ("ZeroMQ latest", "--zmq-latest", latest, emotion_by_stream),
        )
        try:
            for name, flag, place, frames in wanted:
                if place is not None:
                    make = functools.partial(
                        ZeroMQPublisher,
                        place,
                        lossless=lossless,
                        folder=folder,
                        frames=frames,
                        flag=flag,
                    )
                    self._all[name] = PublisherThread(make, last_messages)
        except BaseException:
            for each in self._all.values():
                each.close(0)
            raise

    @property
    def failure(self) -> str | None:
        """Why subscribers can no longer connect; None otherwise."""
        return next((each.failure for each in self._all.values() if each.failure), None)

    @property
    def dropped(self) -> int:
        """How often a subscriber's queue was full."""
        return sum(each.dropped for each in self._all.values())

    def send(self, message: Message) -> None:
        """Publish a message at each endpoint, unless clients publish too much."""
        if not self._share.lets_through(message):
            return
        for each in self._all.values():
            each.send(message)

    async def drained(self, wholly: bool = False) -> None:
        """Wait until all subscribers have room."""
        for each in self._all.values():
            await each.drained(wholly)

    def about(self) -> About:
        """Return the addresses, and the numbers of connections and of skipped events."""
        seats = [each.occupancy for each in self._all.values()]
        count, refused = sum(s.count for s in seats), sum(s.refused for s in seats)
        limit = sum(s.limit for s in seats)
        return About(
            address=", ".join(f"{name} {each.endpoint}" for name, each in self._all.items()),
            open_to=self._open_to,
            disconnected=next((each.trouble for each in self._all.values() if each.trouble), None),
            health={
                "zeromq": {
                    "connections": count,
                    "limit": limit,
                    "refused": refused,
                    "skipped": self._share.skipped,
                }
            },
            metrics=(
                metric("emotiond_zeromq_connections", "gauge", "ZeroMQ connections.", (count, {})),
                metric(
                    "emotiond_zeromq_connections_limit",
                    "gauge",
                    "Most ZeroMQ connections at a time.",
                    (limit, {}),
                ),
                metric(
                    "emotiond_zeromq_refused_total",
                    "counter",
                    "ZeroMQ connections beyond the limit.",
                    (refused, {}),
                ),
                metric(
                    "emotiond_zeromq_skipped_total",
                    "counter",
                    "Events of clients' streams that ZeroMQ left out.",
                    (self._share.skipped, {}),
                ),
            ),
        )

    async def ready(self) -> None:
        """Return at once."""

    async def close(self, timeout_seconds: float) -> None:
        """Send the rest and close, in time unless drained wholly before."""
        with ThreadPoolExecutor(len(self._all)) as threads:
            closing = [threads.submit(each.close, timeout_seconds) for each in self._all.values()]
            for each in closing:
                each.result()
