"""The worker: one thread and one interpreter serve several streams, each on its own."""

from __future__ import annotations

import functools
import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from emotiond.exceptions import ProfileError
from emotiond.inference.card import Card
from emotiond.inference.classifier import Classifier
from emotiond.inference.model import read_model
from emotiond.inference.profile import make_profile
from emotiond.inference.runtime import Runtime
from emotiond.streamer.audio.chunker import Chunk
from emotiond.streamer.audio.ring import Ring
from emotiond.streamer.protocol.events import Emotion, Event, Status
from emotiond.streamer.sources.source import About, OnStatus
from emotiond.streamer.streams import workers
from emotiond.streamer.streams.stream import Stream, Urgency
from emotiond.streamer.streams.workers import Worker
from tests.conftest import DATA
from tests.support.signals import RATE, demo

STRIDE = 4000
PATIENCE_SECONDS = 20.0


class ManualSource:
    """A source whose audio the test writes."""

    sample_rate, channels = RATE, 1
    about = About()
    failure = None
    switch = None

    def __init__(self) -> None:
        self.started = False
        self.stopped = threading.Event()

    def start(self, ring: Ring, on_status: OnStatus) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped.set()


class Recorded:
    """A stream whose events the test reads."""

    def __init__(
        self, name: str = "mic", kind: type[Stream] = Stream, lossless: bool = True
    ) -> None:
        self.events: list[Event] = []
        self.source = ManualSource()
        self.stream = kind(name, self.source, lossless, STRIDE, self._publish)
        self._arrived = threading.Condition()
        self.on_emotion: Callable[[], object] = lambda: None

    def write(self, strides: int) -> None:
        """Write so many strides of speech."""
        samples = demo()[: strides * STRIDE, None]
        for first in range(0, samples.shape[0], 160):
            self.stream.ring.write(samples[first : first + 160], 0.0)

    def await_emotions(self, count: int) -> None:
        """Wait until the worker has published so many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.emotions) >= count, PATIENCE_SECONDS), (
                f"{len(self.emotions)} emotions, not {count}"
            )

    @property
    def emotions(self) -> list[Emotion]:
        return [event for event in self.events if isinstance(event, Emotion)]

    def await_end(self) -> Status:
        """Wait for the last event, and return it."""
        assert self.stream.finished.wait(PATIENCE_SECONDS)
        last = self.events[-1]
        assert isinstance(last, Status)
        return last

    def _publish(self, stream: str, events: Sequence[Event], lossless: bool) -> None:
        with self._arrived:
            self.events += events
            for event in events:
                if isinstance(event, Emotion):
                    self.on_emotion()
            self._arrived.notify_all()


class HeldUp(Recorded):
    """A stream whose first emotion keeps the worker busy until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__("busy")
        self.is_held_up, self.may_go_on = threading.Event(), threading.Event()
        self.on_emotion = self._hold_up

    def _hold_up(self) -> None:
        self.is_held_up.set()
        assert self.may_go_on.wait(PATIENCE_SECONDS)


class BrokenStream(Stream):
    """A stream with a bug."""

    def next_chunk(self) -> Chunk | None:
        raise ZeroDivisionError("of a bug")


@pytest.fixture
def worker(runtime: Runtime) -> Iterator[Worker]:
    with_thread = Worker(read_model(DATA / "adapting.tflite"), runtime)
    yield with_thread
    with_thread.close(PATIENCE_SECONDS)


def test_a_stream_gets_one_emotion_per_stride_and_its_end(worker: Worker) -> None:
    recorded = Recorded()
    worker.adopt(recorded.stream)
    assert recorded.source.started
    recorded.write(4)
    recorded.await_emotions(4)
    recorded.stream.ring.end()
    assert recorded.await_end().status == "ended"
    assert len(recorded.emotions) == 4
    assert [event.seq for event in recorded.events] == list(range(len(recorded.events)))


def test_audio_written_before_the_adoption_is_processed(worker: Worker) -> None:
    recorded = Recorded()
    recorded.write(2)
    recorded.stream.ring.end()
    worker.adopt(recorded.stream)
    recorded.await_end()
    assert len(recorded.emotions) == 2


def test_one_worker_serves_several_streams(worker: Worker) -> None:
    streams = [Recorded(name) for name in "abc"]
    for recorded in streams:
        worker.adopt(recorded.stream)
    for recorded in streams:
        recorded.write(3)
    for recorded in streams:
        recorded.await_emotions(3)
        recorded.stream.ring.end()
        recorded.await_end()
    first, *others = ([e.scores for e in recorded.emotions] for recorded in streams)
    assert all(scores == first for scores in others)  # no stream affects another


