"""The token, and what is refused beyond this machine without it, against running daemons."""

from __future__ import annotations

import http.client
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon

ROOT = DEMO.parents[2]
TOKEN = "correct horse battery staple"  # noqa: S105
SOURCE = ("--source", f"voice={DEMO}", "--model", "lite")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(f"  {TOKEN}\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def daemon(token_file: Path) -> Iterator[Daemon]:
    with running_daemon(*SOURCE, "--token-file", str(token_file)) as daemon:
        yield daemon


def greet(client: ClientConnection, token: object = TOKEN) -> dict[str, Any]:
    client.send(json.dumps({"type": "auth", "token": token}))
    message = json.loads(client.recv(timeout=60))
    assert isinstance(message, dict)
    return message


def get(daemon: Daemon, path: str, authorization: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    headers = {} if authorization is None else {"Authorization": authorization}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, response.read()


def refusal(*arguments: str) -> str:
    ended = emotiond(*SOURCE, "--port", "0", *arguments)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    return line


def test_hello_follows_the_token(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        assert greet(client)["type"] == "hello"
        assert json.loads(client.recv(timeout=60))["stream"] == "voice"


@pytest.mark.parametrize(
    "first",
    [
        *('{"type":"auth"}', '{"type":"auth","token":""}', '{"type":"auth","token":null}'),
        *('{"type":"auth","token":["correct horse battery staple"]}', '{"type":"auth","token":1}'),
        json.dumps({"type": "auth", "token": TOKEN[:-1]}),
        json.dumps({"type": "auth", "token": TOKEN + " "}),
        json.dumps({"type": "auth", "token": TOKEN.upper()}),
        json.dumps({"type": "hello", "token": TOKEN}),
        *('{"type":"auth","token":"\\ud800"}', json.dumps([TOKEN]), TOKEN, "", b"\x00"),
    ],
)
def test_without_the_token_a_client_gets_nothing(daemon: Daemon, first: str | bytes) -> None:
    with connect(daemon.websocket_url) as client:
        client.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_client_that_sends_nothing_is_disconnected(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client, pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "no token came in time")


def test_a_token_in_the_url_does_not_count(daemon: Daemon) -> None:
    with connect(f"{daemon.websocket_url}?token={TOKEN.replace(' ', '%20')}") as client:
        client.send("{}")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)


def test_the_page_is_public_and_the_metrics_are_not(daemon: Daemon) -> None:
    assert get(daemon, "/")[0] == 200
    assert get(daemon, "/app.js")[0] == 200
    assert get(daemon, "/metrics")[0] == 401
    assert get(daemon, "/metrics", f"Bearer {TOKEN}x")[0] == 401
    assert get(daemon, "/metrics", f"Basic {TOKEN}")[0] == 401
    status, body = get(daemon, "/metrics", f"Bearer {TOKEN}")
    assert status == 200
    assert b'emotiond_stream_status{stream="voice",status="running"} 1' in body


def test_health_names_no_stream_to_those_without_the_token(daemon: Daemon) -> None:
    status, body = get(daemon, "/healthz")
    assert status == 200
    assert set(json.loads(body)) == {"status", "version", "uptime_seconds"}
    assert "voice" in json.loads(get(daemon, "/healthz", f"bearer {TOKEN}")[1])["streams"]


def test_the_token_is_never_disclosed(daemon: Daemon) -> None:
    with connect(daemon.websocket_url) as client:
        greet(client)
    assert TOKEN not in daemon.stderr
    assert TOKEN not in get(daemon, "/healthz", f"Bearer {TOKEN}")[1].decode()
    assert TOKEN not in Path(f"/proc/{daemon.process.pid}/cmdline").read_text()


def test_an_unneeded_token_is_ignored() -> None:
    with running_daemon(*SOURCE) as daemon, connect(daemon.websocket_url) as client:
        client.send(json.dumps({"type": "auth", "token": TOKEN}))
        kinds = {json.loads(client.recv(timeout=60))["type"] for _ in range(6)}
    assert "error" not in kinds


def test_watch_wants_the_token_in_a_file(daemon: Daemon, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("x" * 20)
    wrong.chmod(0o600)
    for arguments in ((), ("--token-file", str(wrong))):
        ended = emotiond("watch", daemon.websocket_url, *arguments)
        assert ended.returncode == 1
        assert "--token-file" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_small_client_takes_it_from_the_file_that_the_environment_names(
    daemon: Daemon, token_file: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "clients/websocket_client.py"), daemon.websocket_url],
        env={"EMOTIOND_TOKEN_FILE": str(token_file)},
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout is not None
        assert "→" in client.stdout.readline()
        client.terminate()


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "example.invalid"])
def test_beyond_this_machine_a_token_is_wanted(host: str) -> None:
    line = refusal("--host", host, "--zmq", "off")
    assert "--token-file" in line
    assert "--insecure" in line


