"""The server is a plain socket, so that it can answer what no server would."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from emotiond.exceptions import SourceError
from emotiond.streamer.readers.rtp_input import FRAME
from emotiond.streamer.sources import network_socket, rtsp_connection, rtsp_messages
from emotiond.streamer.sources.network_address import parse_address
from emotiond.streamer.sources.rtsp_connection import RtspConnection, connect
from tests.support.rtp import description, framed
from tests.support.rtsp import SOUND, ok, serving_rtsp

REALM = 'Digest realm="camera", nonce="n1"'


@contextlib.contextmanager
def connected(url: str) -> Iterator[RtspConnection]:
    connection = connect(parse_address(url))
    try:
        yield connection
    finally:
        connection.end()
        connection.close()


def refused(url: str) -> str:
    with pytest.raises(SourceError) as refusal:
        connect(parse_address(url))
    said = str(refusal.value)
    assert "\n" not in said
    return said


def with_user(url: str) -> str:
    return url.replace("rtsp://", "rtsp://ann:secret@")


def wanting(challenge: str, answer: bytes) -> Callable[[str], bytes]:
    """Answer once there is a proof; want one before."""

    def reply(request: str) -> bytes:
        if "Authorization: " in request:
            return answer
        return ok(f"WWW-Authenticate: {challenge}", status="401 Unauthorized")

    return reply


def test_the_sound_comes_over_the_connection_after_its_description() -> None:
    with serving_rtsp(then=SOUND) as server, connected(server.url) as connection:
        came = b""
        while not came.endswith(SOUND):
            came += connection.read(10_000)
    assert FRAME.unpack(came[: FRAME.size])[:2] == (b"$", 0)
    assert came[FRAME.size :].startswith(b"v=0\r\n")
    assert server.methods[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert "Authorization" not in "".join(server.requests)


def test_only_the_sound_is_set_up() -> None:
    tracks = description("0", control="sound") + b"m=video 0 RTP/AVP 26\r\na=control:picture\r\n"
    replies = {"DESCRIBE": ok("Content-Base: rtsp://camera.example/live/", content=tracks)}
    with serving_rtsp(replies) as server, connected(server.url):
        pass
    _, _, set_up, play = server.requests[:4]
    assert set_up.startswith("SETUP rtsp://camera.example/live/sound RTSP/1.0\r\n")
    assert "Transport: RTP/AVP/TCP;unicast;interleaved=0-1" in set_up
    assert play.startswith("PLAY rtsp://camera.example/live/ RTSP/1.0\r\n")
    assert "\r\nSession: 12345678\r\n" in play
    assert server.methods.count("SETUP") == 1


def test_the_channel_is_that_of_the_server() -> None:
    set_up = ok("Session: 1;timeout=10", "Transport: RTP/AVP/TCP;interleaved=6-7")
    with serving_rtsp({"SETUP": set_up}) as server, connected(server.url) as connection:
        assert connection.read(2) == b"$\6"


def test_the_server_hears_at_the_end_that_nobody_listens() -> None:
    with serving_rtsp(then=SOUND) as server:
        with connected(server.url):
            pass
        assert server.ended.wait(60)
    assert server.methods[-1] == "TEARDOWN"


@pytest.mark.parametrize(
    ("public", "method"),
    [("OPTIONS, GET_PARAMETER", "GET_PARAMETER"), ("OPTIONS, PLAY", "OPTIONS")],
)
def test_the_server_hears_in_time_that_somebody_still_listens(public: str, method: str) -> None:
    replies = {
        "OPTIONS": ok(f"Public: {public}"),
        "SETUP": ok("Session: 1 ; timeout=1", "Transport: RTP/AVP/TCP;interleaved=0-1"),
    }
    with (
        serving_rtsp(replies, then=SOUND * 100) as server,
        connected(server.url) as connection,
    ):
        while server.methods[-1] != method or len(server.requests) < 5:
            connection.read(100)
            time.sleep(0.01)
    assert "\r\nSession: 1" in server.requests[4]


@pytest.mark.parametrize("extra", ["", ', qop="auth", opaque="o"', ", algorithm=SHA-256"])
def test_a_password_is_proven_and_not_sent(extra: str) -> None:
    """The digest is computed here anew, by RFC 7616."""
    replies = {
        method: wanting(REALM + extra, answer)
        for method, answer in {
            "DESCRIBE": ok(content=description("0")),
            "SETUP": ok("Session: 1", "Transport: RTP/AVP/TCP;interleaved=0-1"),
            "PLAY": ok(),
        }.items()
    }
    with serving_rtsp(replies) as server, connected(with_user(server.url)):
        pass
    assert server.methods[:5] == ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY"]
    assert "secret" not in "".join(server.requests)
    set_up = server.requests[3]
    values = dict(re.findall(r'(\w+)="?([^",\r]+)', set_up.split("Authorization: Digest ")[1]))
    name = "sha256" if "SHA" in extra else "md5"

    def digest(text: str) -> str:
        return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

    middle = ["n1"]
    if "qop" in extra:
        middle = ["n1", values["nc"], values["cnonce"], "auth"]
        assert values["opaque"] == "o"
    url = f"{server.url}/audio"
    assert values["uri"] == url
    parts = [digest("ann:camera:secret"), *middle, digest(f"SETUP:{url}")]
    assert values["response"] == digest(":".join(parts))


@pytest.mark.parametrize(
    ("quoted", "realm"),
    [
        (r"the \"front\" door", 'the "front" door'),
        (r"C:\\cameras", r"C:\cameras"),
        (r"ends with \\", "ends with \\"),
        (r"one, nonce=\"n2\"", 'one, nonce="n2"'),
    ],
)
def test_a_realm_may_hold_escaped_quotes(quoted: str, realm: str) -> None:
    """The digest is of what is meant; the server reads back what it has said."""
    challenge = f'Digest realm="{quoted}", nonce="n1", opaque="{quoted}"'
    replies = {"DESCRIBE": wanting(challenge, ok(content=description("0")))}
    with serving_rtsp(replies) as server, connected(with_user(server.url)):
        pass
    described = server.requests[2]
    for name, value in (("realm", quoted), ("nonce", "n1"), ("opaque", quoted)):
        assert f'{name}="{value}"' in described

    def digest(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    parts = [digest(f"ann:{realm}:secret"), "n1", digest(f"DESCRIBE:{server.url}")]
    assert f'response="{digest(":".join(parts))}"' in described


def test_on_this_machine_and_by_tls_a_password_may_be_sent() -> None:
    replies = {"DESCRIBE": wanting('Basic realm="x"', ok(content=description("0")))}
    with serving_rtsp(replies) as server, connected(with_user(server.url)):
        pass
    pair = base64.b64encode(b"ann:secret").decode()
    assert f"Authorization: Basic {pair}\r\n" in server.requests[2] + "\r\n"


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest nonce="1", algorithm=ROT13',
        "Digest nonce=",
        'Digest nonce="',
        "Digest",
        "=",
        "",
    ],
)
def test_beyond_this_machine_a_password_is_never_sent(
    challenge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is loopback, so the distance is that of the test."""
    monkeypatch.setattr(rtsp_messages, "is_loopback", lambda _: False)
    replies = {"DESCRIBE": wanting(challenge, ok(content=description("0")))}
    with serving_rtsp(replies) as server:
        assert "asks for the password in a way that is not known, or not" in refused(
            with_user(server.url)
        )
    assert "Authorization" not in "".join(server.requests)


