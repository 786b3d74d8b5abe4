#!/bin/sh
# pylsl sends an integer that its channel cannot hold as another one: a trigger 200 arrives as -56.
#
# The formats int8, int16 and int32 of the Lab Streaming Layer have signs. pylsl puts a number into the C
# type without a look at its range, so it wraps around: 200 in int8 becomes -56, 40,000 in int16 -25,536, a
# count of 2^31 in int32 the most negative number. A fraction raises TypeError, and so does a text; a number
# out of range raises nothing, and a float32 channel makes infinity of 1e39.
#
# Seen with: pylsl 1.18.6 (liblsl 1.18), Python 3.11, Linux x86-64. All of it stays on this machine.
# The way round: declare the next larger format, and check the range before push_sample.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pylsl==1.18.6
printf '[multicast]\nResolveScope = machine\n[log]\nlevel = -3\n' >lsl_api.cfg
cat >wrap.py <<'EOF'
import os
import sys
from importlib.metadata import version

import pylsl

SENT = {"int8": 200, "int16": 40_000, "int32": 2**31, "float32": 1e39}


def received(form, value):
    source = f"wrap-{os.getpid()}-{form}"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(source, "Markers", 1, 0, form, source))
    found = pylsl.resolve_byprop("source_id", source, timeout=20)
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=20)
    outlet.push_sample([value])
    sample, _ = inlet.pull_sample(timeout=20)
    inlet.close_stream()
    return sample[0]


print("pylsl", version("pylsl"), "liblsl", pylsl.library_version())
got = {form: received(form, value) for form, value in SENT.items()}
for form, value in SENT.items():
    print(f"{form}: {value} was sent, {got[form]} received")
if got != {"int8": -56, "int16": -25_536, "int32": -(2**31), "float32": float("inf")}:
    sys.exit("CHANGED")
EOF
LSLAPICFG=$folder/lsl_api.cfg venv/bin/python wrap.py
