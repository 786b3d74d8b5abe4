#!/bin/sh
# websockets' threaded client over TLS now and then connects, and its request never leaves.
#
# The client starts the thread that reads before it writes its request. So two threads call OpenSSL for
# one connection at the same time, which OpenSSL does not allow, and the module ssl of Python 3.11 does
# not prevent. In about one of 1,000 connections the write reports success and nothing arrives. The
# server waits until its time limit, and the client says that it got no valid answer. The client of
# asyncio, which has one thread, always gets its answer.
#
# Seen with: websockets 17.4, Python 3.11.7, OpenSSL 3.0.19, Linux x86-64, two cores: 6 of 9,000.
# The way round: an SSLContext whose sslsocket_class lets one thread at a time into OpenSSL.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    { echo "needs python3 to be 3.11" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check websockets==17.4 trustme==1.2.1
cat >connect.py <<'EOF'
import asyncio
import ssl
import sys
import threading

import trustme
import websockets
from websockets.asyncio.client import connect as connect_by_asyncio
from websockets.asyncio.server import serve
from websockets.sync.client import connect

MOST = 40_000
authority = trustme.CA()
server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
authority.issue_cert("127.0.0.1").configure_cert(server)
authority.configure_trust(client)
ports, ready = [], threading.Event()


async def greet(connection):
    await connection.send("hello")
    await connection.wait_closed()


async def run():
    async with serve(greet, "127.0.0.1", 0, ssl=server, open_timeout=1) as listening:
        ports.append(next(iter(listening.sockets)).getsockname()[1])
        ready.set()
        await asyncio.Event().wait()


threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
ready.wait()
address = f"wss://127.0.0.1:{ports[0]}"


async def by_asyncio(count):
    for _ in range(count):
        async with connect_by_asyncio(address, ssl=client, proxy=None) as connection:
            await asyncio.wait_for(connection.recv(), 10)


def lost(most):
    for number in range(1, most + 1):
        try:
            with connect(address, ssl=client, proxy=None) as connection:
                connection.recv(10)
        except websockets.InvalidMessage:
            return number
    return None


print(f"websockets {websockets.__version__}, Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}")
number = lost(MOST)
asyncio.run(by_asyncio(3_000))
print(f"threads: connection {number} got no answer; asyncio: 3,000 of 3,000 got theirs")
sys.exit(number is None)
EOF
venv/bin/python connect.py
