# Everything that this project needs is set up by the targets themselves, in .venv.

PYTHON ?= python3
VENV := .venv
TFLITE_VENV := .venv-tflite-runtime
PIP := -m pip install --quiet --disable-pip-version-check
# 32-bit Raspberry Pi OS runs on a 64-bit kernel, which tells pip of a machine that it is not.
AS_32_BIT := $(shell $(PYTHON) -c 'import platform, struct; print("linux32" if \
	struct.calcsize("P") == 4 and platform.machine() == "aarch64" else "")')
PACKAGING := setup.cfg pyproject.toml
# What 'make run' passes on, such as ARGS="--source demo --model lite".
ARGS ?=
BENCH_ARGS ?=
# Two files at a time: most tests wait for something. In CI a skipped test is a failure.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder $(if $(CI),--no-skips)

.PHONY: run test lint audit bench clean

run: $(VENV)/run.stamp
	@$(VENV)/bin/emotiond $(ARGS)

test: $(VENV)/test.stamp $(TFLITE_VENV)/test.stamp
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)
	@if [ -x $(TFLITE_VENV)/bin/pytest ]; then \
		echo "Once more, with tflite-runtime:"; \
		$(TFLITE_VENV)/bin/python -m pytest -m "not system" $(PYTEST_ARGS) \
			tests/dsp tests/inference tests/streamer; \
	else cat $(TFLITE_VENV)/test.stamp; fi

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/bandit --quiet --ini setup.cfg --recursive streamer dsp inference clients models

# Asks PyPI for known weaknesses of what is installed; what cannot be asked for is an error, too.
audit: $(VENV)/run.stamp
	$(AS_32_BIT) $(VENV)/bin/python $(PIP) -e '.[audit]'
	$(VENV)/bin/python -m pip freeze --local --exclude-editable | \
		$(VENV)/bin/pip-audit --strict --no-deps --disable-pip --requirement /dev/stdin

# Ten minutes; what it finds is written to benchmarks/. BENCH_ARGS="--quick latency" tries one.
bench: $(VENV)/bench.stamp
	$(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

clean:
	rm -rf $(VENV) $(TFLITE_VENV) build dist *.egg-info

$(VENV)/run.stamp: $(PACKAGING)
	@PYTHON=$(PYTHON) tools/need venv portaudio sndfile
	$(PYTHON) -m venv $(VENV)
	$(AS_32_BIT) $(VENV)/bin/python $(PIP) -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@PYTHON=$(PYTHON) tools/need pulseaudio chromium
	$(AS_32_BIT) $(VENV)/bin/python $(PIP) -e '.[test,train]'
	@touch $@

$(VENV)/bench.stamp: $(VENV)/run.stamp
	@PYTHON=$(PYTHON) tools/need pulseaudio chromium
	$(AS_32_BIT) $(VENV)/bin/python $(PIP) -e '.[bench,test]'
	@touch $@

# The older interpreter has wheels up to Python 3.11: elsewhere its tests are left out, and said so.
$(TFLITE_VENV)/test.stamp: $(VENV)/run.stamp tests/tflite-runtime.txt
	@mkdir -p $(TFLITE_VENV)
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
		set -e -x; \
		$(PYTHON) -m venv $(TFLITE_VENV); \
		$(TFLITE_VENV)/bin/python $(PIP) -r tests/tflite-runtime.txt; \
		$(TFLITE_VENV)/bin/python $(PIP) --no-deps -e .; \
		touch $@; \
	else \
		echo "left out: tflite-runtime has no wheel for this Python (3.11 and older have)" > $@; \
	fi
