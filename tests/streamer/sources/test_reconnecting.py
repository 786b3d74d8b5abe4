from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.audio.ring import Block, Ring
from emotiond.streamer.sources import reconnecting
from emotiond.streamer.sources.reconnecting import LASTING_SECONDS, Supervisor, growing_pauses
from emotiond.streamer.sources.source import About

RATE = 16_000
PATIENCE_SECONDS = 20
BLOCK = np.full((160, 1), 0.5, np.float32)


class Cable:
    """A device that the test plugs and pulls. It writes one block whenever it is opened."""

    lost_detail, muted_detail = "it is pulled", "it is closed"
    about = About()

    def __init__(self) -> None:
        self.ring = Ring(10 * RATE, 1, RATE)
        self.supervisor = Supervisor(self)
        self.statuses: queue.Queue[tuple[str, str]] = queue.Queue()
        self.plugged = self.opens = self.gives_sound = True
        self.is_open = self.works = False
        self.found = 0
        self.last_words = False
        self.refused = threading.Semaphore(0)
        self.written = threading.Semaphore(0)
        self.thread = threading.Thread(
            target=lambda: self.supervisor.keep_open(
                0, self.ring, lambda *status: self.statuses.put(status)
            ),
            daemon=True,
        )

    def find(self) -> int:
        self.found += 1
        if not self.plugged:
            self.refused.release()
            raise SourceError("there is no cable", "Plug it in")
        return self.found

    def open(self, found: int) -> None:
        if not self.opens:
            self.refused.release()
            raise SourceError("it is used elsewhere", "Wait")
        self.is_open = True
        self.works = self.gives_sound
        if self.works:
            self.supervisor.note_block(time.monotonic(), BLOCK.shape[0] / RATE)
            self.ring.write(BLOCK, 0.0)
            self.written.release()

    def is_lost(self) -> bool:
        return not self.works

    def close(self) -> None:
        self.is_open = False
        if self.last_words:
            self.supervisor.check()

    def start(self) -> None:
        self.thread.start()
        if not self.supervisor.muted and self.opens and self.gives_sound:
            assert self.status() == "running"
            assert self.written.acquire(timeout=PATIENCE_SECONDS)

    def pull(self) -> None:
        self.plugged = self.works = False
        self.supervisor.check()

    def status(self) -> str:
        return self.statuses.get(timeout=PATIENCE_SECONDS)[0]

    def refuse(self) -> None:
        """Wait for an attempt that fails."""
        assert self.refused.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.supervisor.stop()
    if cable.thread.ident is not None:
        cable.thread.join(PATIENCE_SECONDS)
    assert not cable.thread.is_alive()
    assert (cable.is_open, cable.supervisor.state == "on") == (False, False)


def blocks(ring: Ring) -> list[Block]:
    """Return all written blocks, one for each time that the cable was open."""
    return list(iter(lambda: ring.read(BLOCK.shape[0]), None))


def test_the_pauses_between_attempts_grow_up_to_ten_seconds() -> None:
    assert list(itertools.islice(growing_pauses(), 7)) == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_lost_device_is_reopened_and_the_time_becomes_a_gap(
    cable: Cable,
) -> None:
    cable.start()
    assert cable.supervisor.state == "on"
    cable.pull()
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("reconnecting", "it is pulled")
    cable.refuse()
    assert cable.supervisor.state == "off"
    assert not cable.is_open
    cable.refuse()
    cable.plugged = True
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "")
    assert cable.written.acquire(timeout=PATIENCE_SECONDS)
    before, after = blocks(cable.ring)
    assert after.after_cut
    assert after.position - before.position > RATE  # two pauses, of 0.5 and 1 s
    assert cable.ring.lost_samples == after.position - BLOCK.shape[0]


def test_a_loss_is_noticed_without_a_notice(cable: Cable) -> None:
    cable.start()
    cable.works = False
    assert cable.status() == "reconnecting"
    assert cable.status() == "running"


def test_a_device_that_does_not_open_is_tried_again(cable: Cable) -> None:
    cable.start()
    cable.opens = cable.works = False
    assert cable.status() == "reconnecting"
    cable.refuse()
    cable.opens = True
    assert cable.status() == "running"
    before, after = blocks(cable.ring)
    assert cable.ring.lost_samples == after.position - before.position - BLOCK.shape[0]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for. None is made."""
    noted: list[float] = []

    def none() -> Iterator[float]:
        for pause in growing_pauses():
            noted.append(pause)
            yield 0.0

    monkeypatch.setattr(reconnecting, "growing_pauses", none)
    monkeypatch.setattr(reconnecting, "_CHECK_SECONDS", 0.0)
    return noted


def lose(cable: Cable, times: int) -> None:
    """Let it work for one block, so many times."""
    for _ in range(times):
        cable.works = False
        assert cable.status() == "reconnecting"
        assert cable.status() == "running"


def test_what_comes_and_goes_is_opened_after_growing_pauses(
    cable: Cable, pauses: list[float]
) -> None:
    cable.start()
    lose(cable, 7)
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10]


def test_what_has_given_sound_for_a_while_is_opened_soon(cable: Cable, pauses: list[float]) -> None:
    cable.start()
    lose(cable, 3)
    cable.supervisor.note_block(time.monotonic() + 2 * LASTING_SECONDS, 0.01)
    lose(cable, 2)
    assert pauses == [0.5, 1, 2, 0.5, 1]


def test_what_was_muted_is_opened_at_once_and_then_soon(cable: Cable, pauses: list[float]) -> None:
    cable.start()
    lose(cable, 3)
    cable.supervisor.mute(True)
    assert cable.status() == "muted"
    cable.supervisor.mute(False)
    assert cable.status() == "running"
    assert pauses == [0.5, 1, 2]
    lose(cable, 1)
    assert pauses == [0.5, 1, 2, 0.5]


def test_only_a_mute_or_the_end_cuts_a_pause_short(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that ends with its connection says so by a last ``check``."""
    monkeypatch.setattr(reconnecting, "growing_pauses", lambda: itertools.repeat(3_600.0))
    cable.start()
    cable.last_words = True
    cable.pull()
    assert cable.status() == "reconnecting"
    cable.supervisor.check()
    cable.supervisor.mute(True)
    assert cable.status() == "muted"
    assert cable.found == 0
    cable.plugged = True
    cable.supervisor.mute(False)
    assert cable.status() == "running"
    assert cable.found == 1


