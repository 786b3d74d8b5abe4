#!/bin/sh
# wyoming's AudioChunkConverter folds what lies above 8 kHz into the voice when it goes from 48 to 16 kHz.
#
# It calls audioop.ratecv, which interpolates between samples and filters nothing. A tone of 11 kHz at 48 kHz
# comes out at 5 kHz with its full level, one of 20 kHz at 4 kHz. Fans, lamps and sibilants have such parts:
# spectra of what was converted hold bands that nobody spoke. A resampler with a filter, soxr for instance,
# leaves less than a thousandth of it.
#
# Seen with: wyoming 1.10.2, soxr 1.1.0, numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: resample by soxr before the converter, or record at 16 kHz.
set -eu
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' ||
    { echo "needs python3 to be 3.11 or 3.12, which have audioop" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check wyoming==1.10.2 soxr==1.1.0 numpy==2.2.6
cat >aliases.py <<'EOF'
import sys
from importlib.metadata import version

import numpy as np
import soxr
from wyoming.audio import AudioChunk, AudioChunkConverter

FROM, TO, PEAK = 48_000, 16_000, 0.5


def strongest(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) * 4 / len(samples)
    index = int(np.argmax(spectrum))
    return index * TO / len(samples), float(spectrum[index]) / PEAK


print("wyoming", version("wyoming"), "soxr", soxr.__version__)
found = {}
for tone_hz in (1_000, 11_000, 20_000):
    tone = PEAK * np.sin(2 * np.pi * tone_hz * np.arange(FROM) / FROM)
    chunk = AudioChunk(rate=FROM, width=2, channels=1, audio=(tone * 32_767).astype("<i2").tobytes())
    out = AudioChunkConverter(rate=TO, width=2, channels=1).convert(chunk)
    hertz, share = strongest(np.frombuffer(out.audio, "<i2") / 32_768)
    _, filtered = strongest(soxr.resample(tone, FROM, TO))
    found[tone_hz] = round(hertz), share, filtered
    print(f"{tone_hz:5} Hz comes out at {hertz:.0f} Hz, {share:.3f} of its level; soxr {filtered:.4f}")
if (
    [hertz for hertz, _, _ in found.values()] != [1_000, 5_000, 4_000]
    or any(share < 0.98 for _, share, _ in found.values())
    or any(found[tone_hz][2] > 0.001 for tone_hz in (11_000, 20_000))
):
    sys.exit("CHANGED")
EOF
venv/bin/python -W ignore::DeprecationWarning aliases.py