@pytest.mark.parametrize(
    "endpoint", ["tcp://0.0.0.0:0", "tcp://*:*", "tcp://[::]:0", "tcp://eth0:1"]
)
def test_beyond_this_machine_zeromq_wants_keys(endpoint: str, token_file: Path) -> None:
    line = refusal("--zmq", endpoint, "--token-file", str(token_file))
    assert "--zmq-curve" in line
    assert "--insecure" in line


@pytest.mark.parametrize("flag", ["--zmq", "--zmq-latest"])
def test_beside_a_token_an_endpoint_for_all_users_of_this_machine_is_refused(
    flag: str, token_file: Path
) -> None:
    line = refusal("--token-file", str(token_file), "--zmq", "off", flag, "tcp://127.0.0.1:*")
    assert "every user of this machine could subscribe without the token" in line
    for remedy in ("--zmq-curve", f"{flag} ipc://PATH", "--insecure"):
        assert remedy in line


def test_beside_a_token_zeromq_stays_closed_unless_it_is_asked_for(token_file: Path) -> None:
    flags = (*SOURCE, "--token-file", str(token_file))
    with running_daemon(*flags, ports=("--port", "0")) as daemon:
        assert daemon.zeromq_endpoint is None
        closed, announced = daemon.stderr.splitlines()
    assert "ZeroMQ stays closed" in closed
    assert "--zmq-curve" in closed
    assert announced.endswith(", open to those with the token")


def test_beside_a_token_a_socket_for_this_user_alone_is_open(
    token_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    ports = ("--port", "0", "--zmq", f"ipc://{path}", "--token-file", str(token_file))
    before = os.umask(0)
    try:
        with (
            running_daemon(*SOURCE, ports=ports) as daemon,
            zmq.Context() as context,
            context.socket(zmq.SUB) as socket,
        ):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
            socket.connect(daemon.zeromq_endpoint)
            socket.subscribe("emotion")
            assert socket.poll(10_000)
            who = "WebSocket is open to those with the token; ZeroMQ is open to this user alone"
            assert daemon.stderr.endswith(f"; {who}\n")
    finally:
        os.umask(before)


def test_the_start_line_says_that_every_user_of_this_machine_can_listen() -> None:
    with running_daemon(*SOURCE) as daemon:
        assert daemon.stderr.endswith("), open to every user of this machine\n")


def test_every_address_with_a_token_is_served_by_the_address_that_was_reached(
    token_file: Path,
) -> None:
    with running_daemon(*SOURCE, "--host", EVERYWHERE, "--token-file", str(token_file)) as daemon:
        assert get(daemon, "/")[0] == 200
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        connection.request("GET", "/", headers={"Host": "rebound.example"})
        assert connection.getresponse().status == 421


def test_insecure_lets_any_machine_in_with_a_warning() -> None:
    with (
        running_daemon(*SOURCE, "--host", EVERYWHERE, "--insecure") as daemon,
        connect(f"ws://127.0.0.1:{daemon.port}/ws") as client,
    ):
        assert json.loads(client.recv(timeout=60))["type"] == "hello"
    assert "anyone who can reach 0.0.0.0 can listen" in daemon.stderr
    assert "nothing is encrypted" in daemon.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"short", "fewer than 16 characters"),
        (b"", "fewer than 16 characters"),
        (b" " * 40, "fewer than 16 characters"),
        (b"a" * 20 + b"\n" + b"b" * 20, "more than one line"),
        (b"a" * 10_000, "more than one line"),
        (b"\xff" * 20, "is not text"),
    ],
)
def test_a_bad_token_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    assert reason in refusal("--token-file", str(path))


def test_a_token_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal("--token-file", str(tmp_path / "none"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_a_token_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    with running_daemon(*SOURCE, "--token-file", str(path)) as daemon:
        assert "chmod 600" in daemon.stderr


def test_the_handshake_may_carry_the_token(daemon: Daemon) -> None:
    with connect(
        daemon.websocket_url, additional_headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        assert json.loads(client.recv(timeout=60))["type"] == "hello"


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic dTpw", f"Basic {TOKEN}"])
def test_after_a_handshake_without_the_token_the_message_is_wanted(
    daemon: Daemon, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    with connect(daemon.websocket_url, additional_headers=headers) as client:
        assert greet(client)["type"] == "hello"
    with connect(daemon.websocket_url, additional_headers=headers) as client:
        with pytest.raises(ConnectionClosed):
            greet(client, "wrong")
        assert client.close_code == 4401
