# Everything here may be run again at any time; what is already done is not done twice.

BIN := .venv/bin
PYTHON := $(BIN)/python
STAMP := .venv/.installed
PYTHONS ?= python3.12 python3.13
BROWSER := tests/browser
NPM_STAMP := $(BROWSER)/node_modules/.package-lock.json
NATIVE_STAMP := native/target/.installed
NATIVE_SOURCES := $(shell find native -name target -prune -o -type f -print)
CARGO := $(shell command -v cargo)
# Tests wait for other processes about a third of their time.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help prerequisites setup fetch test test-pythons native lint format demo bench bench-dashboard soak lock wheels clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: prerequisites $(STAMP) ## make a virtual environment in .venv with the command shipper in it

test: setup native fetch lint ## check style and types, then run every test
	@test -z "$(CARGO)" || { cd native && $(CARGO) test --locked --quiet; }
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-pythons: setup fetch ## run every test on other Pythons as well: PYTHONS="python3.12 python3.13"
	@test -z "$(CARGO)" || { cd native/python && $(CURDIR)/$(BIN)/maturin build --release --locked --quiet --out $(CURDIR)/.venv/wheels; }
	@for python in $(PYTHONS); do \
		venv=.venv/$$($$python -c 'import platform; print(platform.python_version())') && echo "$$venv" && \
		$$python -m venv $$venv && $$venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock && \
		$$venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e . && \
		{ test -z "$(CARGO)" || $$venv/bin/python -m pip install --quiet --force-reinstall --no-deps --no-index \
			--find-links .venv/wheels shipper-native; } && \
		$$venv/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder || exit 1; \
	done

native: setup ## build the native engine into .venv, where cargo is (without it, the Python engine does all)
	@if test -n "$(CARGO)"; then $(MAKE) --no-print-directory $(NATIVE_STAMP); \
	else echo 'cargo is not on PATH: the native engine is not built, the Python engine does all' >&2; fi

lint: $(STAMP) ## check style, format and types; of the page as well, where npm is, and of the native engine, where cargo is
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@test ! -e $(NPM_STAMP) || npm --prefix $(BROWSER) --silent run lint
	@test -z "$(CARGO)" || { cd native && $(CARGO) fmt --check && $(CARGO) clippy --locked --quiet --all-targets -- -D warnings; }

format: $(STAMP) ## put the sources into their format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@test ! -e $(NPM_STAMP) || npm --prefix $(BROWSER) --silent run format
	@test -z "$(CARGO)" || { cd native && $(CARGO) fmt; }

demo: setup native ## watch the whole pipeline at work: HAProxy, shipper, Elasticsearch (DEMO_SECONDS=20 ends it)
	@$(PYTHON) -m deploy.demo

# What is measured is what people install: the wheels, without what developers have beside them.
bench: native wheels ## measure, beside the peers that are installed (a quarter of an hour; docs/performance.md)
	@$(PYTHON) -m venv --clear build/installed && build/installed/bin/python -m pip install --quiet dist/*.whl
	@SHIPPER=build/installed/bin/shipper $(PYTHON) -m bench

bench-dashboard: setup ## measure the dashboard's searches over 10 million documents (8 GB of disk, half an hour the first time)
	@$(PYTHON) -m bench dashboard

soak: setup native fetch ## fuzz with 10 million inputs, make faults for an hour (SOAK_SECONDS=240), kill everything a hundred times (SOAK_ROUNDS=1000), load 1,500 MB in 256
	FUZZ_RUNS=$${FUZZ_RUNS:-10000000} $(BIN)/pytest tests/fuzz --timeout=86400
	@! cargo +nightly --version >/dev/null 2>&1 || native/fuzz/run $${FUZZ_SECONDS:-300}
	$(PYTHON) -m tests.chaos.soak --seconds $${SOAK_SECONDS:-3600}
	$(PYTHON) -m bench outage --rate 7000 --seconds $${OUTAGE_SECONDS:-600}
	SOAK_ROUNDS=$${SOAK_ROUNDS:-100} $(BIN)/pytest tests/end_to_end/test_kill.py tests/jobs/test_replaying.py -m chaos --timeout=7200
	SOAK_CAPTURE_BYTES=1500000000 $(BIN)/pytest tests/jobs/test_replaying.py -k 256_mb --timeout=7200

lock: $(STAMP) ## bring requirements.lock in line with pyproject.toml
	@test -x $(BIN)/uv || $(PYTHON) -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--group dev pyproject.toml -o requirements.lock

wheels: setup ## build the wheels of shipper and of its native engine into dist/ (needs cargo)
	$(BIN)/hatchling build -t wheel
	cd native/python && $(CURDIR)/$(BIN)/maturin build --release --locked --quiet --out $(CURDIR)/dist

clean: ## remove .venv and what tools left behind (the fetched jars stay in their cache)
	rm -rf .venv $(BROWSER)/node_modules native/target .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

prerequisites:
	@deploy/prerequisites.sh

# Without network, Java or npm the tests say themselves what they skip; under CI that fails them.
fetch: $(STAMP)
	-@$(MAKE) --no-print-directory $(NPM_STAMP)
	-@test -n "$$ELASTICSEARCH_URL" || $(PYTHON) -m deploy.local_elasticsearch fetch

$(NPM_STAMP): $(BROWSER)/package-lock.json $(BROWSER)/package.json
	@echo 'installing what the tests of the page need into $(BROWSER)/node_modules' >&2
	@npm --prefix $(BROWSER) ci --silent
	@touch $@

$(STAMP): requirements.lock pyproject.toml | $(PYTHON)
	@echo 'installing the packages of requirements.lock into .venv: a minute the first time' >&2
	@$(PYTHON) -m pip install --quiet --require-hashes -r requirements.lock
	@echo 'installing the command, .venv/bin/shipper' >&2
	@$(PYTHON) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(NATIVE_STAMP): $(NATIVE_SOURCES) $(STAMP)
	@echo 'building the native engine into .venv: a minute the first time' >&2
	@cd native/python && VIRTUAL_ENV=$(CURDIR)/.venv $(CURDIR)/$(BIN)/maturin develop --release --locked --quiet
	@touch $@

$(PYTHON): | prerequisites
	@echo 'making a virtual environment in .venv' >&2
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv .venv; \
		fi; \
	done; \
	echo 'shipper needs Python 3.11 or later, and no such python3 is on PATH; install one.' >&2; exit 1
