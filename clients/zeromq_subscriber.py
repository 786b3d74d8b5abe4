"""A small ZeroMQ subscriber. Copy this file; it needs only ``pyzmq``.

python zeromq_subscriber.py [127.0.0.1:8766 [TOPIC …]]

The endpoint may also be a URL of ZeroMQ, such as ``tcp://127.0.0.1:8766`` or ``ipc:///run/emotiond``.
For a daemon with ``--zmq-curve``, ``EMOTIOND_ZMQ_KEYS`` names the folder with your secret key and
the daemon's public one (``client.key_secret``, ``server.key``).

Topics are the messages' types: ``emotion``, ``change``, ``status``. Do not set ``CONFLATE`` here:
it keeps the last frame, not the last message. With the topic "" only the JSON objects come, with a
named topic nothing comes, and there is no error. The endpoint of ``--zmq-latest`` is for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zmq
from zmq.auth import load_certificate

_PORT = 8766


def zeromq_endpoint(address: str) -> str:
    """Return the endpoint of a daemon: the address itself, if it has a scheme.

    Args:
        address: that endpoint, or only ``HOST`` or ``HOST:PORT``.
    """
    if "://" in address:
        return address
    has_port = ":" in address.rpartition("]")[2]  # an IPv6 address stands in brackets
    return f"tcp://{address}" if has_port else f"tcp://{address}:{_PORT}"


def messages(
    endpoint: str, topics: Sequence[str] = ("",), keys: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the messages of these topics; the last ones of each stream come first.

    ZeroMQ reconnects by itself. Every new subscriber makes the daemon send the last events to all
    again. This function drops these repeats: the last message of each type is remembered.
    """
    latest: dict[tuple[str, str], bytes] = {}
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        if keys is not None:
            socket.curve_publickey, socket.curve_secretkey = load_certificate(
                keys / "client.key_secret"
            )
            socket.curve_serverkey, _ = load_certificate(keys / "server.key")
        if "[" in endpoint:  # as in tcp://[::1]:8766
            socket.setsockopt(zmq.IPV6, 1)
        for topic in topics:
            socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        socket.connect(endpoint)
        while True:
            _topic, payload = socket.recv_multipart()
            message = json.loads(payload)
            kind = (message["stream"], message["type"])
            if latest.get(kind) != payload:
                latest[kind] = payload
                yield message


if __name__ == "__main__":
    address, *topics = sys.argv[1:] or ["127.0.0.1"]
    if address.startswith("-"):
        sys.exit(__doc__)
    endpoint = zeromq_endpoint(address)
    folder = os.environ.get("EMOTIOND_ZMQ_KEYS")
    try:
        for message in messages(endpoint, topics or ("",), Path(folder) if folder else None):
            print(json.dumps(message, ensure_ascii=False), flush=True)
    except (OSError, zmq.ZMQError) as error:  # an endpoint that is none, no such keys
        sys.exit(f"zeromq_subscriber: {endpoint}: {error}")
    except KeyboardInterrupt:
        pass
