#!/bin/sh
# openSMILE's eGeMAPS gives the same sound another loudness at another sample rate: 2.4 times at 48 kHz.
#
# A sound of harmonics below 3.5 kHz is the same at 8, 16 and 48 kHz, and its level, pitch and harmonics to
# noise hardly differ. Its mean loudness is 1.43, 1.93 and 3.48, its spectral flux 0.09, 0.15 and 0.51.
# So where corpora of different rates are put together, loudness tells the corpus, and a classifier can
# learn the rate for the emotion. Nothing warns of it: sound of any rate is taken as it is.
#
# Seen with: opensmile 2.6.0 (eGeMAPSv02, functionals), numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: bring all sound to one rate first, for instance Smile(..., sampling_rate=16000,
# resample=True).
set -eu
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "needs python3 to be 3.11 or newer" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check opensmile==2.6.0 numpy==2.2.6
cat >rates.py <<'EOF'
import sys
from importlib.metadata import version

import numpy as np
import opensmile

FEATURES = {
    "loudness": "loudness_sma3_amean",
    "flux": "spectralFlux_sma3_amean",
    "level dB": "equivalentSoundLevel_dBp",
    "pitch": "F0semitoneFrom27.5Hz_sma3nz_amean",
    "HNR": "HNRdBACF_sma3nz_amean",
}


def analyzed(rate, **settings):
    smile = opensmile.Smile(
        opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, **settings
    )
    seconds = np.arange(3 * rate) / rate
    sound = sum(0.25 / k * np.sin(2 * np.pi * 150 * k * seconds + k) for k in range(1, 23))
    features = smile.process_signal(sound.astype(np.float32), rate)
    return {name: float(features[column].iloc[0]) for name, column in FEATURES.items()}


print(f"opensmile {version('opensmile')}, numpy {np.__version__}")
found = {}
for rate in (8_000, 16_000, 48_000):
    found[rate] = analyzed(rate)
    print(f"{rate:6} Hz:", ", ".join(f"{k} {v:.2f}" for k, v in found[rate].items()))
resampled = analyzed(48_000, sampling_rate=16_000, resample=True)
print(" 48 to 16:", ", ".join(f"{k} {v:.2f}" for k, v in resampled.items()))
ratios = {name: found[48_000][name] / found[8_000][name] for name in FEATURES}
if (
    not 2.3 < ratios["loudness"] < 2.6
    or ratios["flux"] < 5
    or any(abs(ratios[name] - 1) > 0.06 for name in ("level dB", "pitch", "HNR"))
    or abs(resampled["loudness"] / found[16_000]["loudness"] - 1) > 0.03
):
    sys.exit("CHANGED")
EOF
venv/bin/python rates.py
