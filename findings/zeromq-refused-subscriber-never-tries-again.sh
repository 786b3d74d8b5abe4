#!/bin/sh
# A ZeroMQ subscriber whose CURVE key is refused once never tries again, also when it is admitted later.
#
# libzmq connects again by itself after every loss, but not after a server that has refused the key:
# the session ends, without an error for the program. A server whose list of keys is empty for a
# moment, as while a folder of keys is replaced, so loses for good every subscriber that connects then.
#
# Seen with: pyzmq 27.3.0 (libzmq 4.3.5), Python 3.11, Linux x86-64.
# The way round: keep who is connected while the list cannot be read; at a subscriber, watch
# for HANDSHAKE_FAILED_AUTH and open the socket anew.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pyzmq==27.3.0
cat >subscribe.py <<'EOF'
import sys
import time

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message


class Keys:
    admits = False

    def callback(self, _domain, _key):
        return self.admits


context, keys = zmq.Context(), Keys()
authenticator = ThreadAuthenticator(context)
authenticator.start()
authenticator.configure_curve_callback(domain="*", credentials_provider=keys)
public, secret = zmq.curve_keypair()
publisher = context.socket(zmq.PUB)
publisher.curve_server, publisher.curve_secretkey = True, secret
port = publisher.bind_to_random_port("tcp://127.0.0.1")


def subscribe():
    subscriber = context.socket(zmq.SUB)
    subscriber.curve_publickey, subscriber.curve_secretkey = zmq.curve_keypair()
    subscriber.curve_serverkey = public
    events = subscriber.get_monitor_socket()
    subscriber.connect(f"tcp://127.0.0.1:{port}")
    subscriber.subscribe("")
    return subscriber, events


def received(subscriber, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        publisher.send(b"event")
        if subscriber.poll(50):
            return True
    return False


early, events = subscribe()
while recv_monitor_message(events)["event"] != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
    pass
keys.admits = True
late, late_events = subscribe()
outcome = received(late, 20), received(early, 10)
print("admitted from the first:", outcome[0], "| refused once, then admitted for 10 s:", outcome[1])
for each in (early, late):
    each.disable_monitor()
authenticator.stop()
context.destroy(linger=0)
sys.exit(outcome != (True, False))
EOF
venv/bin/python subscribe.py || { echo "CHANGED: a refused subscriber tries again" >&2; exit 1; }
