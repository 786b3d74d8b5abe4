#!/bin/sh
# Praat opens a TextGrid whose intervals leave a gap without a word, and in the gap shows the next label.
#
# The intervals of a tier have to touch: what has no label is an interval with an empty text. Programs
# that write only the intervals with a label leave gaps. Praat reads them, and saves them again. Asked
# for the interval at a time in the gap, it names the one after it, so a pause counts as the label that
# follows. An interval of no length, as rounding makes them, hides the one after it: at its times, Praat
# names the interval after that.
#
# Seen with: praat-parselmouth 0.4.7 (Praat 6.1.38), Python 3.11, Linux x86-64.
# The way round: write every interval from 0 to the end, and drop those that are empty after rounding.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check praat-parselmouth==0.4.7
cat >gap.py <<'EOF'
import sys

import parselmouth
from parselmouth.praat import call


def opened(*intervals):
    end = intervals[-1][1]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(end)]
    lines += ["<exists>", "1", '"IntervalTier"', '"emotion"', "0", str(end), str(len(intervals))]
    for start, stop, label in intervals:
        lines += [str(start), str(stop), f'"{label}"']
    with open("x.TextGrid", "w") as file:
        file.write("\n".join(lines) + "\n")
    return parselmouth.read("x.TextGrid")


def label_at(grid, seconds):
    number = int(call(grid, "Get interval at time", 1, seconds))
    return number and call(grid, "Get label of interval", 1, number)


print(f"praat-parselmouth {parselmouth.__version__}, Praat {parselmouth.PRAAT_VERSION}")
gap = opened((0, 1, "calm"), (3, 4, "angry"))
print("calm from 0 to 1 s, angry from 3 to 4 s: at 2 s, where there is nothing,", label_at(gap, 2.0))
call(gap, "Save as short text file", "saved.TextGrid")
saved = parselmouth.read("saved.TextGrid")
starts = [call(saved, "Get start time of interval", 1, number) for number in (1, 2)]
print("saved and read again, the intervals start at", *starts)
empty = opened((0, 1, "calm"), (1, 1, "sad"), (1, 2, "angry"), (2, 3, "happy"))
found = [label_at(empty, seconds) for seconds in (0.5, 1.5, 2.5)]
print("calm, sad of no length, angry, happy: at 0.5, 1.5 and 2.5 s", *found)
if label_at(gap, 2.0) != "angry" or starts != [0, 3] or found != ["calm", "happy", "happy"]:
    sys.exit("CHANGED")
EOF
venv/bin/python gap.py
