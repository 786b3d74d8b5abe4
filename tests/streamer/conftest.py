"""A daemon that clients send sound to, and one of them; some files have others of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import DATA
from tests.support.caller import Caller, calling
from tests.support.daemon import Daemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Plays the demo, with a tiny model and an empty history."""
    model = str(DATA / "tiny.tflite")
    history = str(tmp_path_factory.mktemp("history") / "history.sqlite")
    with running_daemon("--source", "demo", "--model", model, "--history", history) as daemon:
        yield daemon


@pytest.fixture
def caller(daemon: Daemon) -> Iterator[Caller]:
    """A client that is greeted already."""
    with calling(daemon.websocket_url) as caller:
        yield caller
