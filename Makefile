# One command each: `make demo` runs the lane on simulated devices, `make test` checks everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test lint types contracts unit coverage oracle setup setup-dev lock bench museum search clean help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV) || { echo "no venv module: on Debian and Ubuntu, apt-get install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/.ready-run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready-run
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

setup: $(VENV)/.ready-run  ## environment to run the lane
setup-dev: $(VENV)/.ready-dev  ## environment to develop it

demo: $(VENV)/.ready-run  ## the whole lane on simulated devices, 60 parcels
	$(BIN)/lane demo

lint: $(VENV)/.ready-dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready-dev  ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.ready-dev  ## who may import whom
	$(BIN)/lint-imports

unit: $(VENV)/.ready-dev  ## all tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# In one process, without the tests that kill others or measure the wall clock of a whole rack.
NEAREST := tests/lane/core tests/lane/draw tests/lane/journal $(addprefix tests/devices/test_, \
	envelope.py gate_permits.py io_image.py io_signals.py lane_io.py link_failures.py link_rules.py \
	serial_devices.py serial_link.py watchdog_proof.py wire_client.py)
coverage: $(VENV)/.ready-dev  ## every branch of the safety-critical modules, by the tests nearest to them
	mkdir -p build
	$(BIN)/coverage run -m pytest --deselect tests/lane/journal/test_kill.py $(NEAREST)
	$(BIN)/coverage report

test: lint types contracts unit coverage  ## everything

oracle: $(VENV)/.ready-dev  ## simulation against theory, all replications
	$(BIN)/pytest -m oracle

bench: $(VENV)/.ready-dev  ## benchmarks: print figures with their conditions
	for file in tests/bench/bench_*.py; do $(BIN)/python $$file || exit 1; done

museum: $(VENV)/.ready-run  ## deliberate bugs: does the fault search find each? (hours on two cores)
	$(BIN)/lane sim museum --parcels 100000 --workers $(WORKERS) --mode mixed --mode swarm --mode all-on

PARCELS ?= 2000000
SEED ?= 1
search: $(VENV)/.ready-run  ## fault search: PARCELS=2000000 SEED=1 (about half an hour on two idle cores)
	$(BIN)/lane sim search --parcels $(PARCELS) --seed $(SEED) --workers $(WORKERS) --json search-$(SEED).json

lock: $(VENV)/.ready-dev  ## renew both lock files (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build *.egg-info
