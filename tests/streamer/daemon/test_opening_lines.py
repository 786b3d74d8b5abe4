"""The line that says what is heard, by which model, and who can listen and speak where."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from emotiond.inference.model import Model
from emotiond.streamer.daemon.opening_lines import opening_lines
from emotiond.streamer.outputs.output import About
from emotiond.streamer.settings.config import Config
from emotiond.streamer.streams.replay import OwnStream

MODEL = cast("Model", SimpleNamespace(card=SimpleNamespace(name="lite")))
PAGE = About(page="http://127.0.0.1:8765/", address="WebSocket ws://…", open_to="this user")


def stream(name: str, open_to: str | None = None) -> OwnStream:
    stands_for: Any = SimpleNamespace(
        name=name, source=SimpleNamespace(about=SimpleNamespace(open_to=open_to))
    )
    return cast("OwnStream", stands_for)


def lines(*abouts: About, streams: tuple[OwnStream, ...] = (stream("mic"),)) -> list[str]:
    kinds: Any = [(SimpleNamespace(name=name), None) for name in ("WebSocket", "ZeroMQ")]
    config = cast("Config", SimpleNamespace(outputs=kinds[: len(abouts)]))
    return [*opening_lines(config, MODEL, streams, abouts)]


def test_it_names_streams_model_page_and_addresses() -> None:
    (line,) = lines(PAGE, streams=(stream("mic"), stream("radio")))
    _, _, said = line.partition(": ")
    assert said == (
        "listening to mic, radio with the model 'lite'; open http://127.0.0.1:8765/ "
        "(WebSocket ws://…), open to this user"
    )


@pytest.mark.parametrize(
    ("second", "end"),
    [("this user", "), open to this user"),
     ("everyone", "); WebSocket is open to this user; ZeroMQ is open to everyone")],
)  # fmt: skip
def test_who_can_listen_is_said_once_if_it_is_the_same_everywhere(second: str, end: str) -> None:
    (line,) = lines(PAGE, About(address="ZeroMQ tcp://…", open_to=second))
    assert line.endswith(end)


def test_who_can_speak_and_what_else_is_to_be_known_follow() -> None:
    first, second = lines(
        About(remarks=["The key is in FILE."]), streams=(stream("door", "this machine"),)
    )
    assert first.endswith("; this machine can stream into door")
    assert second == "emotiond: The key is in FILE."
