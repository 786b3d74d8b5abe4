#!/bin/sh
# Under systemd's MemoryDenyWriteExecute=yes, soundfile reads paths but no file objects, and
# sounddevice opens no stream with a callback.
#
# Both make their callbacks by cffi's ffi.callback(), which needs memory that is writable and
# executable. The wheels of cffi have no other way; the kernel's own switch for the same rule
# (PR_SET_MDWE, Linux 6.3) shows it without systemd. soundfile then ends in MemoryError although
# there is memory in plenty. numpy and ai-edge-litert go on, so a service seems to work until sound
# comes.
#
# Seen with: soundfile 0.14.0, sounddevice 0.5.6, cffi 2.1.1, numpy 2.2.6, Python 3.11, Linux 6.18.
# The way round: leave MemoryDenyWriteExecute out of the unit, or open files by their path.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    soundfile==0.14.0 cffi==2.1.1 numpy==2.2.6
cat >read.py <<'EOF'
import ctypes
import io
import sys

import numpy as np
import soundfile

PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1

soundfile.write("tone.wav", np.zeros(1000), 16_000)
content = open("tone.wav", "rb").read()
if "denied" in sys.argv and ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    print("needs Linux 6.3 or newer", file=sys.stderr)
    sys.exit(2)
print(sys.argv[1], "path:", soundfile.read("tone.wav")[0].size, "samples")
try:
    print(sys.argv[1], "file object:", soundfile.read(io.BytesIO(content))[0].size, "samples")
except MemoryError as error:
    print(sys.argv[1], "file object: MemoryError,", str(error).split(".")[0])
    sys.exit(3)
EOF
venv/bin/python read.py allowed
status=0
venv/bin/python read.py denied || status=$?
case $status in
    0) echo "CHANGED: the file object is read" >&2; exit 1 ;;
    3) ;;
    *) exit "$status" ;;
esac
