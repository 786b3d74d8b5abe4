"""The packed events of a stream: they come back as they were, and memory stays within its bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emotiond.inference.card import LABELS
from emotiond.streamer.past.kept_stream import KeptStream, columns
from emotiond.streamer.protocol.events import Emotion, to_json

HOUR = 3600.0
SCORES = {label: round(0.0313 + 0.0214 * index, 4) for index, label in enumerate(LABELS)}
SPEECH = Emotion(
    seq=0,
    stream="mic",
    start=0.0,
    end=0.245,
    time=1795372800.2512,
    state="speech",
    label="sad",
    confidence=SCORES["sad"],
    scores=SCORES,
    raw=dict(zip(LABELS, reversed(SCORES.values()), strict=True)),
    speech_ratio=0.9231,
    level_dbfs=-23.4567,
    age_ms=14.2031,
    dropped_samples=2**40,
)
SILENCE = replace(
    SPEECH, state="silence", label=None, confidence=None, scores=None, raw=None, age_ms=None
)


def event(index: int, stride: float = 0.25, of: Emotion = SPEECH) -> Emotion:
    end = (index + 1) * stride - 0.005
    start = max(0.0, end - 2.015)
    return replace(of, seq=2 * index, start=start, end=end, time=1795372800 + end)


def kept(count: int, stride: float = 0.25, hours: float = 2.0) -> KeptStream:
    """A stream of so many events that arrive as they are spoken."""
    stream = KeptStream(hours * HOUR)
    for index in range(count):
        stream.add(event(index, stride), arrival_seconds=index * stride)
    return stream


@pytest.mark.parametrize("example", [SPEECH, SILENCE, replace(SILENCE, state="warmup")])
def test_an_event_comes_back_as_it_was_sent(example: Emotion) -> None:
    stream = KeptStream(HOUR)
    stream.add(event(7, of=example), 0.0)
    rows, has_more = stream.before(None, 10, 0.0)
    assert not has_more
    sent = to_json(event(7, of=example))
    for name in ("scores", "raw"):
        sent[name] = sent[name] and list(sent[name].values())
    left_out = {"type", "stream", "confidence", "demo"}
    assert columns(rows) == {k: [v] for k, v in sent.items() if k not in left_out}


def test_pieces_go_back_from_the_newest_without_a_hole() -> None:
    stream, found, before = kept(1000), [], None
    while True:
        rows, has_more = stream.before(before, 240, 250.0)
        found = rows["seq"].tolist() + found
        before = found[0]
        if not has_more:
            break
    assert found == [2 * index for index in range(1000)]
    assert len(stream.before(1, 240, 250.0)[0]) == 1
    assert len(stream.before(0, 240, 250.0)[0]) == 0


@pytest.mark.parametrize("stride", [0.05, 0.1, 0.15, 0.25])
def test_an_hour_takes_two_megabytes_at_most(stride: float) -> None:
    stream = kept(round(1.2 * HOUR / stride), stride, hours=1.0)
    assert stream.kept_bytes <= 2_000_000
    rows, _ = stream.before(None, 10**6, 1.2 * HOUR)
    assert rows["end"][-1] - rows["end"][0] == pytest.approx(HOUR, abs=0.4)


def test_a_short_stride_is_thinned_out_and_a_usual_one_is_not() -> None:
    assert len(kept(400, 0.25).before(None, 1000, 100.0)[0]) == 400
    assert len(kept(1000, 0.01).before(None, 1000, 10.0)[0]) == 67


def test_what_is_too_old_goes_although_no_new_event_comes() -> None:
    stream = kept(400, hours=0.1)
    assert len(stream.before(None, 1000, 300.0)[0]) == 400
    assert 0 < len(stream.before(None, 1000, 400.0)[0]) < 400
    stream.forget(1000.0)
    assert stream.kept_bytes == 0
    assert len(stream.before(None, 1000, 1000.0)[0]) == 0


def test_a_file_at_full_speed_keeps_no_more_than_its_hours() -> None:
    stream = KeptStream(0.5 * HOUR)
    for index in range(4 * 3600):
        stream.add(event(index), arrival_seconds=0.0)
    rows, _ = stream.before(None, 10**6, 0.0)
    assert len(rows) == pytest.approx(2 * 3600, abs=1)
