"""The thread of a source."""

from __future__ import annotations

import threading
from collections.abc import Callable

from emotiond.exceptions import cause_of
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.sources.source import Source


def start_playing(
    name: str, source: Source, ring: Ring, play: Callable[[], None]
) -> threading.Thread:
    """Play a source in a thread of its own, and end the ring when it has ended.

    It is a daemon thread: a read without an answer must not keep the process alive.

    Args:
        name: of the thread.
        source: whatever ``play`` raises, its ``failure`` becomes the cause.
        ring: the ring that is played into.
        play: returns at the end of the audio, or soon after the source is stopped.
    """

    def run() -> None:
        try:
            play()
        except Exception as error:  # whatever it is, the stream ends with its cause
            source.failure = cause_of(error)
        finally:
            ring.end()

    thread = threading.Thread(target=run, name=f"emotiond-{name}", daemon=True)
    thread.start()
    return thread
