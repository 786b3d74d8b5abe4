#!/bin/sh
# A plain HTTP request to a websockets server gets no answer if its client then closes its half.
#
# TCP lets a client end its side of a connection once it has sent all, and still read: `nc -N` does
# so. An asyncio server of websockets 17.4 whose `process_request` answers plain HTTP, such as a
# health check, then closes the connection without a byte.
#
# Seen with: websockets 17.4, Python 3.11, Linux x86-64.
# The way round: answer before the end of input is passed on, in `eof_received` of the connection.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check websockets==17.4
cat >ask.py <<'EOF'
import asyncio
import http
import logging
import sys

from websockets.asyncio.server import serve

logging.disable()
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def answer_to(port: int, half_close: bool) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    if half_close:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer.split(b"\r\n")[0]


async def main() -> None:
    def health(connection, request):
        return connection.respond(http.HTTPStatus.OK, "well\n")

    async with serve(lambda _: None, "127.0.0.1", 0, process_request=health) as server:
        port = server.sockets[0].getsockname()[1]
        whole = [await answer_to(port, False) for _ in range(5)]
        half = [await answer_to(port, True) for _ in range(5)]
    print("kept open:  ", *whole)
    print("half closed:", *half)
    sys.exit(not (all(b"200" in line for line in whole) and not any(half)))


asyncio.run(main())
EOF
venv/bin/python ask.py || { echo "CHANGED: the half-closed request is answered" >&2; exit 1; }
