# `make help` lists the targets; each installs what it needs into .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := $(VENV)/.installed

unexport PYTHONDONTWRITEBYTECODE  # without caches each of the many processes of the tests compiles everything anew

# Most tests write a database. In memory, where there is plenty, they take half the time.
ROOMY := $(shell test -w /dev/shm && test "$$(df --output=avail /dev/shm | tail -1)" -gt 8000000 && echo TMPDIR=/dev/shm)

.DEFAULT_GOAL := help
.PHONY: help install demo test check bench lock vendor clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

install: $(LOCK)  ## set up .venv with everything, hashes checked

$(LOCK): requirements/tests.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || ( \
	  rm -rf $(VENV) && $(PYTHON) -m pip install -q --user --break-system-packages virtualenv && $(PYTHON) -m virtualenv -q $(VENV) )
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/tests.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(LOCK)  ## play the whole job with sample London and leave the console running
	$(BIN)/citysec demo

test: $(LOCK)  ## run every test
	$(ROOMY) $(BIN)/python -m pytest -q -n auto --maxschedchunk 1

check: $(LOCK)  ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --threads 2
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

bench: $(LOCK)  ## measure; one JSON line for each benchmark
	@for bench in benchmarks/bench_*.py; do $(BIN)/python $$bench || exit 1; done

lock: $(LOCK)  ## pin the newest allowed versions with hashes
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile $(LOCKFLAGS) pyproject.toml --extra pg -o requirements/runtime.txt
	$(BIN)/uv pip compile $(LOCKFLAGS) pyproject.toml --all-extras -c requirements/runtime.txt -o requirements/tests.txt

LOCKFLAGS := -q --universal --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11

vendor: $(LOCK)  ## fetch the front-end files of their manifest again (needs npm), and check their hashes
	sh citysec/web/vendoring/fetch.sh
	$(BIN)/python -m pytest -q tests/web/test_vendor.py

clean:  ## remove what the targets made
	rm -rf $(VENV) dist build .demo .pytest_cache .ruff_cache .hypothesis .import_linter_cache
