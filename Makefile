# Everything that this project needs is set up by the targets themselves, in .venv.

PYTHON ?= python3
# lock, newest or lowest: see tools/install.
VERSIONS ?= lock
VENV := .venv$(if $(filter lock,$(VERSIONS)),,-$(VERSIONS))
TFLITE_VENV := .venv-tflite-runtime
PACKAGING := setup.cfg pyproject.toml tools/install tools/need $(wildcard requirements/*.txt)
# What the package emotiond has, of all that lies here.
PACKAGE := __init__.py __main__.py exceptions.py clients dsp inference models streamer
# The same under its name, for mypy: see setup.cfg.
TYPED := build/mypy/emotiond
# What 'make run' passes on, such as ARGS="--source demo --model lite".
ARGS ?=
BENCH_ARGS ?=
# In CI a skipped test is a failure.
FILES_AT_A_TIME := --dist loadfile --no-loadscope-reorder $(if $(CI),--no-skips)
# Five files at a time, on two cores: most tests wait for something. A browser waits for nothing.
PYTEST_ARGS ?= -n 5 $(FILES_AT_A_TIME)
BROWSER_ARGS ?= -n 2 $(FILES_AT_A_TIME)
# What the interpreter and its older numpy can change: the way from sound to events, and the modules
# elsewhere that import either. tests/test_structure.py holds this list to them. PyAV is not there, nor is
# Playwright.
TFLITE := -m "not system and not peers" --ignore-glob='*/readers/test_stream_*.py' \
	--ignore-glob='*/readers/test_rtp_*.py' --ignore-glob='*/readers/test_media_*.py' \
	--ignore-glob='*/report/test_page.py' tests/dsp tests/inference \
	$(addprefix tests/streamer/,audio offline readers report streams test_api.py test_interpreter_check.py \
	test_profiles.py batch/test_selection.py daemon/test_app.py daemon/test_preparing.py past/test_kept_stream.py protocol/test_columns.py protocol/test_events.py \
	$(patsubst %,sources/test_%.py,arrays capture live_writer microphone standard_input) uploads/test_upload_source.py)
# The part that meets the packages which the daemon needs: sound in, models, sockets, files.
FAST := -m "not system and not peers" tests/dsp tests/inference \
	$(addprefix tests/streamer/,audio outputs server sources test_interpreter_check.py)

# For each target of 'make fuzz', which python -m tests.fuzz knows.
SECONDS ?= 60
FUZZED := messages cards profiles settings recordings connections
# Of sound, in 'make soak'.
HOURS ?= 24

.PHONY: run test test-fast test-peers test-making lint site audit sbom dist bench pictures fuzz soak fresh lock clean

run: $(VENV)/run.stamp
	@$(VENV)/bin/emotiond $(ARGS)

test: $(VENV)/test.stamp $(TFLITE_VENV)/test.stamp
	$(VENV)/bin/python -m pytest -m "not peers and not browser and not making" $(PYTEST_ARGS)
	@if [ -x $(TFLITE_VENV)/bin/pytest ]; then \
		echo "Once more, with tflite-runtime:"; \
		$(TFLITE_VENV)/bin/python -m pytest $(PYTEST_ARGS) $(TFLITE); \
	else echo "Left out: tflite-runtime has no wheel for this Python (3.11 and older have)"; fi

# Run where versions change; takes a minute or two.
test-fast: $(VENV)/test.stamp
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS) $(FAST)

# What needs foreign servers, from packages that are unpacked into a temporary folder (Debian), and
# Home Assistant, if there is a Python 3.13; then the page in a browser.
test-peers: $(VENV)/test.stamp
	tools/with-peers tools/with-home-assistant $(VENV)/bin/python -m pytest -m peers $(PYTEST_ARGS)
	$(VENV)/bin/python -m pytest -m "browser and not peers" $(BROWSER_ARGS)

# How models and packages are made.
test-making: $(VENV)/test.stamp
	$(VENV)/bin/python -m pytest -m making $(PYTEST_ARGS)

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	@mkdir -p $(TYPED)
	@ln -sfn $(addprefix ../../../,$(PACKAGE)) $(TYPED)/
	$(VENV)/bin/mypy
	$(VENV)/bin/bandit --quiet --ini setup.cfg --recursive $(PACKAGE)

# The documentation as a site, in build/site/; any warning, such as of a broken link, is an error.
site: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict

# Asks PyPI for known weaknesses of what is installed; what cannot be asked for is an error, too.
# "Error 69" means that PyPI gave no answer.
audit: $(VENV)/audit.stamp
	@$(VENV)/bin/python -m pip freeze --local --exclude-editable | $(VENV)/bin/python tools/audit

# What the daemon installs, with hashes and licences, and the models: CycloneDX, in dist/.
sbom: $(VENV)/audit.stamp
	@$(VENV)/bin/python tools/sbom dist

# The source distribution and the wheel, in dist/, the same bytes wherever they are built.
dist: $(VENV)/audit.stamp
	@$(VENV)/bin/python tools/dist dist

sbom dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)

# 55 minutes; what it finds is written to benchmarks/. BENCH_ARGS="--quick latency" tries one.
bench: $(VENV)/bench.stamp
	tools/with-peers $(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

# The page as README shows it, in docs/images/; after a change of what it looks like.
pictures: $(VENV)/bench.stamp
	$(VENV)/bin/python -m benchmarks.pictures

# Led by coverage (Linux on x86-64). What it finds stays in build/fuzz/, and the next run goes on there.
fuzz: $(VENV)/test.stamp $(VENV)/fuzz.stamp
	@for target in $(FUZZED); do \
		$(VENV)/bin/python -m tests.fuzz $$target --seconds $(SECONDS) || exit 1; \
	done

# Sound at full speed while clients of all kinds come and go: no growth, no hole, no line in the log.
soak: $(VENV)/test.stamp
	$(VENV)/bin/python -m tests.soak --hours $(HOURS)

# The two commands of the README, and .ci/run, on a machine that has nothing: see CONTRIBUTING.md.
fresh:
	tools/fresh $(ROOT)

# Resolves the versions anew, after a change in setup.cfg or when newer ones are wanted.
lock:
	tools/lock

clean:
	rm -rf .venv .venv-* build dist *.egg-info

# On failure the sentence of tools/install, with the remedy, is make's own last line.
install = $(if $(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),,$(call checked,$(shell \
	PYTHON='$(PYTHON)' tools/install $(1))))
checked = $(if $(1),$(error $(1)))

$(VENV)/%.stamp: $(PACKAGING)
	$(call install,$(VENV) $* $(VERSIONS))
	@touch $@

$(TFLITE_VENV)/test.stamp: $(PACKAGING)
	$(call install,$(TFLITE_VENV) tflite-runtime)
	@mkdir -p $(@D) && touch $@
