"""What pairing needs, and which address a phone is told."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.websocket_pairing import (
    device_host,
    open_devices,
    own_address,
    pairing_refusal,
)
from emotiond.streamer.settings.layers import make_config
from tests.support.daemon import running_daemon
from tests.support.links import HERE, THERE, link, needs_links
from tests.support.mdns import look_for
from tests.support.paired import make_home

EVERYWHERE = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("host", "has_token", "has_tls", "missing"),
    [
        (
            "127.0.0.1",
            False,
            False,
            "--host 0.0.0.0 --token-file FILE --tls-cert FILE --tls-key FILE",
        ),
        ("localhost", True, True, "--host 0.0.0.0"),
        (EVERYWHERE, True, False, "--tls-cert FILE --tls-key FILE"),
        (EVERYWHERE, False, True, "--token-file FILE"),
    ],
)
def test_a_refusal_names_the_missing_flags(
    host: str, has_token: bool, has_tls: bool, missing: str
) -> None:
    refusal = pairing_refusal(host, has_token, has_tls)
    assert refusal is not None
    assert refusal.remedy.startswith(f"Start emotiond with {missing};")


def test_with_all_of_them_phones_can_be_paired() -> None:
    assert pairing_refusal(EVERYWHERE, True, True) is None


@pytest.mark.parametrize(
    ("host", "names", "reached", "expected"),
    [
        (EVERYWHERE, ("pi.local", "other"), "127.0.0.1", "pi.local"),
        (EVERYWHERE, (), "192.168.7.5", "192.168.7.5"),
        ("::", (), "::ffff:192.168.7.5", "192.168.7.5"),
        ("::", (), "fd00::5", "[fd00::5]"),
        ("192.168.7.6", (), "127.0.0.1", "192.168.7.6"),
        ("fd00::6", (), "fd00::6", "[fd00::6]"),
    ],
)
def test_a_phone_is_told_a_name_or_else_an_address_that_it_reaches(
    host: str, names: tuple[str, ...], reached: str, expected: str
) -> None:
    assert device_host(host, names, reached) == expected


def test_from_loopback_it_is_the_address_of_this_machine() -> None:
    assert device_host(EVERYWHERE, (), "127.0.0.1") == own_address()


def test_each_port_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "emotiond").mkdir()
    (tmp_path / "emotiond" / "paired-8765.json").write_text("nonsense")
    assert isinstance(open_devices(None, 8765), Exception)
    assert not isinstance(open_devices(None, 8766), Exception)
    if os.name == "posix":
        assert (tmp_path / "emotiond").stat().st_mode & 0o777 == 0o700
    assert len(caplog.records) == 1


def test_what_only_this_machine_reaches_is_not_announced() -> None:
    with pytest.raises(ConfigError, match="cannot be announced"):
        make_config({"announce": True}, {})


@needs_links
def test_announced_the_page_is_found_under_the_name_of_the_host(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with link() as cable:
        command = cable.command(HERE, sys.executable, "-m", "emotiond")
        with running_daemon(*home.flags, "--announce", command=command) as daemon:
            (found,) = cable.on(THERE, lambda: look_for("_https._tcp.local.", until=bool)).values()
            assert found is not None
            assert (found.parsed_addresses(), found.port) == ([HERE], daemon.port)
            assert found.server == f"{platform.node().partition('.')[0]}.local."
            assert daemon.stop() == 0
