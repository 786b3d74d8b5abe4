"""Sound that clients send and that is refused, cancelled or makes no sense."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.conftest import DATA
from tests.support.caller import Caller, calling, pcm
from tests.support.daemon import PATIENCE_SECONDS, Daemon, running_daemon
from tests.support.signals import demo

TINY = str(DATA / "tiny.tflite")
VOICE = pcm(demo()[: 4 * 16_000])


def health(daemon: Daemon) -> Mapping[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("GET", "/healthz")
    answer = json.loads(connection.getresponse().read())
    assert isinstance(answer, dict)
    return answer


def test_one_stream_too_many_is_refused_and_the_socket_stays_open() -> None:
    with (
        running_daemon(
            "--source", "demo", "--model", TINY, "--history", "off", "--max-client-streams", "1"
        ) as daemon,
        calling(daemon.websocket_url) as first,
        calling(daemon.websocket_url) as second,
    ):
        assert first.hello["client_streams"]["max"] == 1
        stream = first.start(purpose="live")
        assert health(daemon)["client_streams"] == {"open": 1, "limit": 1}
        second.say("start", purpose="file", sample_rate=16_000, format="s16le")
        second.send(VOICE)  # it did not wait for the answer
        second.say("end")
        error = second.until("error")
        assert error["error"] == "too-many-streams"
        assert error["about"] == "start"
        assert "--max-client-streams" in error["detail"]
        first.say("end")
        first.until("status", stream=stream, status="ended")
        assert second.analysis(VOICE)["duration"] == 4.0
        assert [message["type"] for message in second.received].count("error") == 1


def test_client_streams_can_be_off() -> None:
    with (
        running_daemon("--source", "demo", "--model", TINY, "--max-client-streams", "0") as daemon,
        calling(daemon.websocket_url) as caller,
    ):
        caller.say("start", purpose="live", sample_rate=16_000, format="s16le")
        assert caller.until("error")["error"] == "too-many-streams"


def test_a_second_start_is_refused_and_the_first_stream_goes_on(caller: Caller) -> None:
    stream = caller.start()
    caller.say("start", purpose="file", sample_rate=16_000, format="s16le")
    assert caller.until("error")["error"] == "stream-running"
    caller.send(VOICE)
    caller.say("end")
    assert caller.until("analysis")["stream"] == stream


def test_audio_without_a_stream_is_reported_once(caller: Caller) -> None:
    for _ in range(20):
        caller.connection.send(b"\x00\x00")
    caller.say("recall", id=12_345)
    errors = [caller.until("error"), caller.until("error")]
    assert [error["error"] for error in errors] == ["no-stream", "unknown-file"]
    assert errors[0]["about"] == "audio"
    assert caller.analysis(VOICE)["duration"] == 4.0


@pytest.mark.parametrize("kind", ["end", "cancel"])
def test_the_end_of_nothing_is_an_error(caller: Caller, kind: str) -> None:
    caller.say(kind)
    error = caller.until("error")
    assert (error["error"], error["about"]) == ("no-stream", kind)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("s16le", b"\x00" * 3),
        ("f32le", b"\x00" * 6),
        ("f32le", np.array([0, np.nan], "<f4").tobytes()),
        ("f32le", np.array([-np.inf], "<f4").tobytes()),
        ("f32le", np.array([1e30], "<f4").tobytes()),
    ],
)
def test_invalid_audio_ends_the_stream(caller: Caller, form: str, data: bytes) -> None:
    stream = caller.start(format=form)
    caller.connection.send(data)
    error = caller.until("error")
    assert (error["error"], error["about"]) == ("bad-audio", "audio")
    assert caller.until("status", stream=stream)["status"] == "ended"
    assert caller.analysis(VOICE)["duration"] == 4.0


def test_a_file_that_is_too_long_is_refused_before_it_comes(caller: Caller) -> None:
    caller.say("start", purpose="file", sample_rate=16_000, format="s16le", duration=7200)
    error = caller.until("error")
    assert error["error"] == "too-long"
    assert "emotiond analyze" in error["detail"]


def test_a_cancelled_upload_leaves_no_result(caller: Caller, daemon: Daemon) -> None:
    caller.say("history")
    before = caller.until("history")
    stream = caller.start()
    caller.send(VOICE)
    caller.say("cancel")
    ended = caller.until("status", stream=stream, status="ended")
    assert "cancelled" in ended["detail"]
    caller.say("history")
    assert caller.until("history") == before
    assert not [message for message in caller.received if message["type"] == "analysis"]
    assert health(daemon)["client_streams"]["open"] == 0
    assert health(daemon)["status"] == "ok"


def test_a_daemon_that_wants_a_token_takes_no_sound_without_it(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of some length\n")
    with (
        running_daemon("--source", "demo", "--model", TINY, "--token-file", str(token)) as daemon,
        pytest.raises(ConnectionClosed) as closed,
        connect(daemon.websocket_url) as connection,
    ):
        connection.send('{"type":"start","purpose":"live","sample_rate":16000,"format":"s16le"}')
        connection.recv(timeout=PATIENCE_SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


MESSAGES: st.SearchStrategy[str | bytes] = st.one_of(
    st.sampled_from(
        [
            '{"type":"start","purpose":"file","sample_rate":16000,"format":"s16le"}',
            '{"type":"start","purpose":"live","sample_rate":192000,"format":"f32le"}',
            '{"type":"start","purpose":"live","sample_rate":8000,"format":"s16le","publish":true}',
            '{"type":"end"}',
            '{"type":"cancel"}',
            '{"type":"history"}',
            '{"type":"forget","ids":[1]}',
            VOICE[:64_000],
        ]
    ),
    st.binary(max_size=100),
)


@given(messages=st.lists(MESSAGES, max_size=12))
def test_any_messages_in_any_order_are_answered(
    daemon: Daemon, messages: Sequence[str | bytes]
) -> None:
    with calling(daemon.websocket_url) as caller:
        for message in messages:
            caller.connection.send(message)
        caller.say("recall", id=-1)
        assert caller.until("error", about="recall")["error"] == "unknown-file"
    with calling(daemon.websocket_url) as caller:  # all streams of the last one are gone
        analysis = caller.analysis(VOICE)
        numbers = [event["seq"] for event in caller.events(analysis["stream"])]
        assert numbers == list(range(len(numbers)))
    assert health(daemon)["client_streams"]["open"] == 0
