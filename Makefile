# The two commands of the README are the first two targets. All of them work on a machine with make and Python.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# The newest packages of this day: a demo that works today works next year.
export UV_EXCLUDE_NEWER ?= 2026-11-20

.DEFAULT_GOAL := help
.PHONY: demo test demo-ui lint docs clean help

demo: $(INSTALLED) ## make a video: IMAGE=photo.jpg PROMPT="..." make demo
	@$(BIN)/python -m dev.demo $(ARGS)

test: $(INSTALLED) ## run all tests, those with a real Airflow too
	$(BIN)/python -m pytest $(ARGS)

demo-ui: $(INSTALLED) ## the demo, leaving Airflow up for a look around
	@$(BIN)/python -m dev.demo --keep $(ARGS)

lint: $(INSTALLED) ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED) ## build the documentation; a warning is an error
	$(BIN)/sphinx-build -nW docs docs/_build/html

clean: ## remove what the other targets made, except .venv
	rm -rf .airflow docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find airflow_provider_kling dev example_dags tests -name __pycache__ -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --python $(BIN)/python --editable '.[simulator]' --group dev 'apache-airflow>=3.3,<3.4'
	@touch $@
