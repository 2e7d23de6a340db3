# Rowbell. `make` prints this help; `make run` and `make test` set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
TESTS  ?= tests
AT_ONCE ?= 4
# Of make chaos; CHAOS takes further options: make chaos CHAOS="--json --keep".
SECONDS ?= 120
RATE    ?= 500
FAULTS  ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test check pictures chaos stress model format lint types contract wheel bench clean

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## Set up, then serve: API, page and workers on http://127.0.0.1:8000
	@$(BIN)/rowbell serve

test: $(READY) ## Set up, then pass every test (TESTS=tests/unit for some of them)
	@$(BIN)/pytest --numprocesses $(AT_ONCE) $(TESTS)

pictures: $(READY) ## Take the pictures of the page that docs/ shows, anew
	@PICTURES=docs $(BIN)/pytest --quiet tests/browser/test_pictures.py

chaos: $(READY) ## Break workers, network and PostgreSQL at random for SECONDS=120, then check every promise (RATE, FAULTS, SEED)
	@cd tests && ../$(BIN)/python -m faults.chaos --seconds $(SECONDS) --rate $(RATE) --faults $(FAULTS) $(if $(SEED),--seed $(SEED)) $(CHAOS)

model: ## Check the model of the bell with spin, beyond what the tests do (minutes, 3 GB)
	@command -v spin >/dev/null && command -v gcc >/dev/null || { echo "Needs spin and gcc: apt-get install spin gcc"; exit 1; }
	@for bounds in "-DINSERTERS=2" "-DINSERTERS=1 -DMISFORTUNES=1 -DWITHOUT_SAVEPOINTS" \
	  "-DINSERTERS=1 -DWORKERS=2 -DWITHOUT_SAVEPOINTS" "-DINSERTERS=1 -DWORKERS=2 -DWITHOUT_SAVEPOINTS -DBACKLOG"; do \
	  folder=$$(mktemp -d) && echo "$$bounds" && ( cd $$folder && spin $$bounds -a $(CURDIR)/docs/bell/bell.pml \
	  && gcc -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -E -m1000000 -w26 | tee report | grep -E "errors:|states, stored|elapsed" \
	  && grep -q "errors: 0" report && ! grep -q "too small" report ) || exit 1; rm -r $$folder; done

stress: $(READY) ## Restless writers, 1, 2 and 8 workers, no sweep: for SECONDS each, and nothing may be lost
	@cd tests && ../$(BIN)/python -m faults.stress --seconds $(SECONDS)

check: $(READY) lint types contract test ## What CI runs: format, lint, types, import contracts, tests

lint: $(READY) ## Format and lint, changing nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(READY) ## Format, and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(READY) ## mypy --strict
	@$(BIN)/mypy

contract: $(READY) ## The import contract: which room may use which
	@$(BIN)/lint-imports

wheel: $(READY) ## Build the wheel into dist/
	@$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

bench: $(READY) ## Measure every bar; beside the peers with PEERBENCH=folder of their harness (BENCH="--short", "--publish")
	@cd tests && ../$(BIN)/python -m bench.peers $(if $(PEERBENCH),--peers $(abspath $(PEERBENCH))) $(BENCH)

clean: ## Remove the environment, caches and builds (the data in .rowbell/ stays)
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# One stamp for the whole environment: when pyproject.toml has not changed, set-up takes no time.
$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Rowbell needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $(READY)
