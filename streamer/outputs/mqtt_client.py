"""paho's client for a broker that is not trusted: it takes what a broker must send, and no more.

paho has no limit for what comes: it reads packets of 256 MB, keeps each message of QoS 2 until its
release, and answers pings and releases that it has not asked for, into a queue without a bound.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import CONNACK, PINGREQ, PINGRESP, PUBLISH, SUBACK, UNSUBACK, Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from emotiond.exceptions import printable

MOST_PACKET_BYTES = 256 * 1024
"""A longer packet is read over: it ends no connection, since anybody may have published it."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 30
"""From one attempt to the next; each one is twice as long."""
STEADY_SECONDS = 10.0
"""A connection that lasts as long after its greeting is one: after it, pauses begin anew."""

_OTHER_NAME = (62, 64)  # OpenSSL's numbers, for names and for addresses
_KIND, _QOS = 0xF0, 0x06  # bits of a packet's first byte


class PatientClient(Client):
    """Goes on after what no broker should send; paho's thread would end with a traceback.

    It subscribes and publishes with QoS 0. So a broker that sends anything but its answers and
    messages of QoS 0 breaks the protocol, and loses the connection.

    paho's pauses begin anew with each greeting. Here only a connection that lasts does that.
    Once a broker has refused MQTT 3.1.1, paho speaks 3.1 for good. Here each attempt begins with
    3.1.1.
    """

    on_fault: Callable[[Exception], None]
    on_answer: Callable[[int], None]
    """Gets the number of a ping that the broker has answered. It answers them in order."""
    _pause_seconds = 0
    _greeted_seconds = float("inf")  # the monotonic time of the last greeting

    def __init__(self, name: str) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, name)
        self._asking = threading.Lock()
        self._asked = self._answered = 0  # pings of this connection

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> Any:
        """Serve the connection until the client disconnects."""
        while True:
            try:
                return super().loop_forever(timeout, retry_first_connection)
            except Exception as error:
                self.on_fault(error)
                self._reconnect_wait()
                with contextlib.suppress(Exception):  # it will try again
                    self.reconnect()

    def cut(self) -> None:
        """End the connection without a word, from any thread. It is made anew after a pause."""
        connection = self.socket()
        if isinstance(connection, socket.socket):
            with contextlib.suppress(OSError):  # it has ended just now
                # That of ssl would let paho's thread go on without encryption.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def ask(self) -> int:
        """Ping the broker, and return the ping's number on this connection."""
        with self._asking:
            self._asked += 1
            self._send_simple_command(PINGREQ)
            return self._asked

    def _send_pingreq(self) -> MQTTErrorCode:  # paho's own, while nothing else is sent
        with self._asking:
            self._asked += 1
            return super()._send_pingreq()

    def _reconnect_wait(self) -> None:
        lasted = time.monotonic() - self._greeted_seconds >= STEADY_SECONDS
        longer = min(max(2 * self._pause_seconds, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        self._pause_seconds = FIRST_PAUSE_SECONDS if lasted else longer
        self._greeted_seconds = float("inf")
        self.reconnect_delay_set(self._pause_seconds, LONGEST_PAUSE_SECONDS)
        self._protocol = MQTTProtocolVersion.MQTTv311
        super()._reconnect_wait()

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._is_too_long():
            self._in_packet["packet"].clear()
        return super()._sock_recv(min(bufsize, MOST_PACKET_BYTES))

    def _packet_handle(self) -> MQTTErrorCode:
        if self._is_too_long():
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        command = self._in_packet["command"]
        kind = command & _KIND
        if kind == CONNACK and not self.is_connected():
            self._greeted_seconds = time.monotonic()
            with self._asking:
                self._asked = self._answered = 0
        is_right = (
            not self.is_connected()
            if kind == CONNACK
            else not command & _QOS
            if kind == PUBLISH
            else self._has_asked()
            if kind == PINGRESP
            else kind in (SUBACK, UNSUBACK)
        )
        if not is_right:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        result = super()._packet_handle()
        if kind == PINGRESP:
            self._answered += 1
            self.on_answer(self._answered)
        return result

    def _has_asked(self) -> bool:
        """Return whether a ping has left that is not answered yet.

        Who could answer one that waits behind other packets could have them pile up without bound.
        """
        with self._asking:
            held = sum(each["command"] == PINGREQ for each in self._out_packet.copy())
            return self._answered + held < self._asked

    def _is_too_long(self) -> bool:
        return self._in_packet["remaining_length"] > MOST_PACKET_BYTES


def reason_of(error: BaseException | None) -> str:
    """Return in a few words why no connection could be made, with the remedy if there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "--mqtt-ca names the one to trust"
        if error.verify_code in _OTHER_NAME:
            remedy = "--mqtt takes a name that is in the certificate"
        problem = error.verify_message.rstrip(".")
        return f"its certificate is not accepted ({problem}); {remedy}"
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return f"it cannot be reached ({printable(str(reason)).lower()})"
