# The two commands of the README are the first two targets. All of them work on a machine with make and Python.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# The newest packages of this day: a demo that works today works next year.
export UV_EXCLUDE_NEWER ?= 2026-11-20

# A process of Airflow starts for each task: without byte code it compiles what it imports, each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: demo test test-lowest test-releases test-install fuzz demo-ui lint docs chaos clean help

demo: $(INSTALLED) ## make a video: IMAGE=photo.jpg PROMPT="..." make demo
	@$(BIN)/python -m dev.demo $(ARGS)

# Two processes: in one the tests with a real Airflow, in the other the rest, file by file.
TWO_AT_ONCE := -n 2 --dist loadscope --no-loadscope-reorder

test: $(INSTALLED) ## run all tests but those in a browser, those with a real Airflow too
	@$(BIN)/python -m pytest -p dev.waiting $(TWO_AT_ONCE) --ignore tests/browser $(ARGS)

# Playwright drives a Chromium that the machine has; without one the tests are skipped and say what to install.
.PHONY: browser
browser: $(INSTALLED)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group browser
	@$(BIN)/python -m dev.browser

.PHONY: test-browser
test-browser: browser ## look at Airflow's pages in a real Chromium: the tests of tests/browser
	@$(BIN)/python -m pytest tests/browser $(ARGS)

.PHONY: test-fab
test-fab: browser ## the pages behind FAB's auth manager: who may read one Dag, who has logged out
	@$(BIN)/uv venv --quiet --allow-existing .airflow/venv-fab
	@$(BIN)/uv pip install --quiet --python .airflow/venv-fab --editable '.[simulator]' --group fab 'apache-airflow>=3.3,<3.4'
	@.airflow/venv-fab/bin/python -m pytest tests/browser/test_fab.py $(ARGS)

.PHONY: test-google
test-google: $(INSTALLED) ## store to and play from a Google Cloud Storage server on this machine
	@$(BIN)/uv venv --quiet --allow-existing .airflow/venv-google
	@$(BIN)/uv pip install --quiet --python .airflow/venv-google --editable '.[simulator]' --group google 'apache-airflow>=3.3,<3.4'
	@.airflow/venv-google/bin/python -m pytest tests/results/test_google_storage.py tests/plugins/test_task_routes.py $(ARGS)

.PHONY: screenshots
screenshots: browser ## make the screenshots of Airflow's pages and the animation again, for the documentation
	@$(BIN)/python -m dev.browser.screenshots $(ARGS)

.PHONY: walk
walk: browser ## follow the quickstart page: the wheel, an empty Airflow, a browser; makes its pictures again
	@$(BIN)/python -m dev.walk

# Of the tests with a real Airflow those that show the promises; the others show the harness, demo and chaos.
# The Dags of the tools are written for the newest release, with which alone the tools run.
OTHER_RELEASE := $(addprefix --ignore tests/,browser test_tool_dags.py $(addprefix e2e/test_,chaos.py examples.py local_airflow.py))

TEST_PACKAGES := pytest pytest-timeout pytest-xdist hypothesis jsonschema psutil
# The S3 server of the storage's tests, and Airflow's way to it; without them these tests are skipped and say so.
S3_PACKAGES := 'moto[server]' 'apache-airflow-providers-amazon[s3fs]'

test-lowest: $(INSTALLED) ## run the tests on the lowest versions that pyproject.toml allows
	$(BIN)/uv venv --quiet --allow-existing .airflow/venv-lowest
	UV_EXCLUDE_NEWER=2025-09-15 $(BIN)/uv pip install --quiet --python .airflow/venv-lowest --resolution lowest-direct \
		--editable '.[simulator]'
	$(BIN)/uv pip install --quiet --python .airflow/venv-lowest $(TEST_PACKAGES)
	UV_EXCLUDE_NEWER=2025-09-15 $(BIN)/uv pip install --quiet --python .airflow/venv-lowest $(S3_PACKAGES)
	.airflow/venv-lowest/bin/python -m pytest $(TWO_AT_ONCE) $(OTHER_RELEASE) $(ARGS)

# Airflow releases, each with the newest packages of a day on which it still ran.
RELEASES := 3.1.8:2026-04-01 3.2.2:2026-06-15

test-releases: $(INSTALLED) ## the same on the Airflow releases between the lowest and the newest
	@set -e; for release in $(RELEASES); do \
		version=$${release%:*}; day=$${release#*:}; venv=.airflow/venv-$$version; \
		echo "Airflow $$version"; \
		$(BIN)/uv venv --quiet --allow-existing $$venv; \
		UV_EXCLUDE_NEWER=$$day $(BIN)/uv pip install --quiet --python $$venv \
			--editable '.[simulator]' apache-airflow==$$version $(TEST_PACKAGES) $(S3_PACKAGES); \
		$$venv/bin/python -m pytest $(TWO_AT_ONCE) $(OTHER_RELEASE) $(ARGS); \
	done

test-install: $(INSTALLED) ## install beside the pins of older Airflow releases and import everything, on each Python found here
	@$(BIN)/python -m dev.install $(ARGS)

fuzz: export FUZZ_SECONDS ?= 600
fuzz: $(INSTALLED) ## feed generated responses and inputs to everything that reads them: FUZZ_SECONDS=60 make fuzz
	$(BIN)/python -m pytest tests/adversary/fuzzing $(ARGS)

demo-ui: $(INSTALLED) ## the demo; Airflow keeps running for the browser
	@$(BIN)/python -m dev.demo --keep $(ARGS)

lint: $(INSTALLED) ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.13
	$(BIN)/lint-imports

.PHONY: bench
bench: $(INSTALLED) ## measure what waiting costs, here and with the alternatives; forty minutes, ARGS=--quick a few minutes
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group bench
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(INSTALLED) ## build the documentation; a warning, a dead link or a picture without alternative text is an error
	@$(BIN)/python -m dev.site

.PHONY: pictures
pictures: $(INSTALLED) ## make the pictures of the documentation again
	$(BIN)/python -m dev.pictures

.PHONY: gallery
gallery: $(INSTALLED) ## run the examples, and keep frames of their results: ARGS=kling_film make gallery
	@$(BIN)/python -m dev.example_pictures $(ARGS)

chaos: $(INSTALLED) ## kill and cut everything at random, then count: SEED=1 INJECTIONS=200 make chaos
	@$(BIN)/python -m dev.chaos

.PHONY: steps
steps: export STEPS ?= 200
steps: $(INSTALLED) ## walk submission and batch through millions of random steps, no process: STEPS=20 make steps
	$(BIN)/python -m pytest tests/submission/test_protocol_properties.py tests/batch/test_reconciler_state_machine.py $(ARGS)

clean: ## remove what the other targets made, except .venv
	rm -rf .airflow docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find airflow_provider_kling benchmarks dev example_dags tests -name __pycache__ -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Making .venv with Airflow and the tools: half a minute once, about 600 MB" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[simulator]' --group dev 'apache-airflow>=3.3,<3.4' & \
		install=$$!; waited=0; while kill -0 $$install 2>/dev/null; do sleep 1; waited=$$((waited + 1)); \
		test $$((waited % 5)) -ne 0 || echo "  waiting for packages, $$waited s" >&2; done; wait $$install
	@touch $@