def test_it_runs_at_the_first_block_and_not_when_it_opens(
    cable: Cable, pauses: list[float]
) -> None:
    cable.gives_sound = False
    cable.start()
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("reconnecting", "it is pulled")
    while len(pauses) < 6:
        time.sleep(0.01)  # nothing happens that could be awaited
    assert pauses[:6] == [0.5, 1, 2, 4, 8, 10]  # although each opening succeeds
    assert cable.statuses.empty()
    cable.gives_sound = True
    assert cable.status() == "running"


def test_a_device_that_is_not_there_at_the_start_is_waited_for_without_loss() -> None:
    cable = Cable()
    cable.plugged = False
    supervising = threading.Thread(
        target=lambda: cable.supervisor.keep_open(
            None, cable.ring, lambda *status: cable.statuses.put(status)
        )
    )
    supervising.start()
    status, detail = cable.statuses.get(timeout=PATIENCE_SECONDS)
    assert (status, detail) == ("reconnecting", "there is no cable. Plug it in. It is looked for.")
    cable.plugged = True
    assert cable.status() == "running"
    cable.supervisor.stop()
    supervising.join(PATIENCE_SECONDS)
    assert cable.ring.lost_samples == 0


def test_a_complaint_about_the_sound_is_reported_until_all_is_well(cable: Cable) -> None:
    cable.start()
    cable.supervisor.complain("only zeros come")
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "only zeros come")
    cable.supervisor.complain("")
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "")


def test_another_description_is_reported_with_the_same_status(cable: Cable) -> None:
    cable.start()
    cable.about = About(device="another one")
    cable.supervisor.check()
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "")


def test_muted_it_is_closed_until_it_is_unmuted_and_nothing_counts_as_lost(cable: Cable) -> None:
    cable.start()
    cable.supervisor.mute(True)
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("muted", "it is closed")
    assert (cable.is_open, cable.supervisor.state, cable.found) == (False, "muted", 0)
    cable.supervisor.mute(False)
    assert cable.status() == "running"
    _, after = blocks(cable.ring)
    assert after.after_cut
    assert cable.ring.lost_samples == 0


def test_unmuted_without_its_device_it_reconnects(cable: Cable) -> None:
    cable.start()
    cable.supervisor.mute(True)
    assert cable.status() == "muted"
    cable.pull()
    cable.supervisor.mute(False)
    assert cable.status() == "reconnecting"
    cable.refuse()
    cable.plugged = True
    assert cable.status() == "running"


def test_muted_while_it_is_lost_it_is_not_looked_for(cable: Cable) -> None:
    cable.start()
    cable.pull()
    assert cable.status() == "reconnecting"
    cable.supervisor.mute(True)
    assert cable.status() == "muted"
    found = cable.found
    cable.plugged = True
    cable.supervisor.check()
    cable.supervisor.mute(False)
    assert cable.status() == "running"
    assert cable.found == found + 1


def test_muted_while_it_is_looked_for_it_is_not_opened(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []

    def find() -> int:
        cable.supervisor.mute(True)  # as somebody may, while a server takes its time
        return 1

    cable.start()
    monkeypatch.setattr(cable, "find", find)
    monkeypatch.setattr(cable, "open", opened.append)
    cable.pull()
    assert cable.status() == "reconnecting"
    assert cable.status() == "muted"
    assert not opened


def test_without_a_descriptor_or_a_thread_left_it_is_tried_again(
    cable: Cable, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [OSError(24, "Too many open files"), RuntimeError("no thread")]
    opens = cable.open

    def open_(found: int) -> None:
        if faults:
            raise faults.pop(0)
        opens(found)

    cable.start()
    cable.pull()
    monkeypatch.setattr(cable, "open", open_)
    assert cable.status() == "reconnecting"
    cable.plugged = True
    assert cable.status() == "running"
    assert not faults


def test_muted_before_the_start_it_is_not_opened(cable: Cable) -> None:
    cable.supervisor.mute(True)
    cable.start()
    assert cable.status() == "muted"
    assert blocks(cable.ring) == []
    cable.supervisor.mute(False)
    assert cable.status() == "running"


def test_it_is_closed_even_if_the_device_breaks_its_supervision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cable = Cable()
    monkeypatch.setattr(cable, "is_lost", lambda: 1 / 0)
    monkeypatch.setattr(reconnecting, "_CHECK_SECONDS", 0.0)
    with pytest.raises(ZeroDivisionError):
        cable.supervisor.keep_open(0, cable.ring, lambda *_: None)
    assert (cable.is_open, cable.supervisor.state) == (False, "off")


def test_what_it_complains_of_outlasts_a_mute_until_blocks_show_something_else(
    cable: Cable,
) -> None:
    cable.start()
    cable.supervisor.complain("nothing but zeros")
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "nothing but zeros")
    cable.supervisor.mute(True)
    assert cable.status() == "muted"
    cable.supervisor.mute(False)
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "nothing but zeros")
    cable.supervisor.complain("")
    assert cable.statuses.get(timeout=PATIENCE_SECONDS) == ("running", "")
