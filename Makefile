# Clinstat. `make` lists what can be done; only Python >= 3.11 and make are assumed.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
export OPENBLAS_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help setup browser redis run test test-fast test-browser fault-long check fix bench bench-peers pins clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/ready ## make .venv with the pinned packages

.venv/ready: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Clinstat needs Python 3.11 or newer (PYTHON=... chooses one)."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements.txt -r requirements-dev.txt
	touch $@

browser: ## install Chromium for the browser tests where it is missing (Debian, root)
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || { \
	  echo "Installing Chromium for the browser tests"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "Chromium could not be installed; the browser tests will fail and say so."

redis: ## install redis-server for the tests of the Redis tier where it is missing (Debian, root)
	@command -v redis-server >/dev/null 2>&1 || { \
	  echo "Installing redis-server for the tests of the Redis tier"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server >/dev/null; } \
	  || echo "redis-server could not be installed; its tests will fail and say so."

run: setup ## serve on http://127.0.0.1:8000 (settings HOST and PORT)
	@$(BIN)/python app.py

test: setup browser redis ## every test
	$(PYTEST) -n 2 --dist loadfile -m "not browser"
	$(PYTEST) -m browser tests/browser

test-fast: setup ## unit, reference, property and house tests (under 90 s)
	$(PYTEST) -n 2 -m "not browser and not fault and not slow"

test-browser: setup browser ## the browser tests alone
	$(PYTEST) -m browser tests/browser

fault-long: setup redis ## the fault tests of the cache, fifty times as many faults (hours)
	FAULT_SCALE=50 $(PYTEST) tests/fault -k cache

check: setup ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

fix: setup ## format and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the benchmarks; their output is kept in tests/bench/results
	$(BIN)/python -m tests.bench

bench-peers: .venv-bench/ready ## make .venv-bench with the peers that benchmarks measure beside

.venv-bench/ready: requirements-bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-bench.txt
	touch $@

pins: ## compile requirements*.txt from requirements*.in
	$(PYTHON) -m venv .venv-pins && .venv-pins/bin/pip install --quiet pip-tools
	.venv-pins/bin/pip-compile -q --generate-hashes --strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements.txt requirements.in
	.venv-pins/bin/pip-compile -q --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-dev.txt requirements-dev.in
	.venv-pins/bin/pip-compile -q --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-bench.txt requirements-bench.in
	rm -rf .venv-pins

clean: ## remove what setup and tests made
	rm -rf .venv .venv-bench .pytest_cache .hypothesis .ruff_cache
