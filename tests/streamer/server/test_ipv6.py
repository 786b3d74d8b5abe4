"""IPv6: what listens there, what is printed, and what reaches it, with running daemons."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zmq
from websockets.sync.client import connect
from zmq.auth import create_certificates, load_certificate

from tests.conftest import DATA
from tests.support.daemon import COMMAND, DEMO, Daemon, emotiond, running_daemon
from tests.support.ipv6 import needs_ipv6

pytestmark = needs_ipv6

CLIENTS = Path(__file__).parents[3] / "clients"
SOURCE = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"), "--history", "off")
ALL_ADDRESSES = ("::", "0.0.0.0")  # noqa: S104 - of IPv6 and of IPv4


def hello(url: str) -> Any:
    with connect(url, proxy=None) as client:
        return json.loads(client.recv(timeout=60))


def get(daemon: Daemon, address: str, host: str | None = None) -> int:
    """Return the status of the page at an address of this machine."""
    connection = http.client.HTTPConnection(address, daemon.port, timeout=60)
    connection.request("GET", "/", headers={} if host is None else {"Host": host})
    return connection.getresponse().status


def subscribed(endpoint: str, keys: Path | None = None) -> Any:
    """Return the first message at an endpoint of ZeroMQ."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.IPV6, "[" in endpoint)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        if keys is not None:
            public, secret = load_certificate(keys / "client.key_secret")
            socket.curve_publickey, socket.curve_secretkey = public, secret
            socket.curve_serverkey = load_certificate(keys / "server.key")[0]
        socket.subscribe("")
        socket.connect(endpoint)
        return json.loads(socket.recv_multipart()[1])


@pytest.mark.parametrize("host", ["::1", "[::1]", "0:0:0:0:0:0:0:1"])
def test_the_loopback_address_is_of_this_machine(host: str) -> None:
    with running_daemon(*SOURCE, "--host", host) as daemon:
        assert hello(daemon.websocket_url)["type"] == "hello"
        assert get(daemon, "::1") == 200
        assert get(daemon, "::1", "[::1]:1") == 200
        assert get(daemon, "::1", "rebound.example") == 421


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_all_addresses_are_those_of_ipv4_too_and_one_that_opens_is_printed(host: str) -> None:
    with running_daemon(*SOURCE, "--host", host, "--insecure") as daemon:
        assert daemon.page_url == f"http://[::1]:{daemon.port}/"
        assert daemon.websocket_url == f"ws://[::1]:{daemon.port}/ws"
        assert hello(daemon.websocket_url)["type"] == "hello"
        assert hello(f"ws://127.0.0.1:{daemon.port}/ws")["type"] == "hello"
        assert get(daemon, "127.0.0.1") == get(daemon, "::1") == 200
        # Neither makes a foreign name known.
        assert get(daemon, "127.0.0.1", "rebound.example") == 421
        assert get(daemon, "::1", "[2001:db8::1]") == 421


def test_all_addresses_of_ipv4_have_one_that_opens() -> None:
    flags = ("--host", ALL_ADDRESSES[1], "--insecure")
    with running_daemon(*SOURCE, *flags) as daemon:
        assert daemon.page_url == f"http://127.0.0.1:{daemon.port}/"


@pytest.mark.parametrize("allowed", ["2001:db8::7", "[2001:db8::7]", "2001:DB8:0:0::7"])
def test_a_further_address_is_known_in_any_form(allowed: str) -> None:
    with running_daemon(*SOURCE, "--allow-host", allowed) as daemon:
        assert get(daemon, "127.0.0.1", "[2001:db8::7]:8765") == 200
        assert get(daemon, "127.0.0.1", "[2001:db8:0::7]") == 200
        assert get(daemon, "127.0.0.1", "[2001:db8::8]") == 421
        assert "--allow-host 2001:db8::8" in daemon.error_line("2001:db8::8")


def test_zeromq_at_the_loopback_address_is_of_this_machine() -> None:
    with running_daemon(*SOURCE, ports=("--port", "0", "--zmq", "tcp://[::1]:*")) as daemon:
        assert daemon.zeromq_endpoint.startswith("tcp://[::1]:")
        assert subscribed(daemon.zeromq_endpoint)["stream"] == "voice"


def test_zeromq_at_all_addresses_with_keys(tmp_path: Path) -> None:
    for name in ("server", "client"):
        create_certificates(tmp_path, name)
    ports = ("--port", "0", "--zmq", "tcp://[::]:*", "--zmq-curve", str(tmp_path))
    with running_daemon(*SOURCE, ports=ports) as daemon:
        assert daemon.zeromq_endpoint.startswith("tcp://[::1]:")
        assert subscribed(daemon.zeromq_endpoint, tmp_path)["stream"] == "voice"
        over_ipv4 = daemon.zeromq_endpoint.replace("[::1]", "127.0.0.1")
        assert subscribed(over_ipv4, tmp_path)["stream"] == "voice"


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, str(CLIENTS / "websocket_client.py"), "{websocket}"),
        (sys.executable, str(CLIENTS / "zeromq_subscriber.py"), "{zeromq}"),
        (sys.executable, str(CLIENTS / "send_audio.py"), str(DEMO), "{websocket}"),
        (*COMMAND, "watch", "{websocket}"),
    ],
    ids=["websocket_client", "zeromq_subscriber", "send_audio", "watch"],
)
def test_each_client_reaches_it(command: Sequence[str]) -> None:
    ports = ("--host", "::1", "--port", "0", "--zmq", "tcp://[::1]:*")
    with running_daemon(*SOURCE, ports=ports) as daemon:
        places = {"websocket": daemon.websocket_url, "zeromq": daemon.zeromq_endpoint}
        filled = [part.format(**places) for part in command]
        # A terminal for watch, which shows nothing in a pipe.
        environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
        with subprocess.Popen(
            filled, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as client:
            assert client.stdout is not None
            first = client.stdout.readline()
            client.kill()
    assert first.strip() != ""
    assert not any(word in first.lower() for word in ("emotiond:", "error", "no connection"))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--host", "127.0.0.1:8765"), "without the port"),
        (("--host", "[::1]:8765"), "without the port"),
        (("--host", "[::1"), "without the port"),
        (("--host", "http://127.0.0.1"), "without the port"),
        (("--host", "2001:db8::1", "--insecure"), "an address of this machine"),
        (("--host", "192.0.2.1", "--insecure"), "an address of this machine"),
        (("--host", "fe80::1", "--insecure"), "needs its interface: fe80::1%eth0"),
        (("--host", "nowhere.invalid", "--insecure"), "an address of this machine"),
        (("--allow-host", "[::1]:8765"), "without the port"),
        (("--allow-host", "10.0.0.1:8765"), "without the port"),
        (("--zmq", "tcp://::1:8766"), "'tcp://[::1]:PORT'"),
        (("--zmq", "tcp://[::1:8766"), "'tcp://[::1]:PORT'"),
        (("--zmq", "tcp://[2001:db8::1]:8766", "--insecure"), "no such address or interface"),
        (("--zmq", "tcp://nowhere.invalid:8766", "--insecure"), "no such address or interface"),
    ],
)
def test_an_address_of_no_use_is_named_with_the_remedy(flags: Sequence[str], said: str) -> None:
    ports = () if "--zmq" in flags else ("--zmq", "off")
    ended = emotiond(*SOURCE, "--port", "0", *ports, *flags)
    assert ended.returncode == 1
    line = ended.stderr.splitlines()[-1]
    assert said in line
    assert flags[1].removeprefix("tcp://") in line
