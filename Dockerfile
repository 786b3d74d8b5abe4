# syntax=docker/dockerfile:1
# emotiond in a container, for linux/amd64 and linux/arm64: see docs/container.md.
# The Python is the one of Debian 12, so that 'make fresh ROOT=container' can run each step.

FROM python:3.11-slim-bookworm AS build
# Of ALSA's plug-ins, the one for PulseAudio: the whole package brings FFmpeg.
WORKDIR /plugins
RUN apt-get update \
    && apt-get download libasound2-plugins \
    && dpkg-deb --extract libasound2-plugins_*.deb sound \
    && find sound \( -name "*.conf" -o -name "*.so" \) ! -name "*pulse*" -delete \
    && rm -rf sound/usr/share/doc /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python3 -m venv /opt/emotiond \
    && /opt/emotiond/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/emotiond/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# PortAudio; what tells microphones from monitors at a sound server; what confines the decoder.
# Their versions are those of Debian 12.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libportaudio2 libseccomp2 pulseaudio-utils \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --groups audio --create-home --home-dir /var/lib/emotiond \
        --shell /usr/sbin/nologin emotiond
COPY --from=build /plugins/sound /
COPY --from=build /opt/emotiond /opt/emotiond
ENV PATH=/opt/emotiond/bin:$PATH XDG_DATA_HOME=/var/lib
USER 10001
WORKDIR /var/lib/emotiond
VOLUME /var/lib/emotiond
EXPOSE 8765
# An answer is health: a missing microphone is waited for, and no reason to start anew. No proxy is
# asked, though Docker hands the user's to each container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "import os, urllib.request as web; web.build_opener(web.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('EMOTIOND_PORT', '8765') + '/healthz', timeout=4)"]
ENTRYPOINT ["emotiond"]
