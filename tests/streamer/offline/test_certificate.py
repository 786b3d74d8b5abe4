"""``emotiond certificate``: a certificate that OpenSSL and clients take."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
import trustme

from emotiond.clients.pair import trusting_only
from emotiond.exceptions import ConfigError
from emotiond.streamer.offline.certificate import DAYS, make_certificate
from emotiond.streamer.server.credentials import make_tls
from tests.support.daemon import emotiond

x509 = pytest.importorskip("cryptography.x509", reason="needs the extra 'pair'")


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def serve() -> None:
            try:
                server.wrap_socket(theirs, server_side=True).close()
            except OSError:
                theirs.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            client.wrap_socket(ours, server_hostname=name).close()
        finally:
            ours.close()
            thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "emotion.home", "192.168.7.5"])
def test_it_serves_every_name_that_it_is_for(tmp_path: Path, name: str) -> None:
    made = make_certificate(tmp_path / "tls", ["emotion.home", "192.168.7.5"])
    client = ssl.create_default_context(cafile=made.certificate)
    handshake(make_tls(made.certificate, made.key), client, name)
    assert any(each.endswith(".local") for each in made.names)


def test_another_name_and_another_certificate_are_refused(tmp_path: Path) -> None:
    made, other = make_certificate(tmp_path / "one"), make_certificate(tmp_path / "two")
    server = make_tls(made.certificate, made.key)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, ssl.create_default_context(cafile=made.certificate), "elsewhere.test")
    handshake(server, trusting_only(made.certificate), "elsewhere.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, trusting_only(other.certificate), "localhost")


def test_to_trust_an_authority_is_to_trust_none_of_those_that_it_vouches_for(
    tmp_path: Path,
) -> None:
    authority, theirs = trustme.CA(), tmp_path / "theirs.pem"
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(theirs))
    server = make_tls(theirs, theirs)
    handshake(server, trusting_only(theirs), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="another certificate"):
        handshake(server, trusting_only(tmp_path / "authority.pem"), "localhost")


def test_only_the_user_can_read_the_key_and_phones_take_its_duration(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    found = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days == DAYS + 1 <= 398
    assert made.fingerprint.replace(":", "").lower() == _sha256(found)


def _sha256(certificate: object) -> str:
    import hashlib

    from cryptography.hazmat.primitives.serialization import Encoding

    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()  # type: ignore[attr-defined]


def test_files_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("mine")
    with pytest.raises(ConfigError, match="it is there already"):
        make_certificate(tmp_path)
    assert (tmp_path / "key.pem").read_text() == "mine"
    assert not (tmp_path / "cert.pem").exists()


@pytest.mark.parametrize("name", ["", "a b", "https://x", "x:8765", "é" * 70])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no certificate can be for"):
        make_certificate(tmp_path, [name])
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_the_fingerprint_and_the_flags(tmp_path: Path) -> None:
    ended = emotiond("certificate", str(tmp_path / "my tls"), "--for", "emotion.home")
    names, print_, flags = ended.stdout.splitlines()
    assert "emotion.home" in names
    assert print_.startswith("SHA-256 ")
    assert flags.startswith("emotiond --tls-cert '")
