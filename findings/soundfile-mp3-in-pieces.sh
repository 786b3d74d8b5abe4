#!/bin/sh
# soundfile damages an MP3 that is read in pieces, as by a loop of read(n) or by blocks().
#
# After each read, python-soundfile seeks to where the file already is. In an MP3, libsndfile then
# decodes anew from the frame at that place, without the frames before it, whose bits and overlap it
# needs (the bit reservoir). So the samples after each joint are wrong, without an error. The first
# piece is right, and so is a file that is read at once. A subclass whose seekable() is False reads
# the same pieces right.
#
# Seen with: soundfile 0.14.0 (libsndfile 1.2.2), numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: such a subclass, or to read at once.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.2.6
cat >read.py <<'EOF'
import io
import sys

import numpy as np
import soundfile

RATE, PIECE = 44_100, 1_000


class Forward(soundfile.SoundFile):
    def seekable(self):
        return False


def in_pieces(kind, content):
    with kind(io.BytesIO(content)) as file:
        pieces = [file.read(PIECE)]
        while pieces[-1].size:
            pieces.append(file.read(PIECE))
    return np.concatenate(pieces)


seconds = np.arange(4 * RATE) / RATE
sweep = 0.3 * np.sin(2 * np.pi * (200 + 150 * seconds) * seconds)
file = io.BytesIO()
soundfile.write(file, sweep, RATE, format="MP3")
whole, _ = soundfile.read(io.BytesIO(file.getvalue()))
print(f"soundfile {soundfile.__version__}, libsndfile {soundfile.__libsndfile_version__}")
shares = {}
for kind in (soundfile.SoundFile, Forward):
    read = in_pieces(kind, file.getvalue())
    wrong = np.abs(read - whole[: read.size]) > 0.001
    shares[kind] = wrong[PIECE:].mean()
    print(f"{kind.__name__}: {shares[kind]:.0%} of the samples after the first piece are wrong; "
          f"in the first piece, {wrong[:PIECE].sum()} are")
    if wrong[:PIECE].any():
        sys.exit("CHANGED: the first piece is wrong, too")
if not (shares[soundfile.SoundFile] > 0.5 and shares[Forward] == 0):
    sys.exit("CHANGED")
EOF
venv/bin/python read.py 2>errors.txt || { tail -1 errors.txt >&2; exit 1; }
