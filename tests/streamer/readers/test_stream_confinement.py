"""What a stream of the network could do in the process that decodes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotiond.exceptions import SourceError
from emotiond.streamer.readers import stream_decoder
from emotiond.streamer.readers.stream_decoder import StreamDecoder
from tests.support.attempts import (
    ATTEMPTS,
    HEAD,
    REFUSED,
    STREAMING,
    STREAMING_UNCONFINED,
    tempting,
)
from tests.support.processes import needs_proc

pytestmark = [needs_proc, pytest.mark.skipif(sys.platform != "linux", reason="needs seccomp")]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with tempting(tmp_path):
        yield tmp_path


def outcomes_in_stream(
    before: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    command = stream_decoder._COMMAND.replace("main()", f"{before}main()")
    monkeypatch.setattr(stream_decoder, "_COMMAND", command)
    begun = StreamDecoder()
    try:
        begun.feed(HEAD + str(folder).encode())
        begun.end_input()
        with pytest.raises(SourceError) as refused:
            begun.read()
    finally:
        begun.close()
    outcomes: dict[str, str] = json.loads(refused.value.problem)
    return outcomes


def test_a_stream_of_the_network_is_refused_as_much(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(folder.iterdir())
    assert outcomes_in_stream(STREAMING, folder, monkeypatch) == dict.fromkeys(ATTEMPTS, REFUSED)
    assert sorted(folder.iterdir()) == before


def test_the_attempts_of_a_stream_work_where_nothing_is_confined(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unconfined = STREAMING + STREAMING_UNCONFINED
    outcomes = outcomes_in_stream(unconfined, folder, monkeypatch)
    failed = {attempt for attempt, outcome in outcomes.items() if outcome != "done"}
    assert failed <= {"go around the filter"}, outcomes
