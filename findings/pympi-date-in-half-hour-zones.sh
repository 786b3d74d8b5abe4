#!/bin/sh
# pympi-ling writes a date that is none into ELAN's files where the time zone has half hours.
#
# The offset is hours and the seconds that remain, not the minutes: India's +05:30 becomes +05:1800, and
# Nepal's +05:45 becomes +05:2700. West of Greenwich the hour is wrong as well: Newfoundland's -03:30
# becomes -04:1800. The schema of the format wants xs:dateTime there, so every file that is made in such a
# zone is invalid. Zones of whole hours are right.
#
# Seen with: pympi-ling 1.71, Python 3.11, Linux x86-64.
# The way round: eaf.adocument["DATE"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pympi-ling==1.71
cat >dates.py <<'EOF'
import os
import re
import sys
import time
from importlib.metadata import version

from pympi.Elan import Eaf, to_string

print("pympi-ling", version("pympi-ling"))
# The offsets are those of POSIX, where the sign is the other way round: no zone files are needed.
for name, zone, wanted in (
    ("whole hours", "EET-2", "+02:00"),
    ("India", "IST-5:30", "+05:1800"),
    ("Nepal", "NPT-5:45", "+05:2700"),
    ("Newfoundland", "NST3:30", "-04:1800"),
):
    os.environ["TZ"] = zone
    time.tzset()
    date = re.search('DATE="([^"]*)"', to_string(Eaf()))[1]
    print(f"{name}, UTC{time.strftime('%z')}: DATE=\"{date}\"")
    if not date.endswith(wanted):
        sys.exit("CHANGED")
EOF
venv/bin/python dates.py
