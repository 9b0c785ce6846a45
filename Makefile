# Clinstat. `make` lists what can be done; only Python >= 3.11 and make are assumed.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
export OPENBLAS_NUM_THREADS = 1

.DEFAULT_GOAL := help
.PHONY: help setup browser redis haproxy run test test-fast test-browser fault-long check fix bench load report bench-peers pins licences audit clean

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

haproxy: ## install HAProxy for the test of several machines where it is missing (Debian, root)
	@command -v haproxy >/dev/null 2>&1 || { \
	  echo "Installing HAProxy for the test of several machines"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends haproxy >/dev/null; } \
	  || echo "HAProxy could not be installed; its test will fail and say so."

run: setup ## serve on http://127.0.0.1:8000 (settings HOST and PORT)
	@$(BIN)/python app.py

test: setup browser redis haproxy ## every test
	$(PYTEST) -n 2 --dist loadfile -m "not browser"
	$(PYTEST) -m browser tests/browser

test-fast: setup ## unit, reference, property and house tests (under 90 s)
	$(PYTEST) -n 2 -m "not browser and not fault and not slow"

test-browser: setup browser ## the browser tests alone
	$(PYTEST) -m browser tests/browser

fault-long: setup redis ## 100,000 faults of the cache and 10,000 kills (20 minutes, kept), 1,080 dropped lines (30 minutes, kept)
	nice $(BIN)/python -m tests.bench.fault_long
	FAULT_SCALE=12 $(BIN)/python -m tests.bench.bench_drops

check: setup ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

fix: setup ## format and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup bench-peers ## the benchmarks beside their peers; their output is kept in tests/bench/results
	$(BIN)/python -m tests.bench

load: setup ## 50 visitors for 10 minutes, then an overload (13 minutes); kept in tests/bench/results
	$(BIN)/python -m tests.load --sessions 50 --seconds 600 --keep

report: setup ## write the measured numbers into HF_OPTIMIZATION_README.md
	$(BIN)/python -m tests.bench.page

bench-peers: .venv-bench/ready .venv-bench-survival/ready ## make .venv-bench* with the peers that benchmarks measure beside

.venv-bench/ready: requirements-bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-bench.txt
	touch $@

.venv-bench-survival/ready: requirements-bench-survival.txt
	$(PYTHON) -m venv .venv-bench-survival
	.venv-bench-survival/bin/pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-bench-survival.txt
	touch $@

pins: ## compile requirements*.txt from requirements*.in
	$(PYTHON) -m venv .venv-pins && .venv-pins/bin/pip install --quiet pip-tools
	.venv-pins/bin/pip-compile -q --generate-hashes --strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements.txt requirements.in
	.venv-pins/bin/pip-compile -q --generate-hashes --strip-extras --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-dask.txt requirements-dask.in
	.venv-pins/bin/pip-compile -q --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-dev.txt requirements-dev.in
	.venv-pins/bin/pip-compile -q --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-bench.txt requirements-bench.in
	.venv-pins/bin/pip-compile -q --generate-hashes --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	  -o requirements-bench-survival.txt requirements-bench-survival.in
	rm -rf .venv-pins

licences: setup ## write docs/licences.md from the metadata of what is installed
	$(BIN)/python deploy/licences.py

audit: ## look every pin up in the database of known faults; fails on a package not looked up
	$(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install --quiet pip-audit
	@.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.txt \
	  && .venv-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dask.txt \
	  || { echo "Not every package was found free of known faults (or none was checked: see above)."; exit 1; }

clean: ## remove what setup and tests made
	rm -rf .venv .venv-bench .venv-bench-survival .venv-audit .pytest_cache .hypothesis .ruff_cache