def test_a_wrong_password_is_tried_once() -> None:
    denied = ok(f"WWW-Authenticate: {REALM}", status="401 Unauthorized")
    with serving_rtsp({"DESCRIBE": denied}) as server:
        said = refused(with_user(server.url))
    assert "it does not accept the user or the password. Correct them in the address" in said
    assert "secret" not in said
    assert server.methods == ["OPTIONS", "DESCRIBE", "DESCRIBE"]


def test_a_nonce_may_change_from_request_to_request() -> None:
    """Each is good once: what was proven with another one is asked for again."""
    nonces = iter(range(100))
    wanted = ["-1"]

    def once(answer: bytes) -> Callable[[str], bytes]:
        def reply(request: str) -> bytes:
            if f'nonce="{wanted[0]}"' in request:
                wanted[0] = "used"
                return answer
            wanted[0] = str(next(nonces))
            challenge = f'WWW-Authenticate: Digest realm="c", nonce="{wanted[0]}", stale=true'
            return ok(challenge, status="401 Unauthorized")

        return reply

    replies = {"DESCRIBE": once(ok(content=description("0"))), "SETUP": once(SET_UP)}
    with serving_rtsp(replies) as server, connected(with_user(server.url)):
        pass
    assert server.methods[1:6] == ["DESCRIBE", "DESCRIBE", "SETUP", "SETUP", "PLAY"]


