"""The settings of MQTT, and what the daemon says where they cannot be used."""

from __future__ import annotations

import importlib.util
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from emotiond.exceptions import ConfigError
from emotiond.streamer.outputs.mqtt import MQTT
from emotiond.streamer.settings.exposure import exposure_warnings, refuse_exposure
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA
from tests.support.daemon import DEMO, emotiond, running_daemon
from tests.support.free_port import free_port

PLAY = ("--source", f"voice={DEMO}", "--model", str(DATA / "tiny.tflite"))


@pytest.fixture
def password(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.touch(0o600)
    path.write_text("s3cret\n")
    return str(path)


def prepare(flags: Mapping[str, Any]) -> object:
    config = make_config(flags, {})
    refuse_exposure(config)
    return MQTT.prepare(config.settings_of(MQTT))


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert prepare({}) is None


@pytest.mark.parametrize(
    "place",
    ["mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtt://[::1]:1883", "MQTTS://broker.example:1"],
)
def test_addresses_that_can_be_are_taken(place: str) -> None:
    assert prepare({"mqtt": place}) is not None


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"mqtt": "127.0.0.1"}, r"Use --mqtt mqtt://127.0.0.1\[:PORT\], mqtts://HOST"),
        ({"mqtt": "http://127.0.0.1"}, "mqtt cannot be 'http://127.0.0.1'"),
        ({"mqtt": "mqtt://"}, "mqtt cannot be"),
        ({"mqtt": "mqtt://localhost:0"}, "mqtt cannot be"),
        ({"mqtt": "mqtt://localhost:65536"}, "mqtt cannot be"),
        ({"mqtt": "mqtts://a..b"}, "mqtt cannot be"),
        ({"mqtt": "mqtts://" + "a" * 64}, "mqtt cannot be"),
        ({"mqtt": "mqtt://localhost/topic"}, "mqtt cannot be"),
        ({"mqtt": "mqtt://me:s3cret@localhost"}, "Use --mqtt-user NAME and --mqtt-password-file"),
        ({"mqtt_password_file": "x"}, "mqtt_password_file needs mqtt_user"),
        ({"mqtt": "mqtt://localhost", "mqtt_ca": "x"}, "mqtt_ca is for mqtts:// alone"),
        ({"mqtt": 1}, "'mqtt' must be a text"),
        ({"mqtt": ""}, "mqtt cannot be empty"),
    ],
)
def test_values_that_cannot_be_are_refused(flags: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refused:
        make_config(flags, {})
    assert ":s3cret" not in str(refused.value)


@pytest.mark.parametrize("more", [{}, {"insecure": True}, {"insecure": True, "mqtt_user": "me"}])
@pytest.mark.parametrize("host", ["192.0.2.1", "broker.example", "[2001:db8::1]", "0.0.0.0"])  # noqa: S104
def test_beyond_this_machine_it_wants_tls_whatever_is_allowed(
    host: str, more: dict[str, Any]
) -> None:
    match = rf"everyone on the way could read.*Use mqtts://{re.escape(host)}:8883"
    with pytest.raises(ConfigError, match=match):
        prepare({"mqtt": f"mqtt://{host}", **more})
    config = make_config({"mqtt": f"mqtts://{host}"}, {})
    refuse_exposure(config)
    assert exposure_warnings(config) == []


def test_on_this_machine_it_needs_no_consent() -> None:
    for place in ("mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtt://[::1]", "mqtts://localhost"):
        refuse_exposure(make_config({"mqtt": place}, {}))


def test_the_password_is_in_a_file_of_one_line_for_this_user_alone(
    password: str, caplog: pytest.LogCaptureFixture
) -> None:
    flags = {"mqtt": "mqtt://localhost", "mqtt_user": "me", "mqtt_password_file": password}
    assert prepare(flags) is not None
    assert caplog.messages == []
    Path(password).chmod(0o644)
    assert prepare(flags) is not None
    assert caplog.messages == [
        f"others can read the password in {password}; protect it with 'chmod 600'"
    ]
    for content, reason in ((b"", "is empty"), (b"a\nb", "more than one line"), (b"\xff", "text")):
        Path(password).write_bytes(content)
        with pytest.raises(ConfigError, match=reason):
            prepare(flags)
    Path(password).unlink()
    with pytest.raises(ConfigError, match=r"cannot read the password file .*--mqtt-password-file"):
        prepare(flags)


def test_the_certificate_to_trust_is_read_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    flags = {"mqtt": "mqtts://localhost", "mqtt_ca": str(path)}
    with pytest.raises(ConfigError, match="Give --mqtt-ca a certificate in PEM"):
        prepare(flags)
    path.write_text("no certificate")
    with pytest.raises(ConfigError, match="Give --mqtt-ca a certificate in PEM"):
        prepare(flags)
    trustme.CA().cert_pem.write_to_path(path)
    assert prepare(flags) is not None


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert prepare({}) is None
    with pytest.raises(ConfigError, match=r"paho-mqtt. Install it: .* -m pip install 'paho-mqtt"):
        prepare({"mqtt": "mqtt://localhost"})


def test_what_refuses_it_ends_the_daemon_with_one_line() -> None:
    flags = ("--port", "0", "--zmq", "off", "--insecure", "--mqtt", "mqtt://192.0.2.1")
    ended = emotiond("run", *PLAY, *flags)
    assert ended.returncode == 1
    assert "Use mqtts://192.0.2.1:8883" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_the_help_has_its_flags() -> None:
    help_text = emotiond("run", "--help").stdout
    for flag in ("--mqtt mqtt[s]://HOST[:PORT]|off", "--mqtt-user NAME", "--mqtt-commands"):
        assert flag in help_text


def test_a_broker_that_is_not_there_is_one_line_and_a_state_and_the_daemon_goes_on() -> None:
    port = free_port()
    with running_daemon(*PLAY, "--json", "--mqtt", f"mqtt://127.0.0.1:{port}") as daemon:
        line = daemon.error_line("MQTT mqtt")
        assert "it cannot be reached (connection refused). It is tried again until" in line
        events = daemon.events()
        first = next(event["seq"] for event in events if event["type"] == "emotion")
        assert next(event["seq"] for event in events) == first + 1
        health = daemon.health()
        assert health["status"] == "degraded"
        assert health["mqtt"]["state"] == "away"
        assert "connection refused" in health["mqtt"]["reason"]
        assert health["failures"] == [f"MQTT mqtt://127.0.0.1:{port}: {health['mqtt']['reason']}"]
        assert health["dropped"]["mqtt_messages"] > 0
        assert daemon.stop() == 0
        assert daemon.stderr.count("it cannot be reached") == 1


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00", b"\xff" * 64]
)
def test_what_is_no_broker_is_one_line_without_a_traceback(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with running_daemon(*PLAY, "--mqtt", place) as daemon:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)
            daemon.error_line(place)
            assert daemon.health()["mqtt"]["state"] == "away"
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.stderr
