"""A newcomer's mistakes: each line names its own remedy. The servers are real."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from emotiond.exceptions import SourceError
from emotiond.streamer.sources import http_connection, network_faults, rtsp_connection
from emotiond.streamer.sources.network_address import parse_address
from tests.support.rtsp import ok, serving_rtsp
from tests.support.streams import sending, serving


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def of_http(url: str) -> str:
    with pytest.raises(SourceError) as refused:
        http_connection.connect(parse_address(url))
    return str(refused.value)


def of_rtsp(url: str) -> str:
    with pytest.raises(SourceError) as refused:
        rtsp_connection.connect(parse_address(url))
    return str(refused.value)


def tls(authority: trustme.CA, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


def test_a_password_is_missing_or_wrong_or_of_no_use() -> None:
    wanted, forbidden = (
        sending(head=f"HTTP/1.1 {status}\r\n\r\n".encode())
        for status in ("401 Unauthorized", "403 Forbidden")
    )
    with serving(wanted, wanted, forbidden) as server:
        said = of_http(server.url)
        assert "it wants a user and a password. Put them into the address, http://USER:" in said
        said = of_http(server.url.replace("//", "//ann:hidden@"))
        assert "it does not accept the user or the password. Correct them in the address" in said
        assert "hidden" not in said
        assert "it refuses access. Allow it at the server" in of_http(server.url)


def test_tls_is_asked_for_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_rtsp({"OPTIONS": b"RTSP/1.0 400 Bad\r\n\r\n"}) as server:
        assert "its answer is no HTTP. Correct the port, or try https://" in of_http(
            server.url.replace("rtsp:", "http:")
        )
    monkeypatch.setattr(rtsp_connection.network_socket, "ANSWER_SECONDS", 0.5)
    with serving(sending(b"", then=True)) as server:
        for scheme, connect in (("https", of_http), ("rtsps", of_rtsp)):
            said = connect(server.url.replace("http:", f"{scheme}:"))
            assert f". Correct the port, or try {scheme[:-1]}://" in said


def test_tls_is_there_and_not_asked_for(authority: trustme.CA) -> None:
    with serving_rtsp({"OPTIONS": ok()}, pem=tls(authority)) as server:
        assert ". Correct the port, or try rtsps://" in of_rtsp(server.url)


def test_each_fault_of_a_certificate_has_its_remedy(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serving_rtsp(pem=tls(authority)) as server:
        url = server.url.replace("rtsp:", "rtsps:")
        said = of_rtsp(url)
        assert "its certificate is not valid (" in said
        assert "Name the certificate of its authority: SSL_CERT_FILE=FILE" in said
        for file, remedy in (
            (tmp_path / "no.pem", "SSL_CERT_FILE cannot be read (No such file or directory)"),
            (garbage, "SSL_CERT_FILE names a file without certificates"),
        ):
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            assert remedy in of_rtsp(url)
        with trustme.CA().cert_pem.tempfile() as other:
            monkeypatch.setenv("SSL_CERT_FILE", other)
            assert "SSL_CERT_FILE has to name the certificate of its authority" in of_rtsp(url)
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            said = of_rtsp(url.replace("127.0.0.1", "localhost"))
    assert "Give the name in the address that is in the certificate" in said


def test_a_certificate_that_may_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read all files, so the system's refusal is that of the test."""
    monkeypatch.setenv("SSL_CERT_FILE", "authority.pem")

    def refuse(cafile: str) -> None:
        raise PermissionError(13, "Permission denied", cafile)

    monkeypatch.setattr(network_faults.ssl, "create_default_context", refuse)
    assert "(Permission denied)" in network_faults._remedy_of_certificate(20)
