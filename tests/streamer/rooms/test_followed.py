from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from emotiond.exceptions import ConfigError
from emotiond.streamer.rooms.followed import prepare_followed

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"
ONE, TWO = "wss://kitchen:8765", "ws://127.0.0.1:8766"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.touch(mode=0o600)
    return path


def tokens(texts: Sequence[str], file: Path, content: str) -> Sequence[str | None]:
    file.write_text(content)
    return [each.token for each in prepare_followed(texts, file, None)]


def test_a_single_daemon_needs_no_more_than_the_token(file: Path) -> None:
    assert tokens([ONE], file, f"{TOKEN}\n") == [TOKEN]
    assert tokens([ONE], file, f"# of the kitchen\n{ONE}/ws {TOKEN}\n") == [TOKEN]


def test_of_several_each_gets_its_own_token_alone(file: Path) -> None:
    assert tokens([ONE, TWO], file, f"{TWO} {OTHER}\n\n{ONE} {TOKEN}") == [TOKEN, OTHER]
    assert tokens([ONE, TWO], file, f"{TWO} {OTHER}") == [None, OTHER]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TOKEN, "has no URL"),
        (f"{ONE} {TOKEN} more", "more than a URL and a token"),
        (f"wss://hall:8765 {TOKEN}", "no --follow names: wss://hall:8765/ws"),
        (f"{ONE} {TOKEN}\n{ONE} {OTHER}", "there twice"),
        (f"{ONE} short", "at least 16 plain characters"),
        (f"{ONE} {'ü' * 16}", "at least 16 plain characters"),
        ("", "empty or far too large"),
        (f"{TOKEN * 2000}", "empty or far too large"),
        ("\udcff", "is not text"),
    ],
)
def test_other_files_are_refused_without_quoting_a_token(
    file: Path, content: str, reason: str
) -> None:
    file.write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(ConfigError) as refused:
        prepare_followed([ONE, TWO], file, None)
    assert reason in str(refused.value)
    for token in (TOKEN, OTHER):
        assert token not in str(refused.value)


def test_a_file_that_is_missing_or_another_users_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the token file"):
        prepare_followed([ONE], tmp_path / "none", None)


@pytest.mark.skipif(os.name != "posix", reason="needs modes of files")
def test_tokens_that_others_can_read_are_warned_of(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.chmod(0o644)
    assert tokens([ONE], file, TOKEN) == [TOKEN]
    assert "others can read the tokens" in caplog.text
    assert TOKEN not in caplog.text


def test_a_token_is_in_no_text_of_the_object(file: Path) -> None:
    file.write_text(TOKEN)
    assert TOKEN not in repr(prepare_followed([ONE], file, None))


def test_only_the_given_certificate_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    one, two = prepare_followed([ONE, TWO], None, path)
    assert one.tls is not None
    assert len(one.tls.get_ca_certs()) == 1
    assert two.tls is None
    with pytest.raises(ConfigError, match="--follow-ca"):
        prepare_followed([ONE], None, tmp_path / "none.pem")
    path.write_text("nonsense")
    with pytest.raises(ConfigError, match="--follow-ca"):
        prepare_followed([ONE], None, path)
