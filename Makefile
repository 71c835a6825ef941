# Everything sets itself up: a machine with Python 3.11+ and make needs nothing else. See requirements/setup.sh.
#
#     make PYTHON=/path/to/python3 ...   the interpreter to make .venv with
#     make test ARGS='-k judge'          arguments for pytest, `headgate demo` or the benchmarks

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := .venv/bin
READY := .venv/.ready
SOURCES = $(wildcard src tests benchmarks examples requirements)
WORKERS ?= logical
ARGS ?=

export PYTHON

.PHONY: help setup demo test check fix bench fuzz mutants lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(READY) ## prepare .venv from the pinned requirements (every target below does this first)
	@:

demo: $(READY) ## watch Headgate release a service and take a bad release back
	@PATH="$$PATH:$(CURDIR)/.tools/debian/prometheus/usr/bin" $(BIN)/headgate demo $(ARGS)

test: check ## all checks, then the whole test suite
	@echo 'headgate: tests'
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

# All at once, each one's output in one piece; every one runs, even if another fails.
check: $(READY) ## ruff, mypy, pyright, import-linter and the tidiness rules
	@+$(MAKE) --no-print-directory --keep-going --output-sync=target $(if $(findstring j,$(MAKEFLAGS)),,-j3) $(CHECKS)

bench: $(READY) ## measure everything: `ARGS="--quick --only deploys,judge"` for a part
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(READY) ## feed every parser what nobody meant: `ARGS="--minutes 10 --only otlp"`; findings are in build/fuzz
	@$(BIN)/python -m tests.fuzz $(ARGS)

mutants: $(READY) ## break the engine in eighteen ways and see whether the simulation notices: `ARGS=no_deadline` for one
	@$(BIN)/python -m tests.simulation.mutants $(ARGS)

fix: $(READY) ## let ruff repair and format what it can
	@$(BIN)/ruff check --quiet --fix-only $(SOURCES)
	@$(BIN)/ruff format --quiet $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)

clean: ## remove what was set up, built and cached
	rm -rf .venv .tools build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache benchmarks/out
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ------------------------------------------------------------------------------------------------------------

# A .venv that came along with a copied folder runs the original's code: it counts as not ready.
ifneq ($(CURDIR),$(shell cat .venv/.place 2>/dev/null))
.PHONY: $(READY)
endif

$(READY): requirements/dev.lock requirements/assets.lock pyproject.toml
	@sh requirements/setup.sh venv

# --- checks ------------------------------------------------------------------------------------------------------------

CHECKS := check-lint check-format check-mypy check-pyright check-imports check-tidiness
.PHONY: $(CHECKS)

check-lint: $(READY)
	@echo 'headgate: ruff check'
	@$(BIN)/ruff check --quiet --output-format concise $(SOURCES)

check-format: $(READY)
	@echo 'headgate: ruff format'
	@$(BIN)/ruff format --quiet --diff $(SOURCES)

check-mypy: $(READY)
	@echo 'headgate: mypy'
	@$(BIN)/mypy --no-error-summary $(SOURCES)

check-pyright: $(READY)
	@echo 'headgate: pyright'
	@$(BIN)/basedpyright $(SOURCES)

check-imports: $(READY)
	@echo 'headgate: import-linter'
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { printf '%s\n' "$$said"; exit 1; }

check-tidiness: $(READY)
	@echo 'headgate: tidiness'
	@$(BIN)/pytest -q --no-header tests/tidiness

# --- pins --------------------------------------------------------------------------------------------------------------

# `make lock` raises every pin to its newest release; `make lock LOCK_FLAGS=` adds only what is missing.
LOCK_FLAGS ?= --upgrade

lock: ## recompile the pins from requirements/*.in
	@uv=$$(sh requirements/setup.sh uv) && cd requirements && for name in uv runtime dev; do \
	    echo "headgate: locking $$name" && \
	    "$$uv" pip compile --quiet --universal --python-version 3.11 --no-python-downloads --generate-hashes \
	        --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(LOCK_FLAGS) \
	        --output-file $$name.lock $$name.in || exit 1; \
	done
