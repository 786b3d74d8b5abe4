#!/bin/sh
# tgt cuts a label of a long TextGrid off at an equals sign, and loses a character before it.
#
# It splits each line of Praat's long text format at " = " and takes the second part for the value. A
# label that holds an equals sign between spaces has a third part: "F0 = 210 Hz" becomes "F", and
# "x = 1" becomes an empty text, which then counts as no label at all. Nothing is raised. The short
# format, which has no names of fields, is read right, and so is a sign without spaces, "happy=0.8".
#
# Seen with: tgt 1.5, praat-parselmouth 0.4.7 (Praat 6.1.38) for the files, Python 3.11, Linux x86-64.
# The way round: have Praat save the short text format.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check tgt==1.5 praat-parselmouth==0.4.7
cat >labels.py <<'EOF'
import sys
from importlib.metadata import version

import parselmouth
import tgt
from parselmouth.praat import call

LABELS = ["F0 = 210 Hz", "x = 1", "happy=0.8"]


def read(path):
    tier = tgt.read_textgrid(path, include_empty_intervals=True).tiers[0]
    return [interval.text for interval in tier]


print(f"tgt {version('tgt')}, Praat {parselmouth.PRAAT_VERSION}")
grid = call("Create TextGrid", 0, len(LABELS), "emotion", "")
for number, label in enumerate(LABELS, 1):
    if number > 1:
        call(grid, "Insert boundary", 1, number - 1)
    call(grid, "Set interval text", 1, number, label)
call(grid, "Save as text file", "long.TextGrid")
call(grid, "Save as short text file", "short.TextGrid")
print("written by Praat:", LABELS)
print("long format:     ", long := read("long.TextGrid"))
print("short format:    ", short := read("short.TextGrid"))
if long != ["F", "", "happy=0.8"] or short != LABELS:
    sys.exit("CHANGED")
EOF
venv/bin/python labels.py
