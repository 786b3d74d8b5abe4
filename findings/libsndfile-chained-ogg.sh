#!/bin/sh
# libsndfile reads the first link of a chained Ogg file alone, and says nothing of the rest.
#
# An Ogg file may hold several streams one after another (RFC 3533, section 4). Recordings of Icecast
# do, at each new title, and so do files that were joined. Length, samples and end all come from the
# first link: no error, no flag. FFmpeg, here through PyAV, goes on with the next link.
#
# Seen with: soundfile 0.14.0 (libsndfile 1.2.2), PyAV 18.1.0, numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: find the begin of each link (a page with the flag 2), and open it as a file.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    soundfile==0.14.0 numpy==2.2.6 av==18.1.0
cat >read.py <<'EOF'
import io
import sys

import av
import numpy as np
import soundfile

RATE = 48_000


def link(hz, kind):
    """Two seconds. Each has its own serial number."""
    tone = 0.2 * np.sin(2 * np.pi * hz * np.arange(2 * RATE) / RATE)
    file = io.BytesIO()
    soundfile.write(file, tone, RATE, format="OGG", subtype=kind)
    return file.getvalue()


def strongest_hz(samples):
    return int(np.argmax(np.abs(np.fft.rfft(samples))) * RATE / samples.size)


changed = False
for kind in ("VORBIS", "OPUS"):
    content = link(400, kind) + link(800, kind)
    file = soundfile.SoundFile(io.BytesIO(content))
    samples = file.read()
    with av.open(io.BytesIO(content)) as container:
        blocks = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    decoded = np.concatenate(blocks)
    print(f"{kind}, 4 s in two links: libsndfile says {file.frames / RATE:.2f} s and reads "
          f"{samples.size / RATE:.2f}; FFmpeg reads {decoded.size / RATE:.2f}, "
          f"at the end {strongest_hz(decoded[-RATE:])} Hz")
    changed |= samples.size != 2 * RATE or strongest_hz(decoded[-RATE:]) != 800
if changed:
    sys.exit("CHANGED")
EOF
venv/bin/python read.py
