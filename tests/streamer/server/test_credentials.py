"""Tokens and certificates that cannot be used are refused with a remedy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trustme

from emotiond.exceptions import ConfigError
from emotiond.streamer.commands.watch import watch
from emotiond.streamer.server.credentials import make_tls, read_token
from tests.support.owners import make_foreign

TOKEN = "0123456789abcdef"  # noqa: S105


def test_a_token_is_read_without_the_white_space_around_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    assert read_token(path) == TOKEN
    assert not caplog.records
    if os.name == "posix":
        path.chmod(0o644)
        assert read_token(path) == TOKEN
        assert "chmod 600" in caplog.text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "fewer than 16"),
        (TOKEN[1:].encode(), "fewer than 16"),
        (f"{TOKEN}\n{TOKEN}".encode(), "more than one line"),
        (b"x" * 5000, "more than one line"),
        (b"\xff" * 20, "not text"),
    ],
)
def test_a_bad_token_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        read_token(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_token(tmp_path / "token")
    with pytest.raises(ConfigError, match="--tls-key"):
        make_tls(tmp_path / "cert.pem", tmp_path / "key.pem")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes")
def test_a_tls_key_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = trustme.CA().issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    key.chmod(0o600)
    make_tls(certificate, key)
    assert not caplog.records
    key.chmod(0o644)
    make_tls(certificate, key)
    (record,) = caplog.records
    assert str(key) in record.getMessage()
    assert "chmod 600" in record.getMessage()


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files")
@pytest.mark.parametrize("linked", ["cert.pem", "key.pem"])
def test_a_link_to_a_certificate_or_key_is_followed_unless_another_user_has_made_it(
    tmp_path: Path, linked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trustme.CA().issue_cert("localhost")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / linked).rename(tmp_path / "renewed")
    (tmp_path / linked).symlink_to("renewed")
    make_tls(tmp_path / "cert.pem", tmp_path / "key.pem")
    make_foreign(tmp_path / linked, monkeypatch)
    with pytest.raises(ConfigError, match="another user has made"):
        make_tls(tmp_path / "cert.pem", tmp_path / "key.pem")


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files")
def test_watch_trusts_no_certificate_through_a_link_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cert.pem").symlink_to("elsewhere")
    make_foreign(tmp_path / "cert.pem", monkeypatch)
    options = {"address": "127.0.0.1:1", "token_file": None, "stream": None}
    with pytest.raises(ConfigError, match="another user has made"):
        watch({**options, "ca": str(tmp_path / "cert.pem")})
