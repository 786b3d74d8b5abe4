"""The layers of the settings, which of them wins, and what each refuses."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from emotiond.exceptions import ConfigError
from emotiond.streamer.daemon_names import host_name
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.outputs.websocket_settings import WebSocketSettings
from emotiond.streamer.outputs.zeromq import ZEROMQ
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.layers import all_settings, make_config
from emotiond.streamer.sources.microphone import MICROPHONE
from emotiond.streamer.sources.standard_input import STANDARD_INPUT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "emotiond.toml"


def websocket(
    flags: dict[str, Any], environment: Mapping[str, str] = MappingProxyType({})
) -> WebSocketSettings:
    return make_config(flags, environment).settings_of(WEBSOCKET)


def refusal(flags: dict[str, Any], environment: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as refused:
        make_config(flags, environment)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_without_settings_there_are_defaults() -> None:
    assert make_config({}, {}) == Config()
    assert Config().stride_samples == 4000
    settings = websocket({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8765)
    assert Config().settings_of(ZEROMQ).zmq == "tcp://127.0.0.1:8766"


def test_flags_come_before_the_environment_and_that_before_the_file(file: Path) -> None:
    file.write_text('port = 1\nstride = 0.1\nmodel = "lite"\nrate = 8000\n')
    environment = {"EMOTIOND_PORT": "2", "EMOTIOND_STRIDE": "0.2", "EMOTIOND_MODEL": "full"}
    config = make_config({"config": str(file), "port": 3, "stride": 0.3}, environment)
    assert (config.stride, config.model) == (0.3, "full")
    assert config.settings_of(STANDARD_INPUT).rate == 8000
    assert config.settings_of(WEBSOCKET).port == 3


def test_the_environment_can_name_the_file_and_a_flag_another(file: Path) -> None:
    file.write_text("port = 1")
    other = file.with_name("other.toml")
    other.write_text("port = 2")
    environment = {"EMOTIOND_CONFIG": str(file)}
    assert websocket({}, environment).port == 1
    assert websocket({"config": str(other)}, environment).port == 2


def test_the_environment_is_text_of_every_type() -> None:
    config = make_config(
        {},
        {
            "EMOTIOND_SOURCE": "a=mic, b=x.wav",
            "EMOTIOND_DEVICE": "2",
            "EMOTIOND_SPEED": "max",
            "EMOTIOND_ONCE": "True",
            "EMOTIOND_WAIT_CLIENTS": "2",
            "EMOTIOND_STRIDE": "1",
            "EMOTIOND_ALLOW_ORIGIN": "",
            "PORT": "1",
            "PATH": "/bin",
        },
    )
    assert config.source == ("a=mic", "b=x.wav")
    assert (config.speed, config.once) == ("max", True)
    assert config.settings_of(MICROPHONE).device == "2"
    assert config.stride == 1.0
    assert config.lossless
    settings = config.settings_of(WEBSOCKET)
    assert (settings.wait_clients, settings.port, settings.allow_origin) == (2, 8765, ())


def test_the_file_may_have_the_device_as_a_number(file: Path) -> None:
    file.write_text("device = 2")
    assert make_config({"config": file}, {}).settings_of(MICROPHONE).device == "2"


def test_the_file_may_have_the_speed_as_a_number(file: Path) -> None:
    file.write_text('speed = 1\nsource = ["demo"]\nonce = true\nstride = 1')
    config = make_config({"config": file}, {})
    assert (config.speed, config.source, config.once, config.stride) == ("1", ("demo",), True, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("prot = 1", "unknown key 'prot' (did you mean 'port'?)"),
        ("port = '1'", "'port' must be a whole number, not a text"),
        ("port = 70000", "port cannot be 70000"),
        ("stride = nan", "'stride' must be finite"),
        ("keep_hours = nan", "'keep_hours' must be finite"),
        ("source = 'mic'", "'source' must be a list"),
        ("speed = 2", "speed 2 is for the events of 'session:FILE' alone"),
        ("port = ", "is not TOML"),
        ("port = 1\nport = 2", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_its_name(file: Path, text: str, reason: str) -> None:
    file.write_text(text)
    assert reason in refusal({"config": str(file)}, {})


def test_a_file_that_is_not_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in refusal({"config": str(file)}, {})


@pytest.mark.skipif(os.name != "posix", reason="needs devices with a path")
def test_a_file_without_end_is_refused_and_a_pipe_is_read(tmp_path: Path) -> None:
    assert "far too large" in refusal({"config": "/dev/zero"}, {})
    reading, writing = os.pipe()
    with os.fdopen(reading):
        with os.fdopen(writing, "w") as pipe:
            pipe.write("port = 1")
        assert websocket({"config": f"/dev/fd/{reading}"}).port == 1


def test_a_variable_that_nests_without_end_is_refused() -> None:
    assert "'stride' must be a number" in refusal({}, {"EMOTIOND_STRIDE": "[" * 100_000})


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    assert f"cannot read {file} (No such file" in refusal({"config": str(file)}, {})
    assert "Is a directory" in refusal({"config": str(file.parent)}, {})


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("PROT", "1", "the environment: unknown key 'prot' (did you mean 'port'?)"),
        ("PORT", "x", "'port' must be a whole number, not a text"),
        ("PORT", "1.5", "'port' must be a whole number, not a number"),
        ("ONCE", "1", "'once' must be true or false, not a whole number"),
        ("STRIDE", "NaN", "'stride' must be"),
        ("STRIDE", "1e999", "'stride' must be finite"),
        ("RATE", "1" + "0" * 400, "'rate' is far too large"),
        ("SPEED", "2", "speed 2 is for the events of 'session:FILE' alone"),
    ],
)
def test_a_wrong_variable_is_refused(variable: str, text: str, reason: str) -> None:
    assert reason in refusal({}, {f"EMOTIOND_{variable}": text})


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"stride": 0.0}, "stride cannot be 0"),
        ({"keep_hours": -1.0}, "keep_hours cannot be -1. Use 0 to 24"),
        ({"keep_hours": 1e300}, "keep_hours cannot be 1e+300. Use 0 to 24"),
        ({"stride": -0.25}, "stride cannot be -0.25"),
        ({"stride": 0.255}, "multiple of 0.01"),
        ({"stride": 11.0}, "up to 10"),
        ({"stride": 1e-9}, "stride cannot be"),
        ({"rate": 1999}, "rate cannot be 1999"),
        ({"rate": 384_001}, "rate cannot be"),
        ({"port": -1}, "port cannot be -1"),
        ({"wait_clients": -1}, "wait_clients cannot be negative"),
        ({"max_client_streams": -1}, "Use 0 to 64"),
        ({"max_client_streams": 65}, "Use 0 to 64"),
        ({"name": "a/b"}, "name cannot be 'a/b'. Use 1 to 63 letters, digits, spaces"),
        ({"name": ""}, "name cannot be empty"),
        ({"history": ""}, "history cannot be empty"),
        ({"token_file": ""}, "token_file cannot be empty"),
        ({"tls_cert": "", "tls_key": ""}, "tls_cert cannot be empty"),
        ({"host": "", "insecure": True}, "host cannot be empty"),
        ({"allow_origin": ["https://wall.example/page"]}, "https://NAME"),
        ({"allow_origin": ["wall.example"]}, "https://NAME"),
        ({"allow_origin": ["ws://wall.example"]}, "https://NAME"),
        ({"allow_origin": ["https://anna@wall.example"]}, "https://NAME"),
        ({"allow_host": ["pi.local:8765"]}, "without the port"),
        ({"allow_host": ["http://pi.local"]}, "without the port"),
        ({"trust_proxy": ["proxy.local"]}, "Use the proxy's address or network"),
        ({"trust_proxy": ["127.0.0.1:8080"]}, "Use the proxy's address or network"),
        ({"trust_proxy": ["172.30.32.2/23"]}, "has host bits set"),
        ({"trust_proxy": ["10.0.0.1", "0.0.0.0/0"]}, "each visitor could claim to be another"),
    ],
)
def test_impossible_values_are_refused(flags: dict[str, Any], reason: str) -> None:
    assert reason in refusal(flags, {})


def test_the_daemon_has_the_name_that_is_given_or_the_hosts(file: Path) -> None:
    file.write_text("name = 7")
    assert make_config({"config": str(file)}, {}).daemon_name == "7"
    assert make_config({}, {"EMOTIOND_NAME": "Küche 2"}).daemon_name == "Küche 2"
    assert make_config({"name": "hall"}, {"EMOTIOND_NAME": "kitchen"}).daemon_name == "hall"
    assert make_config({}, {}).daemon_name == host_name()


def test_an_empty_variable_is_refused() -> None:
    assert "token_file cannot be empty" in refusal({}, {"EMOTIOND_TOKEN_FILE": ""})


def test_names_and_origins_that_can_match_are_taken() -> None:
    origins = ["https://wall.example", "HTTP://10.0.0.7:8000", "chrome-extension://abcdef"]
    hosts = ["pi.local", "10.0.0.7", "fe80::1"]
    config = websocket({"allow_origin": origins, "allow_host": hosts})
    assert config.allow_origin == tuple(origins)
    assert config.allow_host == tuple(hosts)


def test_variables_of_the_clients_are_ignored() -> None:
    assert make_config({}, {"EMOTIOND_ZMQ_KEYS": "/keys"}) == Config()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_it_listens_on_this_machine(host: str) -> None:
    assert websocket({"host": host}).host == host


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(all_settings())])
@pytest.mark.parametrize("text", ["", "\0", "[", "null", "-1", "[]", "true", "1e5"])
def test_rubbish_in_the_environment_never_crashes_it(name: str, text: str) -> None:
    try:
        make_config({}, {f"EMOTIOND_{name.upper()}": text})
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017
