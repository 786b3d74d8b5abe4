"""What the daemon reads before it opens anything, and what it says of what it cannot use."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from emotiond.exceptions import EmotiondError, HistoryError
from emotiond.streamer.daemon.preparing import prepare
from emotiond.streamer.outputs.websocket import WEBSOCKET
from emotiond.streamer.outputs.zeromq import ZEROMQ
from emotiond.streamer.settings.config import Config
from emotiond.streamer.settings.exposure import exposure_warnings
from emotiond.streamer.settings.layers import make_config
from tests.conftest import DATA

TINY = str(DATA / "tiny.tflite")


def config(**flags: object) -> Config:
    return make_config({"source": ["demo"], "model": TINY, "zmq": "off", **flags}, {})


def test_it_holds_the_model_and_the_openers_of_all_enabled_outputs() -> None:
    prepared = prepare(config(history="off"))
    assert prepared.model.card.name == "tiny"
    assert prepared.profile is None
    assert WEBSOCKET in [kind for kind, _ in prepared.openers]
    assert ZEROMQ not in [kind for kind, _ in prepared.openers]
    assert not prepared.followed


def test_a_model_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"TFL3" * 100)
    with pytest.raises(EmotiondError, match=r"broken"):
        prepare(config(model=str(path), history="off"))


def test_a_history_that_was_asked_for_by_name_has_to_be_usable(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(HistoryError, match="not a database"):
        prepare(config(history=str(path)))


def test_what_others_could_do_is_warned_of_before_it_opens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exposed = config(host="0.0.0.0", insecure=True, history="off")  # noqa: S104
    with caplog.at_level(logging.WARNING):
        prepare(exposed)
    warnings = exposure_warnings(exposed)
    assert warnings
    assert [record.getMessage() for record in caplog.records] == [*warnings]
