#!/bin/sh
# textgrid does not read the short text format of a TextGrid with points: it leaves a line out before each.
#
# In the long format a line "points [1]:" stands before each point. The short format has no such line.
# textgrid heeds that for intervals, not for points: there it takes the label for the time, and ends in an
# AttributeError or a TypeError, by what follows. Praat saves either format, and changes of a label make a
# tier of points.
#
# Seen with: textgrid 1.6.1, praat-parselmouth 0.4.7 (Praat 6.1.38) for the files, Python 3.11, Linux x86-64.
# The way round: have Praat save the long text format.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check textgrid==1.6.1 praat-parselmouth==0.4.7
cat >points.py <<'EOF'
import sys
from importlib.metadata import version

import parselmouth
import textgrid
from parselmouth.praat import call


def read(path):
    try:
        return [(tier.name, [item.mark for item in tier]) for tier in textgrid.TextGrid.fromFile(path)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


print(f"textgrid {version('textgrid')}, Praat {parselmouth.PRAAT_VERSION}")
found = {}
for kind, points in (("intervals", ""), ("intervals and points", "change")):
    grid = call("Create TextGrid", 0, 3, f"emotion {points}", points)
    call(grid, "Set interval text", 1, 1, "calm")
    if points:
        call(grid, "Insert point", 2, 0.5, "happy")
    for form in ("text", "short text"):
        call(grid, f"Save as {form} file", "x.TextGrid")
        found[kind, form] = read("x.TextGrid")
        print(f"{kind}, {form}: {found[kind, form]}")
failed = {key for key, value in found.items() if str(value).startswith("AttributeError")}
if failed != {("intervals and points", "short text")}:
    sys.exit("CHANGED")
EOF
venv/bin/python points.py
