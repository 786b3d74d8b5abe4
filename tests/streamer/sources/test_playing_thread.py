from __future__ import annotations

import threading

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.playing_thread import start_playing
from emotiond.streamer.sources.source import About, OnStatus, Switch


class Silent:
    """A source whose thread each test plays itself."""

    sample_rate, channels = 16_000, 1
    about = About()
    switch: Switch | None = None
    failure: str | None = None

    def start(self, ring: Ring, on_status: OnStatus) -> None: ...
    def stop(self) -> None: ...


def test_the_ring_ends_after_the_playing_without_a_failure() -> None:
    ring, source, may_end = Ring(100, 1, 16_000), Silent(), threading.Event()
    thread = start_playing("x", source, ring, lambda: may_end.wait(60) and None)
    assert (thread.name, thread.daemon, ring.ended) == ("emotiond-x", True, False)
    may_end.set()
    thread.join(60)
    assert (ring.ended, source.failure) == (True, None)


def test_an_error_of_the_player_becomes_the_failure_before_the_ring_ends() -> None:
    ring, source = Ring(100, 1, 16_000), Silent()
    failures: list[str | None] = []
    ring.on_wake(lambda: failures.append(source.failure))
    ring.wake_at(100)

    def play() -> None:
        raise SourceError("the file is damaged", "Convert it again")

    start_playing("x", source, ring, play).join(60)
    assert failures == ["the file is damaged. Convert it again."]
