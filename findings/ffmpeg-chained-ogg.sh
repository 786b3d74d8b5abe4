#!/bin/sh
# FFmpeg ends a chained Ogg stream where a link has another rate or other channels than the one before.
#
# Internet radio begins a link with each song, as RFC 3533 and RFC 7845 allow, perhaps at another rate or
# with other channels. libavformat goes on where both are the same. Else demuxing ends with "Not yet
# implemented in FFmpeg, patches welcome"; where the codec changes, with "Invalid argument". What follows
# is lost, though each link is a valid file.
#
# Seen with: PyAV 17.1.0, 18.1.0 (libavformat 62.12) and 19.0.2 (63.1); soundfile 0.14.0 writes the links.
# The way round: cut the stream before each first page that follows other pages, and give each link a
# demuxer of its own.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    av==18.1.0 soundfile==0.14.0 numpy==2.2.6
cat >chain.py <<'EOF'
import io
import sys

import av
import numpy as np
import soundfile


def link(rate, channels):
    written = io.BytesIO()
    tone = 0.5 * np.sin(np.arange(rate) / 20)  # one second
    soundfile.write(written, np.tile(tone[:, None], channels), rate, "VORBIS", format="OGG")
    return written.getvalue()


def seconds_of(content):
    total, end = 0.0, "the end"
    with av.open(io.BytesIO(content)) as container:
        try:
            for frame in container.decode(audio=0):
                total += frame.samples / frame.sample_rate
        except av.FFmpegError as error:
            end = error.strerror
    return round(total), end


seen = {
    "the same form twice": seconds_of(link(44_100, 1) + link(44_100, 1)),
    "another rate": seconds_of(link(44_100, 1) + link(22_050, 1)),
    "other channels": seconds_of(link(44_100, 1) + link(44_100, 2)),
}
for name, (seconds, end) in seen.items():
    print(f"{name}: {seconds} of 2 seconds, then {end}")
sys.exit(3 if [seconds for seconds, _ in seen.values()] == [2, 1, 1] else 0)
EOF
status=0
venv/bin/python chain.py || status=$?
case $status in
    0) echo "CHANGED: FFmpeg plays the chains" >&2; exit 1 ;;
    3) ;;
    *) exit "$status" ;;
esac
