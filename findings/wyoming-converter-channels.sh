#!/bin/sh
# wyoming's AudioChunkConverter makes noise of a microphone array, and clips stereo, where mono is wanted.
#
# It asks audioop to make mono of two channels, whatever number of channels the chunk has. Of four channels,
# as arrays for voice assistants have, come twice as many samples as time has passed, at the wanted rate: the
# sound is an octave too low and each sample is a sum of two microphones by turns. Six channels give three
# times as many. Two channels are added, not averaged: the level rises by 6 dB, and what is above half of
# full scale clips. Nothing is raised.
#
# Seen with: wyoming 1.10.2, numpy 2.2.6, Python 3.11, Linux x86-64.
# The way round: mix down before the converter, by the mean over the channels.
set -eu
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' ||
    { echo "needs python3 to be 3.11 or 3.12, which have audioop" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check wyoming==1.10.2 numpy==2.2.6
cat >channels.py <<'EOF'
import sys
from importlib.metadata import version

import numpy as np
from wyoming.audio import AudioChunk, AudioChunkConverter

RATE, PEAK, TONE_HZ = 16_000, 0.7, 440.0


def converted(channels):
    tone = PEAK * np.sin(2 * np.pi * TONE_HZ * np.arange(RATE) / RATE)
    sound = np.repeat((tone * 32_767).astype("<i2")[:, None], channels, axis=1)
    chunk = AudioChunk(rate=RATE, width=2, channels=channels, audio=sound.tobytes())
    mono = AudioChunkConverter(rate=RATE, width=2, channels=1).convert(chunk)
    samples = np.frombuffer(mono.audio, "<i2") / 32_768
    spectrum = np.abs(np.fft.rfft(samples))
    hertz = float(np.argmax(spectrum) * mono.rate / len(samples))
    clipped = float(np.mean(np.abs(samples) > 0.999))
    return len(samples) / mono.rate, hertz, clipped


print("wyoming", version("wyoming"))
print(f"in: 1 s of {TONE_HZ:g} Hz, peak {PEAK}; out, as mono:")
found = {channels: converted(channels) for channels in (1, 2, 4, 6)}
for channels, (seconds, hertz, clipped) in found.items():
    print(f"{channels} channels: {seconds:g} s, {hertz:.0f} Hz, {clipped:.0%} of the samples clipped")
if (
    [seconds for seconds, _, _ in found.values()] != [1, 1, 2, 3]
    or [round(hertz) for _, hertz, _ in found.values()] != [440, 440, 220, 147]
    or found[1][2] != 0
    or found[2][2] < 0.3
):
    sys.exit("CHANGED")
EOF
venv/bin/python -W ignore::DeprecationWarning channels.py
