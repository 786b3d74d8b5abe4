"""Real daemons that follow each other."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import zmq
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.conftest import DATA
from tests.streamer.rooms.test_received import EMOTION, HELLO
from tests.support.caller import Caller, Object, calling
from tests.support.daemon import DEMO, PATIENCE_SECONDS, Daemon, emotiond, running_daemon
from tests.support.free_port import free_port

TOKEN = "0123456789abcdef"  # noqa: S105 - no secret
PLAY = ("--model", str(DATA / "tiny.tflite"), "--history", "off")


def source(name: str) -> tuple[str, ...]:
    return ("--name", name, "--source", f"{name}-mic={DEMO}", *PLAY)


def following(*others: Daemon) -> Iterator[str]:
    for other in others:
        yield from ("--follow", f"ws://127.0.0.1:{other.port}")


def health(daemon: Daemon) -> Any:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def until_room(caller: Caller, state: str, detail: str = "") -> Object:
    """Wait until the first room is in a state."""
    while True:
        (room, *_) = caller.until("rooms")["rooms"]
        if room["state"] == state and detail in room["detail"]:
            return dict(room)


@pytest.fixture(scope="module")
def kitchen() -> Iterator[Daemon]:
    with running_daemon(*source("kitchen")) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def desk(kitchen: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    record = tmp_path_factory.mktemp("record") / "desk.wav"
    flags = (*following(kitchen), "--json", "--record", str(record))
    with running_daemon(*source("desk"), *flags) as daemon:
        yield daemon


def test_the_page_gets_the_other_daemons_events_as_they_are(desk: Daemon, kitchen: Daemon) -> None:
    with calling(kitchen.websocket_url) as there, calling(desk.websocket_url) as here:
        assert here.hello["streams"] == ["desk-mic"]
        here.say("rooms")
        shown = here.until("emotion", stream="kitchen/kitchen-mic")
        shown = here.until("emotion", stream="kitchen/kitchen-mic")
        sent = there.until("emotion", seq=shown["seq"])
        assert {**sent, "stream": shown["stream"]} == shown
        room = next(m for m in reversed(here.received) if m["type"] == "rooms")["rooms"][0]
    assert (room["name"], room["streams"]) == ("kitchen", ["kitchen/kitchen-mic"])
    assert abs(room["clock_seconds"]) < 5


def test_nobody_else_gets_them(desk: Daemon) -> None:
    with calling(desk.websocket_url) as asking, calling(desk.websocket_url) as silent:
        asking.say("rooms")
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.subscribe(b"")
            subscriber.connect(desk.zeromq_endpoint)
            for _ in range(4):
                asking.until("emotion", stream="kitchen/kitchen-mic")
            for _ in range(6):
                assert subscriber.poll(PATIENCE_SECONDS * 1000)
                assert json.loads(subscriber.recv_multipart()[1])["stream"] == "desk-mic"
        silent.say("past", stream="kitchen/kitchen-mic")
        silent.until("error", error="unknown-stream")
        assert {m["stream"] for m in silent.received if "seq" in m} == {"desk-mic"}
        assert "rooms" not in {m["type"] for m in silent.received}
        found = health(desk)
    assert found["rooms"]["kitchen"]["state"] == "connected"
    assert [*found["last"]] == [*found["streams"]] == ["desk-mic"]
    with urllib.request.urlopen(f"{desk.page_url}metrics", timeout=60) as answer:  # noqa: S310
        metrics = answer.read().decode()
    assert 'emotiond_room_state{room="kitchen",state="connected"} 1' in metrics
    assert 'emotiond_room_events_total{room="kitchen"}' in metrics
    assert "kitchen/kitchen-mic" not in metrics
    lines = desk.events()
    assert {next(lines)["stream"] for _ in range(8)} == {"desk-mic"}


def test_three_in_a_circle_show_each_its_neighbour_alone() -> None:
    ports = {name: free_port() for name in "abc"}

    def daemon(name: str, other: str) -> Any:
        flags = ("--follow", f"ws://127.0.0.1:{ports[other]}")
        own = ("--port", str(ports[name]), "--zmq", "off")
        return running_daemon(*source(name), *flags, ports=own)

    with (
        daemon("a", "b") as a, daemon("b", "c") as b, daemon("c", "a") as c,
        calling(a.websocket_url) as at_a, calling(b.websocket_url) as at_b,
        calling(c.websocket_url) as at_c,
    ):  # fmt: skip
        for caller, other in ((at_a, "b"), (at_b, "c"), (at_c, "a")):
            caller.say("rooms")
            for _ in range(3):
                caller.until("emotion", stream=f"{other}/{other}-mic")
        for caller, own, other in ((at_a, "a", "b"), (at_b, "b", "c"), (at_c, "c", "a")):
            streams = {message["stream"] for message in caller.received if "seq" in message}
            assert streams == {f"{own}-mic", f"{other}/{other}-mic"}


def test_a_daemon_that_follows_itself_says_so_in_one_line_and_goes_on() -> None:
    port = free_port()
    flags = ("--follow", f"ws://localhost:{port}")
    with running_daemon(
        *source("a"), *flags, ports=("--port", str(port), "--zmq", "off")
    ) as daemon:
        daemon.error_line("that is this daemon itself; leave this --follow out")
        with calling(daemon.websocket_url) as caller:
            caller.until("emotion")
        assert daemon.stderr.count("itself") == 1
        assert health(daemon)["status"] == "ok"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for this machine, its key, and its authority's."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "key.pem").chmod(0o600)
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    for name, token in (("there", TOKEN), ("own", TOKEN[::-1]), ("wrong", "x" * 16)):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(token)
    return folder


def test_with_tls_and_tokens_a_daemon_is_lost_and_comes_back_with_a_gap(pem: Path) -> None:
    port = free_port()
    there = (
        *("--tls-cert", str(pem / "cert.pem"), "--tls-key", str(pem / "key.pem")),
        *("--token-file", str(pem / "there")),
    )
    ports = ("--port", str(port), "--zmq", "off")
    here = (
        *("--token-file", str(pem / "own"), "--follow", f"wss://127.0.0.1:{port}"),
        *("--follow-token-file", str(pem / "there"), "--follow-ca", str(pem / "authority.pem")),
    )
    bearer = {"Authorization": f"Bearer {TOKEN[::-1]}"}
    with running_daemon(*source("desk"), *here) as desk:
        desk.error_line("cannot be followed: no program listens there; trying again")
        with connect(desk.websocket_url, additional_headers=bearer) as connection:
            caller = Caller(connection)
            caller.say("rooms")
            with running_daemon(*source("kitchen"), *there, ports=ports) as kitchen:
                before = caller.until("emotion", stream="kitchen/kitchen-mic")
                kitchen.process.kill()
                lost = until_room(caller, "unreachable", "broke")
            assert abs(lost["since"] - time.time()) < PATIENCE_SECONDS
            desk.error_line("kitchen is lost: the connection broke; trying again")
            with running_daemon(*source("kitchen"), *there, ports=ports):
                until_room(caller, "connected")
                after = caller.until("emotion", stream="kitchen/kitchen-mic")
                assert after["time"] - before["time"] > after["end"] - before["end"]
            own = [m["seq"] for m in caller.events("desk-mic")]
            own = own[own.index(max(own[:2])) :]  # the greeting is in no order
            assert own == [*range(own[0], own[0] + len(own))]
        assert TOKEN not in desk.stderr


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--follow-token-file", "wrong", "--follow-ca", "authority.pem"), "it wants a token"),
        (("--follow-token-file", "there"), "its certificate is refused"),
    ],
)
def test_a_wrong_token_and_an_unknown_certificate_are_one_line(
    pem: Path, flags: tuple[str, ...], reason: str
) -> None:
    there = (
        *("--tls-cert", str(pem / "cert.pem"), "--tls-key", str(pem / "key.pem")),
        *("--token-file", str(pem / "there")),
    )
    files = [flag if flag.startswith("--") else str(pem / flag) for flag in flags]
    with running_daemon(*source("kitchen"), *there) as kitchen:
        here = ("--token-file", str(pem / "own"), "--follow", f"wss://127.0.0.1:{kitchen.port}")
        with running_daemon(*source("desk"), *here, *files) as desk:
            line = desk.error_line("cannot be followed")
            assert reason in line
            assert "--follow-" in line


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--follow", "ws://kitchen:8765"), "unencrypted. Use wss://"),
        (("--follow", "wss://kitchen", "--follow-token-file", "t"), "Give this daemon a token"),
        (("--follow", "wss://kitchen", "--follow-ca", "none.pem"), "cannot use the certificate"),
    ],
)
def test_what_is_not_safe_does_not_start(flags: tuple[str, ...], reason: str) -> None:
    ended = emotiond("run", *source("desk"), "--port", "0", "--zmq", "off", *flags)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert reason in line


def test_a_hostile_daemon_costs_this_one_no_event() -> None:
    def flood(client: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            client.send(json.dumps({**HELLO, "streams": [f"s{n}" for n in range(3000)]}))
            for number in range(100_000):
                client.send(json.dumps({**EMOTION, "seq": number, "stream": f"s{number % 20}"}))

    with serve(flood, "127.0.0.1", 0, compression=None) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        port = server.socket.getsockname()[1]
        with (
            running_daemon(*source("desk"), "--follow", f"ws://127.0.0.1:{port}") as desk,
            calling(desk.websocket_url) as caller,
        ):
            caller.say("rooms")
            until_room(caller, "unreachable", "it sends too much")
            until_room(caller, "connected")
            until_room(caller, "unreachable", "it sends too much")
            caller.until("emotion", stream="desk-mic")
            events = sorted({m["seq"] for m in caller.events("desk-mic")})
            assert events[-8:] == [*range(events[-1] - 7, events[-1] + 1)][-len(events[-8:]) :]
            assert health(desk)["dropped"]["messages"] == 0
            assert health(desk)["streams"]["desk-mic"]["dropped_samples"] == 0
        server.shutdown()
        serving.join()
