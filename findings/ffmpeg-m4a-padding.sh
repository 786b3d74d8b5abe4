#!/bin/sh
# FFmpeg decodes more of an M4A than was encoded: it heeds the start of the edit list, not its end.
#
# An AAC encoder works in frames of 1,024 samples: it puts a delay before the sound, and padding
# behind. The edit list of the file says which part is the sound. FFmpeg cuts the delay off, and
# leaves the padding, though the track's duration, which it reads, is right. Of 132,300 samples
# (3 s at 44.1 kHz) come 133,120; browsers and Apple's software give 132,300. Lossless codecs and
# Opus in WebM are exact, since their last packet is shorter, or says how much to discard.
#
# Seen with: PyAV 18.1.0 (libavformat 62.12), numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: leave out what is behind `stream.duration * stream.time_base`.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.2.6
cat >decode.py <<'EOF'
import io
import sys
from fractions import Fraction

import av
import numpy as np

RATE, LENGTH = 44_100, 132_300


def written(container, codec):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(LENGTH) / RATE)
    frame = av.AudioFrame.from_ndarray(tone[None].astype(np.float32), format="flt", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        for part in av.AudioResampler(stream.format.name, "mono", RATE).resample(frame):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return io.BytesIO(file.getvalue())


print(f"PyAV {av.__version__}, libavformat {av.library_versions['libavformat']}")
found = {}
for name, codec in (("AAC in M4A", "aac"), ("ALAC in M4A", "alac")):
    with av.open(written("ipod", codec)) as file:
        track = file.streams.audio[0]
        says = round(track.duration * track.time_base * RATE)
        found[name] = says, sum(frame.samples for frame in file.decode(track))
    print(f"{name}: {LENGTH} samples encoded, the file says {says}, {found[name][1]} decoded")
if found != {"AAC in M4A": (LENGTH, 133_120), "ALAC in M4A": (LENGTH, LENGTH)}:
    sys.exit("CHANGED")
EOF
venv/bin/python decode.py
