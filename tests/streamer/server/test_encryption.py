"""Encryption: TLS for page and WebSocket, CURVE for ZeroMQ, against running daemons."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
import zmq
from websockets.sync.client import connect
from zmq.auth import create_certificates, load_certificate

from emotiond.clients.tls import guarded
from tests.support.daemon import DEMO, Daemon, emotiond, running_daemon

ROOT = DEMO.parents[2]
SOURCE = ("--source", f"voice={DEMO}", "--model", "lite")
EVERYWHERE = "0.0.0.0"  # noqa: S104


def refusal(*arguments: str) -> str:
    ended = emotiond(*SOURCE, "--port", "0", *arguments)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pem(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a certificate for this machine and its key."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "key.pem").chmod(0o600)
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return folder


def test_page_and_socket_are_encrypted(authority: trustme.CA, pem: Path) -> None:
    trusting = guarded(ssl.create_default_context())
    authority.configure_trust(trusting)
    flags = ("--tls-cert", str(pem / "cert.pem"), "--tls-key", str(pem / "key.pem"))
    with running_daemon(*SOURCE, *flags) as daemon:
        assert daemon.page_url.startswith("https://")
        origin = daemon.page_url.rstrip("/")
        with connect(
            daemon.websocket_url, ssl=trusting, additional_headers={"Origin": origin}
        ) as client:
            assert json.loads(client.recv(timeout=60))["type"] == "hello"
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, context=trusting)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(daemon.websocket_url, ssl=ssl.create_default_context())
        plain = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        with pytest.raises((OSError, http.client.HTTPException)):
            plain.request("GET", "/")
            plain.getresponse()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((OSError, ssl.SSLError)):
            connect(daemon.websocket_url, ssl=old)
        assert len(daemon.stderr.splitlines()) == 1  # nothing but the announcement


def test_a_client_that_never_begins_tls_is_hung_up_on(pem: Path) -> None:
    flags = ("--tls-cert", str(pem / "cert.pem"), "--tls-key", str(pem / "key.pem"))
    with (
        running_daemon(*SOURCE, *flags, "--max-connections", "1") as daemon,
        socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as silent,
        socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as too_many,
    ):
        assert too_many.recv(100) == b""
        assert silent.recv(100) == b""
        assert len(daemon.stderr.splitlines()) == 1


def test_certificate_and_key_have_to_fit(pem: Path) -> None:
    cert, key = str(pem / "cert.pem"), str(pem / "key.pem")
    assert "--tls-key" in refusal("--tls-cert", cert)
    assert "--tls-cert" in refusal("--tls-key", key)
    assert "for TLS" in refusal("--tls-cert", key, "--tls-key", cert)
    assert "No such file" in refusal("--tls-cert", cert, "--tls-key", cert + "x")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for name in ("server", "client"):
        create_certificates(tmp_path, name)
    for path in tmp_path.glob("*.key_secret"):
        path.chmod(0o600)
    return tmp_path


def subscribe(daemon: Daemon, keys: Path | None, milliseconds: int) -> dict[str, Any] | None:
    """The first message that comes in this time."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVTIMEO, milliseconds)
        if keys is not None:
            certificate = load_certificate(keys / "client.key_secret")
            socket.curve_publickey, socket.curve_secretkey = certificate
            socket.curve_serverkey, _ = load_certificate(keys / "server.key")
        socket.connect(daemon.zeromq_endpoint.replace(EVERYWHERE, "127.0.0.1"))
        socket.subscribe("")
        try:
            message = json.loads(socket.recv_multipart()[1])
        except zmq.Again:
            return None
        assert isinstance(message, dict)
        return message


def test_zeromq_with_keys_admits_known_keys_only(keys: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    create_certificates(stranger, "client")
    (stranger / "server.key").write_bytes((keys / "server.key").read_bytes())
    flags = ("--zmq", "tcp://0.0.0.0:*", "--zmq-curve", str(keys))
    with running_daemon(*SOURCE, *flags) as daemon:
        message = subscribe(daemon, keys, 10_000)
        assert message is not None
        assert message["stream"] == "voice"
        assert subscribe(daemon, None, 1_500) is None
        assert subscribe(daemon, stranger, 1_500) is None
        assert subscribe(daemon, keys, 10_000) is not None
        assert daemon.stop() == 0
        assert len(daemon.stderr.splitlines()) == 1


def test_the_small_subscriber_takes_its_keys_from_a_folder(keys: Path) -> None:
    with (
        running_daemon(*SOURCE, "--zmq-curve", str(keys)) as daemon,
        subprocess.Popen(
            [sys.executable, str(ROOT / "clients/zeromq_subscriber.py"), daemon.zeromq_endpoint],
            env={"EMOTIOND_ZMQ_KEYS": str(keys)},
            stdout=subprocess.PIPE,
            text=True,
        ) as client,
    ):
        assert client.stdout is not None
        assert '"type": ' in client.stdout.readline()
        client.terminate()


def test_keys_that_cannot_be_read_are_named_with_the_remedy(tmp_path: Path) -> None:
    assert "create_certificates" in refusal(
        "--zmq", "tcp://127.0.0.1:*", "--zmq-curve", str(tmp_path)
    )


def test_a_key_that_others_can_read_is_warned_of(keys: Path) -> None:
    (keys / "server.key_secret").chmod(0o644)
    with running_daemon(*SOURCE, "--zmq-curve", str(keys)) as daemon:
        (line,) = [line for line in daemon.stderr.splitlines() if "chmod 600" in line]
    assert str(keys / "server.key_secret") in line


def test_a_key_that_is_removed_is_admitted_no_more_and_the_others_are(keys: Path) -> None:
    create_certificates(keys, "other")
    with running_daemon(*SOURCE, "--zmq-curve", str(keys)) as daemon, zmq.Context() as context:
        sockets = []
        for name in ("client", "other"):
            socket = context.socket(zmq.SUB)
            socket.setsockopt(zmq.LINGER, 0)
            certificate = load_certificate(keys / f"{name}.key_secret")
            socket.curve_publickey, socket.curve_secretkey = certificate
            socket.curve_serverkey, _ = load_certificate(keys / "server.key")
            socket.connect(daemon.zeromq_endpoint)
            socket.subscribe("emotion")
            assert socket.poll(10_000)
            sockets.append(socket)
        removed, other = sockets
        monitor = other.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        (keys / "client.key").unlink()
        assert "no longer in" in daemon.error_line("bound anew")
        assert monitor.poll(60_000)  # at the new socket: what the old one has sent has come
        other.disable_monitor()
        for socket in sockets:
            while socket.poll(0):
                socket.recv_multipart()
        numbers = [json.loads(other.recv_multipart()[1])["seq"] for _ in range(20)]
        assert numbers[-1] > numbers[0]
        assert not removed.poll(0)
        create_certificates(keys, "late")  # and one that is added is admitted at once
        late = context.socket(zmq.SUB)
        late.curve_publickey, late.curve_secretkey = load_certificate(keys / "late.key_secret")
        late.curve_serverkey, _ = load_certificate(keys / "server.key")
        late.connect(daemon.zeromq_endpoint)
        late.subscribe("")
        assert late.poll(10_000)
        context.destroy(linger=0)
