"""``--webhook``: its settings, its exposure, and a daemon that calls a real server."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.webhook import WEBHOOK
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, Daemon, running_daemon
from tests.support.hook_server import OK, hook_server, status

PLAY = ("--source", str(DEMO), "--model", str(DATA / "tiny.tflite"), "--history", "off")
SECRET = "correct-horse-battery"  # noqa: S105


def health(daemon: Daemon) -> Mapping[str, Any]:
    with urllib.request.urlopen(f"{daemon.page_url}healthz", timeout=60) as response:  # noqa: S310
        content: Mapping[str, Any] = json.load(response)
    return content


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return str(path)


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert WEBHOOK.prepare(make_config({}, {}).settings_of(WEBHOOK)) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "no address of http or https"),
        ("ftp://127.0.0.1/", "no address of http or https"),
        ("file:///etc/passwd", "no address of http or https"),
        ("http://", "no address of http or https"),
        ("http://127.0.0.1:0/", "no address of http or https"),
        ("http://127.0.0.1:99999/", "no address"),
        ("http://[::1/", "no address"),
        ("https://name..example/", "webhook is no address"),
        (f"https://{'a' * 64}.example/", "webhook is no address"),
        ("https://ann:opensesame@name.example/", "has a user in its address"),
        ("https://name.example/#part", "has a fragment"),
        ("http://127.0.0.1/a b", "characters that no address has"),
        ("http://127.0.0.1/\r\nX: y", "characters that no address has"),
        ("http://127.0.0.1/ü", "characters that no address has"),
        ("", "webhook cannot be empty"),
    ],
)
def test_addresses_that_cannot_be_are_refused(address: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        make_config({"webhook": address}, {})
    assert "opensesame" not in str(refused.value)


def test_a_secret_without_a_hook_is_refused() -> None:
    with pytest.raises(ConfigError, match="Give --webhook URL, too"):
        make_config({"webhook_secret_file": "secret"}, {})


@pytest.mark.parametrize(
    "address",
    ["https://name.example/hook", "http://127.0.0.1:1880/x", "http://[::1]/", "http://localhost/"],
)
def test_https_and_this_machine_need_no_consent(address: str) -> None:
    for more in ({}, {"webhook_secret_file": "secret"}):
        config = make_config({"webhook": address, **more}, {})
        refuse_exposure(config)
        assert exposure_warnings(config) == []


@pytest.mark.parametrize(
    "address", ["http://name.example/x", "http://192.0.2.1/", "http://0.0.0.0/"]
)
def test_beyond_this_machine_http_needs_consent_and_never_carries_the_secret(address: str) -> None:
    with pytest.raises(ConfigError, match=r"to another machine unencrypted\. Use https"):
        refuse_exposure(make_config({"webhook": address}, {}))
    allowed = make_config({"webhook": address, "insecure": True}, {})
    refuse_exposure(allowed)
    (warning,) = exposure_warnings(allowed)
    assert "without encryption" in warning
    flags = {"webhook": address, "insecure": True, "webhook_secret_file": "secret"}
    with pytest.raises(ConfigError, match=r"could read the secret\. Use https"):
        refuse_exposure(make_config(flags, {}))


@pytest.mark.parametrize(
    "content", ["short", "two\nlines of some length", "größer als zwanzig Zeichen"]
)
def test_a_secret_that_cannot_be_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    flags = {"webhook": "https://name.example/", "webhook_secret_file": str(path)}
    with pytest.raises(ConfigError, match=str(path)):
        WEBHOOK.prepare(make_config(flags, {}).settings_of(WEBHOOK))


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_daemon_posts_each_change_and_status_and_shows_neither_path_nor_secret(
    secret_file: str,
) -> None:
    with hook_server(OK) as server:
        flags = ("--webhook", f"{server.url}/a-secret-path", "--webhook-secret-file", secret_file)
        with running_daemon(*PLAY, *flags) as daemon:
            assert f"web hook http://127.0.0.1:{server.port})" in daemon.stderr
            asked = [server.asked() for _ in range(2)]
            assert {json.loads(each.body)["type"] for each in asked} == {"status", "change"}
            assert asked[0].headers["authorization"] == f"Bearer {SECRET}"
            while health(daemon)["webhook"]["delivered"] < 2:
                pass
            about = json.dumps(health(daemon))
            assert daemon.stop() == 0
            for text in (about, daemon.stderr):
                assert "a-secret-path" not in text
                assert SECRET not in text


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_server_that_comes_back_gets_the_newest_and_all_is_well() -> None:
    with hook_server(status(500)) as server:
        port, url = server.port, server.url
        with running_daemon(*PLAY, "--webhook", url) as daemon:
            server.asked()
            daemon.error_line("the web hook fails: HTTP status 500")
            assert health(daemon)["status"] == "degraded"
            server.close()
            with hook_server(OK, port=port) as back:
                back.asked()
                while health(daemon)["webhook"]["state"] != "ok":
                    pass
                assert health(daemon)["failures"] == []
            assert daemon.stop() == 0
