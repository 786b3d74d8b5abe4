#!/bin/sh
# webvtt-py gives the text of a cue without its tags, but with its escapes.
#
# In WebVTT, "&" and "<" are written "&amp;" and "&lt;". Caption.text is the text without the tags such
# as <v Anna>, which looks like what a viewer sees; but "R&amp;B &lt;3" stays as it is written. The other way
# round, a text with "&" or "<" goes into the file unescaped: what looks like a tag is gone when it is read.
#
# Seen with: webvtt-py 0.6.0, Python 3.11, Linux x86-64.
# The way round: html.unescape(caption.text) after reading, html.escape(text, quote=False) before writing.
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "needs python3 to be 3.10 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check webvtt-py==0.6.0
cat >cues.py <<'EOF'
import sys
from importlib.metadata import version

import webvtt

print("webvtt-py", version("webvtt-py"))
with open("x.vtt", "w") as file:
    file.write("WEBVTT\n\n00:00.000 --> 00:01.000\n<v Anna>R&amp;B &lt;3\n")
(read,) = webvtt.read("x.vtt")
print("of <v Anna>R&amp;B &lt;3, text is", read.text)
made = webvtt.WebVTT()
made.captions.append(webvtt.Caption("00:00:00.000", "00:00:01.000", "she said <quietly> no"))
made.save("y.vtt")
(again,) = webvtt.read("y.vtt")
print("of 'she said <quietly> no', saved and read again, text is", repr(again.text))
if read.text != "R&amp;B &lt;3" or "quietly" in again.text:
    sys.exit("CHANGED")
EOF
venv/bin/python cues.py
