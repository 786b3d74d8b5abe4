#!/bin/sh
# A universal lock of ai-edge-litert made by uv cannot be installed on Python 3.11 or newer.
#
# ai-edge-litert 2.3.0 depends on backports.strenum without a marker. Releases 1.3 and 1.3.1 of that
# package are for Python below 3.11 (Requires-Python: >=3.8.6,<3.11), 1.2.8 is for all. pip heeds
# that and takes 1.2.8 on Python 3.11. uv 0.13.9 heeds no upper bound of Requires-Python in a
# universal resolution from Python 3.10 on, so that its lock names 1.3.1 for every Python, with no
# marker for the version, and pip refuses the lock.
#
# Seen with: uv 0.13.9, pip 25.3, ai-edge-litert 2.3.0, Python 3.11, Linux x86-64.
# The way round: a constraint, backports-strenum<1.3; python_version >= "3.11".
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 pip==25.3
echo 'ai-edge-litert==2.3.0' >in.txt
venv/bin/uv pip compile --quiet --universal --python-version 3.10 --no-annotate in.txt -o lock.txt \
    >/dev/null

line=$(grep '^backports-strenum==' lock.txt)
echo "uv locks: $line"
case $line in
    *python*) echo "CHANGED: the lock tells Pythons apart" >&2; exit 1 ;;
    'backports-strenum==1.3.1'*) ;;
    *) echo "CHANGED: the lock names another release" >&2; exit 1 ;;
esac

if venv/bin/python -m pip install --dry-run --no-deps --disable-pip-version-check -r lock.txt \
    >pip.txt 2>&1; then
    echo "CHANGED: pip installs the lock" >&2
    exit 1
fi
grep 'No matching distribution found for backports-strenum' pip.txt

venv/bin/python -m pip install --dry-run --disable-pip-version-check --quiet --report report.json \
    ai-edge-litert==2.3.0 2>/dev/null
venv/bin/python - <<'EOF'
import json
found = {item["metadata"]["name"]: item["metadata"]["version"]
         for item in json.load(open("report.json"))["install"]}
print("pip alone takes: backports.strenum", found["backports.strenum"])
assert found["backports.strenum"].startswith("1.2."), "CHANGED"
EOF
