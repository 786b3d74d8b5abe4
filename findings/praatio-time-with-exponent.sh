#!/bin/sh
# praatio does not read a long TextGrid in which Praat wrote a time with an exponent, or a negative one.
#
# Praat writes times below 0.0001 s as 1e-05. praatio finds the times of the long text format by a
# pattern of digits and a full stop, and raises "Expected field in Textgrid missing". It wrote such a file
# itself: a boundary at 0.00005 s is saved as 5e-05, and what was saved cannot be opened again. A tier that
# begins before zero, as in a piece that was cut out with its times kept, meets the same. The short text
# format of the same tiers is read right.
#
# Seen with: praatio 6.2.2, praat-parselmouth 0.4.7 (Praat 6.1.38), Python 3.11, Linux x86-64.
# The way round: save the short text format, or keep boundaries away from zero by 0.1 ms.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check praatio==6.2.2 praat-parselmouth==0.4.7
cat >times.py <<'EOF'
import sys
from importlib.metadata import version

import parselmouth
from parselmouth.praat import call
from praatio import textgrid


def read(path):
    try:
        grid = textgrid.openTextgrid(path, includeEmptyIntervals=True)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return [tuple(entry) for entry in grid.tiers[0].entries]


print(f"praatio {version('praatio')}, Praat {parselmouth.PRAAT_VERSION}")
found = {}
for start, boundary in ((0, 0.5), (0, 0.00001), (-1, -0.5)):
    grid = call("Create TextGrid", start, 3, "emotion", "")
    call(grid, "Insert boundary", 1, boundary)
    call(grid, "Set interval text", 1, 1, "calm")
    for form in ("text", "short text"):
        call(grid, f"Save as {form} file", "x.TextGrid")
        found[boundary, form] = read("x.TextGrid")
        print(f"by Praat, boundary at {boundary} s, {form}: {found[boundary, form]}")
entries = [(0.0, 0.00005, "calm"), (0.00005, 3.0, "")]
own = textgrid.Textgrid(0.0, 3.0)
own.addTier(textgrid.IntervalTier("emotion", entries, 0.0, 3.0))
own.save("own.TextGrid", "long_textgrid", includeBlankSpaces=False, minimumIntervalLength=None)
print("by praatio, boundary at 0.00005 s:", read("own.TextGrid"))
missing = "ParsingError: Expected field in Textgrid missing."
if (
    {key for key, value in found.items() if value == missing} != {(0.00001, "text"), (-0.5, "text")}
    or found[-0.5, "short text"] != [(-1.0, -0.5, "calm"), (-0.5, 3.0, "")]
    or read("own.TextGrid") != missing
):
    sys.exit("CHANGED")
EOF
venv/bin/python times.py
