"""A real MQTT broker, mosquitto, that a test can stop, start again and freeze; and a client."""

from __future__ import annotations

import contextlib
import queue
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.free_port import free_port
from tests.support.programs import skip_without

PATIENCE_SECONDS = 30.0


class Mosquitto:
    """A broker on a free port of this machine.

    Args:
        folder: for its files.
        lines: further lines of its configuration.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        skip_without("mosquitto", "mosquitto_passwd")
        self.port = free_port()
        self._configuration = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        access = () if any("password_file" in line for line in lines) else ("allow_anonymous true",)
        listener = (f"listener {self.port} 127.0.0.1", *access, *lines)
        log = ("log_dest stderr", "log_type all", "user root")
        self._configuration.write_text("\n".join((*listener, *log)) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it accepts connections."""
        with self._log.open("ab") as log:
            command = ["mosquitto", "-c", str(self._configuration)]
            self._process = subprocess.Popen(command, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)  # mosquitto has no event for this
        raise AssertionError(f"mosquitto does not start: {self._log.read_text()}")

    def freeze(self) -> None:
        """Let it do nothing: connections to it are half open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a word to its clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log.read_text()


@contextlib.contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    """Run a broker."""
    broker = Mosquitto(folder, *lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@dataclass(frozen=True)
class Heard:
    """A message that has come from the broker."""

    topic: str
    content: str
    is_kept: bool
    """Whether the broker had kept it from before."""


class Ear:
    """A client that hears everything on a broker, and can publish."""

    def __init__(self, port: int, topics: str = "#", username: str = "", word: str = "") -> None:
        self._heard: queue.Queue[Heard] = queue.Queue()
        self.all: list[Heard] = []
        """What :meth:`until` has passed."""
        subscribed: queue.Queue[None] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2)
        if username:
            self._client.username_pw_set(username, word)
        self._client.on_message = self._hear
        self._client.on_subscribe = lambda *_: subscribed.put(None)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topics)
        subscribed.get(timeout=PATIENCE_SECONDS)

    def __enter__(self) -> Ear:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, content: str, keep: bool = False) -> None:
        """Publish, and wait until it is sent."""
        self._client.publish(topic, content, retain=keep).wait_for_publish(PATIENCE_SECONDS)

    def until(self, is_it: Callable[[Heard], bool]) -> Heard:
        """Wait for a message."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                heard = self._heard.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"it did not come; {self.all[-20:]} did") from None
            self.all.append(heard)
            if is_it(heard):
                return heard

    def content(self, topic: str) -> str:
        """Wait for the next message on a topic."""
        return self.until(lambda heard: heard.topic == topic).content

    def says(self, topic: str, content: str) -> Heard:
        """Wait for a message on a topic."""
        return self.until(lambda heard: (heard.topic, heard.content) == (topic, content))

    def _hear(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        self._heard.put(Heard(message.topic, message.payload.decode(), message.retain))
