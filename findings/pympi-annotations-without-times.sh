#!/bin/sh
# pympi-ling loses ELAN's annotations without times when it makes a TextGrid, and does not say so.
#
# In a tier of the type Time Subdivision only the ends of the whole need a time. ELAN writes a TIME_SLOT
# without TIME_VALUE for a border inside, which the format allows, and shows it evenly spread. pympi gives
# None for such a border, and its to_textgrid leaves out each annotation that has one: three words between
# 0 and 3 s become one empty interval. Questions about times, such as what lies between two, end in a
# TypeError.
#
# Seen with: pympi-ling 1.71, Python 3.11, Linux x86-64.
# The way round: first spread the entries of eaf.timeslots that are None evenly between those with a time.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pympi-ling==1.71
cat >subdivision.py <<'EOF'
import sys
from importlib.metadata import version

from pympi.Elan import Eaf

WORDS = ["one", "two", "three"]
SLOTS = [0, None, None, 3000]


def document(slots):
    times = ["" if slot is None else f' TIME_VALUE="{slot}"' for slot in slots]
    rows = [f'<TIME_SLOT TIME_SLOT_ID="ts{i}"{time}/>' for i, time in enumerate(times)]
    words = [
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{i}" TIME_SLOT_REF1="ts{i}"'
        f' TIME_SLOT_REF2="ts{i + 1}"><ANNOTATION_VALUE>{word}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for i, word in enumerate(WORDS)
    ]
    return (
        '<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">'
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>'
        f"<TIME_ORDER>{''.join(rows)}</TIME_ORDER>"
        f'<TIER LINGUISTIC_TYPE_REF="parts" TIER_ID="words">{"".join(words)}</TIER>'
        '<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="parts" TIME_ALIGNABLE="true"'
        ' GRAPHIC_REFERENCES="false" CONSTRAINTS="Time_Subdivision"/>'
        '<CONSTRAINT DESCRIPTION="parts of a whole" STEREOTYPE="Time_Subdivision"/>'
        "</ANNOTATION_DOCUMENT>"
    )


def texts(slots):
    with open("x.eaf", "w") as file:
        file.write(document(slots))
    eaf = Eaf("x.eaf")
    tiers = eaf.to_textgrid().get_tiers()
    return eaf, [text for tier in tiers for _, _, text in tier.get_all_intervals()]


print("pympi-ling", version("pympi-ling"))
eaf, lost = texts(SLOTS)
print("annotations:", eaf.get_annotation_data_for_tier("words"))
print("as a TextGrid:", lost)
try:
    question = str(eaf.get_annotation_data_between_times("words", 0, 3000))
except TypeError as error:
    question = f"TypeError: {error}"
print("between 0 and 3 s:", question)
_, kept = texts([0, 1000, 2000, 3000])
print("with all times, as a TextGrid:", kept)
if lost != [""] or kept != WORDS or not question.startswith("TypeError"):
    sys.exit("CHANGED")
EOF
venv/bin/python subdivision.py