def order_of_service(
    worker: Worker, strides: Mapping[Urgency, int], when_busy: Callable[[], None] = lambda: None
) -> list[Urgency]:
    """Let strides of each urgency come while the worker is busy; return how they are served."""
    busy, served = HeldUp(), list[Urgency]()
    busy.stream.urgency = Urgency.FILE  # it comes last: nothing else is due any more
    worker.adopt(busy.stream)
    streams = {}
    for urgency in strides:
        recorded = streams[urgency] = Recorded(urgency.name, lossless=False)
        recorded.stream.urgency = urgency
        recorded.on_emotion = functools.partial(served.append, urgency)
        worker.adopt(recorded.stream)
    busy.write(1)
    assert busy.is_held_up.wait(PATIENCE_SECONDS)
    when_busy()
    for urgency, count in strides.items():
        streams[urgency].write(count)
    busy.may_go_on.set()
    for urgency, count in strides.items():
        streams[urgency].await_emotions(count)
    return served


def test_live_streams_are_served_first_and_the_daemons_own_before_those_of_clients(
    worker: Worker,
) -> None:
    own, client, file = Urgency.OWN, Urgency.CLIENT, Urgency.FILE
    served = order_of_service(worker, {file: 3, client: 2, own: 2})
    assert served == [own, own, client, client, file, file, file]


def test_files_are_served_too_where_live_streams_take_all_the_time(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, client, file = Urgency.OWN, Urgency.CLIENT, Urgency.FILE
    served = order_of_service(
        worker,
        {file: 3, client: 3, own: 4},
        lambda: monkeypatch.setattr(workers, "MOST_AHEAD_SECONDS", 0.0),
    )
    assert served[:5] == [own, file, own, client, own]


@pytest.mark.parametrize(("lossless", "urgency"), [(False, Urgency.OWN), (True, Urgency.FILE)])
def test_sound_that_waits_for_the_worker_is_less_urgent(lossless: bool, urgency: Urgency) -> None:
    assert Recorded(lossless=lossless).stream.urgency is urgency


def test_a_fault_ends_its_stream_alone_and_closes_its_source(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = Recorded("broken", BrokenStream), Recorded("whole")
    for recorded in (broken, whole):
        worker.adopt(recorded.stream)
    broken.write(1)
    assert broken.await_end().detail.startswith("internal error: ZeroDivisionError('of a bug')")
    assert broken.stream.failure == broken.await_end().detail
    assert broken.source.stopped.wait(PATIENCE_SECONDS)
    broken.write(1)  # its source may write until it is stopped
    whole.write(2)
    whole.await_emotions(2)
    assert broken.emotions == []
    assert worker.is_alive
    assert len(caplog.messages) == 1


def test_a_profile_of_another_size_is_refused_before_the_source_starts(worker: Worker) -> None:
    recorded = Recorded()
    with pytest.raises(ProfileError, match="the profile holds 1 statistics"):
        worker.adopt(recorded.stream, make_profile("adapting", card().sha256, 20.0, (0.5,)))
    assert not recorded.source.started
    assert recorded.events == []


def test_a_speaker_starts_from_the_profile(worker: Worker, runtime: Runtime) -> None:
    speaker = Classifier(read_model(DATA / "adapting.tflite"), runtime).speaker()
    assert speaker is not None
    mean = (0.5,) * speaker.vector.size
    known, unknown = Recorded("known"), Recorded("unknown")
    worker.adopt(unknown.stream)
    worker.adopt(known.stream, make_profile("adapting", card().sha256, 20.0, mean))
    for recorded in (known, unknown):
        recorded.write(8)
        recorded.await_emotions(8)
    first_of_each = [
        next(event.raw for event in recorded.emotions if event.raw is not None)
        for recorded in (known, unknown)
    ]
    assert first_of_each[0] != first_of_each[1]


def test_a_worker_keeps_no_finished_stream_in_memory(worker: Worker) -> None:
    recorded, other = Recorded(), Recorded("other")
    worker.adopt(recorded.stream)
    recorded.write(1)
    recorded.stream.ring.end()
    recorded.await_end()
    worker.adopt(other.stream)
    other.write(1)
    other.await_emotions(1)  # the worker has left the first stream
    reference = weakref.ref(recorded.stream)
    del recorded
    gc.collect()
    assert reference() is None


def test_a_closed_worker_leaves_its_streams_unfinished(worker: Worker) -> None:
    recorded = Recorded()
    worker.adopt(recorded.stream)
    assert worker.is_alive
    worker.close(PATIENCE_SECONDS)
    assert not worker.is_alive
    recorded.write(1)
    assert recorded.emotions == []
    assert not recorded.stream.finished.is_set()


def card() -> Card:
    return read_model(DATA / "adapting.tflite").card
