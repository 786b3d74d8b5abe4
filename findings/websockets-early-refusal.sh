#!/bin/sh
# websockets' threaded client loses the answer of a server that refuses it before it has asked.
#
# A server with too many connections may answer 503 as soon as it accepts one. The client has a thread
# that reads. If that thread is first, writing the request fails: with an AssertionError while the server
# keeps the connection open, with "no close frame received or sent" after it has closed. Status and text
# of the answer are lost, which the client raises as InvalidStatus otherwise. On two busy cores, one
# refusal in four ended so. The subclass below makes the delay of a busy machine certain.
#
# Seen with: websockets 17.4, Python 3.11, Linux x86-64.
# The way round: a subclass whose handshake() raises protocol.handshake_exc, where the answer is.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check websockets==17.4
cat >refuse.py <<'EOF'
import logging
import socket
import sys
import threading

from websockets.sync.client import ClientConnection, connect

logging.disable()
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nbusy\n"


class Late(ClientConnection):
    """Writes its request once the answer, or the end as well, was read."""

    waits_for_end = False

    def handshake(self, *arguments, **options):
        if self.waits_for_end:
            self.recv_events_thread.join()
        else:
            self.response_rcvd.wait()
        super().handshake(*arguments, **options)


class LateAfterEnd(Late):
    waits_for_end = True


def refused(connection, asks_first, stays):
    """Return the name of the error that one refused connection ends with."""

    def serve():
        with listener.accept()[0] as client:
            if asks_first:
                client.recv(4096)
            client.sendall(BUSY)
            if stays:
                over.wait()

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        try:
            with connect(f"ws://127.0.0.1:{listener.getsockname()[1]}", proxy=None,
                         create_connection=connection):
                return "none"
        except Exception as error:
            return f"{type(error).__name__} ({error})"
        finally:
            over.set()
            server.join()


seen = {
    "request first": refused(ClientConnection, True, True),
    "answer first, connection kept": refused(Late, False, True),
    "answer first, connection closed": refused(LateAfterEnd, False, False),
}
for when, error in seen.items():
    print(f"{when + ':':33}{error}")
names = [error.split()[0] for error in seen.values()]
sys.exit(names != ["InvalidStatus", "AssertionError", "ConnectionClosedError"])
EOF
venv/bin/python refuse.py || { echo "CHANGED: an early refusal is read otherwise" >&2; exit 1; }