def test_nothing_that_a_server_names_is_connected_to() -> None:
    """A redirect, a base, a control, a connection line and a transport that all lead elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.2)
        port = other.getsockname()[1]
        there = f"rtsp://127.0.0.1:{port}/live"
        for status in ("301 Moved", "302 Found", "305 Use Proxy"):
            moved = ok(f"Location: {there}", status=status)
            with serving_rtsp({"DESCRIBE": moved}) as server:
                said = refused(with_user(server.url))
            assert "it redirects to another address" in said
            assert str(port) not in said.replace(server.url, "")
        described = description("0", f"c=IN IP4 127.0.0.1\r\na=rtcp:{port}", there)
        replies = {
            "DESCRIBE": ok(f"Content-Base: {there}/", content=described),
            "SETUP": ok(
                "Session: 1",
                "Transport: RTP/AVP/TCP;interleaved=0-1;source=127.0.0.1;"
                f"destination=127.0.0.1;server_port={port}",
            ),
        }
        announced = f"REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: {there}\r\n\r\n".encode()
        with (
            serving_rtsp(replies, then=announced + SOUND) as server,
            connected(server.url) as connection,
        ):
            while not connection.read(10_000).endswith(SOUND[-100:]):
                pass
        with pytest.raises(TimeoutError):
            other.accept()


def test_what_comes_early_or_is_asked_by_the_server_is_passed_over() -> None:
    early = b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n" + framed(b"early") + framed(bytes(60_000), 1)
    progress = ok(status="100 Continue")
    with (
        serving_rtsp({"PLAY": early + progress + ok(), "SETUP": b"\r\n" + SET_UP}) as server,
        connected(server.url) as connection,
    ):
        assert connection.read(1) == b"$"


SET_UP = ok("Session: 1", "Transport: RTP/AVP/TCP;interleaved=0-1")
ANSWERS = {
    "no rtsp": ("OPTIONS", b"HTTP/1.1 400 Bad\r\n\r\n", "its answer is no RTSP"),
    "bytes": ("OPTIONS", b"\xff\xfe" * 9_000, "its answer is no RTSP"),
    "a huge header": ("DESCRIBE", b"RTSP/1.0 200 OK\r\nX: " + b"y" * 9_000, "its answer is no"),
    "many headers": ("DESCRIBE", b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 200, "its answer is no"),
    "a huge body": ("DESCRIBE", ok("Content-Length: 65537"), "its answer is no RTSP"),
    "a length below 0": ("DESCRIBE", ok("Content-Length: -1"), "its answer is no RTSP"),
    "no header": ("DESCRIBE", ok("nonsense"), "its answer is no RTSP"),
    "no description": ("DESCRIBE", ok(), "describes its stream in an unknown way"),
    "absent": ("DESCRIBE", ok(status="404 Not Found"), "it has no such stream at present"),
    "forbidden": ("DESCRIBE", ok(status="403 Forbidden"), "it refuses access. Allow it"),
    "busy": ("SETUP", ok(status="453 Not Enough Bandwidth"), "it answers with status 453"),
    "UDP alone": ("SETUP", ok(status="461 Unsupported Transport"), "not send its sound over the"),
    "UDP after all": ("SETUP", ok("Session: 1", "Transport: RTP/AVP;unicast"), "not send its"),
    "no session": ("SETUP", ok("Transport: RTP/AVP/TCP;interleaved=0-1"), "its answer is no RTSP"),
    "no channel": ("SETUP", ok("Session: 1", "Transport: RTP/AVP/TCP;interleaved=999"), "no RTSP"),
    "requests alone": ("OPTIONS", b"OPTIONS * RTSP/1.0\r\n\r\n" * 2_000, "its answer is no RTSP"),
    "early packets alone": ("PLAY", framed(b"early") * 2_000, "its answer is no RTSP"),
    "not played": ("PLAY", ok(status="455 Not Valid"), "it answers with status 455"),
    "no picture": ("DESCRIBE", ok(content=b"v=0\r\nm=video 0 RTP/AVP 26\r\n"), "it has no sound"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_no_stream_is_refused_in_one_line(name: str) -> None:
    method, answer, reason = ANSWERS[name]
    with serving_rtsp({method: answer}) as server:
        said = refused(server.url)
        assert server.ended.wait(60)
    assert said.startswith(f"{server.url}: ")
    assert reason in said


@pytest.mark.parametrize("part", [b"X", b"RTSP/1.0 100 Continue\r\n\r\n", framed(b"early")])
def test_an_answer_that_never_ends_is_given_up(
    part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_socket, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                while True:
                    client.sendall(part)
                    time.sleep(0.01)

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"rtsp://127.0.0.1:{listener.getsockname()[1]}/"
        assert "it does not answer within 0.5 s" in refused(url)
        dripping.join()


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_socket, "ANSWER_SECONDS", 0.3)
    with serving_rtsp({"DESCRIBE": b""}) as server:
        assert "it does not answer within 0.3 s" in refused(server.url)


def test_a_server_that_falls_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_socket, "SILENT_SECONDS", 0.2)
    with serving_rtsp() as server, connected(server.url) as connection:
        assert connection.read(10_000).startswith(b"$")
        with pytest.raises(TimeoutError):
            connection.read(100)


def test_rtsps_is_encrypted_and_its_certificate_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    pem = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(pem)
    with serving_rtsp(then=SOUND, pem=pem) as server:
        url = server.url.replace("rtsp:", "rtsps:")
        assert "its certificate is not valid" in refused(url)
        assert not server.requests
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            server.ended.clear()
            with connected(url) as connection:
                assert connection.read(1) == b"$"
            assert server.ended.wait(60)
        assert f"DESCRIBE {url} RTSP/1.0" in server.requests[1]
        assert server.methods[-1] == "TEARDOWN"


def test_a_server_hears_every_half_minute_at_least() -> None:
    assert rtsp_connection.LONGEST_PAUSE_SECONDS == 30
