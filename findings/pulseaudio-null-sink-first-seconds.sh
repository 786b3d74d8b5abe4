#!/bin/sh
# The monitor of a new null sink of PulseAudio delivers nothing in the sink's first two seconds.
#
# A null sink is the usual microphone of a test: programs play into it, others record its monitor. It
# begins with its greatest latency, 2 s. A recorder that asks for 10 ms does not shorten the first
# block: its first byte comes when the sink is 2 s old. The same recorder, started again, gets its
# first byte at once. A test that plays and records in that time measures a latency of 1 to 2 s.
#
# Seen with: PulseAudio 16.1 (Debian 12, 16.1+dfsg1-2+b1), Linux x86-64.
# The way round: read one byte of the monitor before playing.
set -eu
version=16.1+dfsg1-2+b1
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
mkdir -p "$folder/archives/partial" "$folder/lists/partial" "$folder/root"
apt() {
    apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::lists=$folder/lists" \
        -o "Dir::Cache::archives=$folder/archives" -o Dir::Cache::pkgcache= \
        -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User= "$@"
}
apt update
apt install -y --no-install-recommends --download-only --reinstall \
    "pulseaudio=$version" "pulseaudio-utils=$version" >/dev/null ||
    { echo "needs Debian 12, which has PulseAudio $version" >&2; exit 2; }
for archive in "$folder"/archives/*.deb; do dpkg-deb --extract "$archive" "$folder/root"; done
modules=$(find "$folder/root/usr/lib" -type d -path '*/pulse-*/modules')
library=$(dirname "$(dirname "$modules")")
export PATH="$folder/root/usr/bin:$PATH"
export LD_LIBRARY_PATH="$library:$library/pulseaudio:$modules"
export HOME="$folder" XDG_RUNTIME_DIR="$folder" PULSE_SERVER="unix:$folder/native"

pulseaudio -n "--dl-search-path=$modules" --exit-idle-time=-1 --daemonize=no --use-pid-file=no \
    --realtime=no --high-priority=no \
    -L "module-native-protocol-unix auth-anonymous=1 socket=$folder/native" \
    -L "module-null-sink sink_name=test" >"$folder/log" 2>&1 &
server=$!
while ! pactl info >"$folder/info" 2>&1; do
    kill -0 "$server"
    sleep 0.05
done
grep '^Server Version' "$folder/info"
python3 - <<'EOF'
import subprocess
import sys
import time


def first_byte_after() -> float:
    began = time.monotonic()
    command = ["parec", "--device=test.monitor", "--latency-msec=10", "--raw"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as recorder:
        recorder.stdout.read(1)
        recorder.kill()
    return time.monotonic() - began


first, second = first_byte_after(), first_byte_after()
print(f"first byte of the new monitor after {first:.1f} s, of the same again after {second:.1f} s")
sys.exit(not (first > 1.2 and second < 0.6) and "CHANGED: the new sink delivers at once")
EOF
