"""What other programs may ask of the microphone by MQTT."""

from __future__ import annotations

import logging
from typing import Literal

import pytest

from emotiond.streamer.outputs.mqtt_commands import COMMANDS_AT_ONCE, Commands


class Microphone:
    """One that can be muted here and from afar, as the daemon's."""

    can_be_muted = True

    def __init__(self) -> None:
        self.state: Literal["on", "off", "muted"] = "on"
        self.is_muted_here = False

    def command(self, muted: bool) -> bool:
        if self.is_muted_here and not muted:
            return False
        self.state = "muted" if muted else "on"
        return True


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def microphone() -> Microphone:
    return Microphone()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def commands(microphone: Microphone, clock: Clock) -> Commands:
    return Commands(microphone, clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_command_is_obeyed_and_logged(
    commands: Commands, microphone: Microphone, caplog: pytest.LogCaptureFixture
) -> None:
    commands.take(b"muted", is_kept=False)
    assert microphone.state == "muted"
    commands.take(b"on", is_kept=False)
    assert microphone.state == "on"
    assert lines(caplog) == [
        "MQTT: a command has set the microphone to muted",
        "MQTT: a command has set the microphone to on",
    ]
    assert (commands.obeyed, commands.refused) == (2, 0)


def test_one_that_the_broker_has_kept_is_of_another_time(
    commands: Commands, microphone: Microphone, caplog: pytest.LogCaptureFixture
) -> None:
    commands.take(b"muted", is_kept=True)
    assert microphone.state == "on"
    (line,) = lines(caplog)
    assert "the broker has kept it" in line
    assert (commands.obeyed, commands.refused) == (0, 1)


def test_a_mute_that_was_set_here_stays(
    commands: Commands, microphone: Microphone, caplog: pytest.LogCaptureFixture
) -> None:
    microphone.state, microphone.is_muted_here = "muted", True
    commands.take(b"on", is_kept=False)
    assert microphone.state == "muted"
    (line,) = lines(caplog)
    assert "muted on the page or this machine" in line


@pytest.mark.parametrize("content", [b"", b"ON", b"off", b"muted\n", b"\xff\x1b[31m"])
def test_anything_else_is_ignored_and_not_quoted(
    commands: Commands, microphone: Microphone, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    commands.take(content, is_kept=False)
    assert microphone.state == "on"
    assert lines(caplog) == ["MQTT: a command is ignored: it is neither 'muted' nor 'on'"]


def test_a_flood_is_ignored_with_one_line_and_ends(
    commands: Commands, microphone: Microphone, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        commands.take(b"muted" if number % 2 else b"on", is_kept=False)
    assert commands.obeyed == COMMANDS_AT_ONCE
    assert commands.refused == 1000 - COMMANDS_AT_ONCE
    assert len(lines(caplog)) == COMMANDS_AT_ONCE + 1
    assert microphone.state == "muted"
    clock.seconds += 1
    commands.take(b"on", is_kept=False)
    assert microphone.state == "on"
