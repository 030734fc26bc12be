# Everything by name; `make help` lists it. Works with GNU make 3.81.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test lint fix test-integration test-e2e mutation bench docs lock clean

help: ## list the targets
	@grep -E '^[a-z][a-z0-9-]*:.*##' Makefile | sed 's/:.*##/\t/'

run: $(VENV)/.run ## serve on port 5000, on embedded parts
	@$(BIN)/mathops serve

test: $(VENV)/.test ## lint, then the tests that need nothing but Python
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest --cov=mathops tests/unit tests/contracts tests/properties tests/server

test-integration: $(VENV)/.test ## tests of some minutes: faults, Schemathesis, real Redis, Kafka and PostgreSQL in Docker
	@$(BIN)/python -m pytest tests/integration

lint: $(VENV)/.test ## check style, types, imports and generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: $(VENV)/.test ## mend style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.test ## compare speed side by side (needs wrk and redis-server)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@$(BIN)/python bench/compare.py
	@$(BIN)/python bench/beside_large.py
	@$(BIN)/python bench/spent.py

docs: $(VENV)/.test ## write the generated documents
	@$(BIN)/python docs/generate.py

lock: ## resolve again and write the hashed requirements (needs uv)
	uv lock
	uv export --quiet --no-header --no-emit-project --no-default-groups -o requirements/run.txt
	uv export --quiet --no-header --no-emit-project --only-group build -o requirements/build.txt
	uv export --quiet --no-header --no-emit-project --group build --group test --group lint -o requirements/test.txt
	uv export --quiet --no-header --no-emit-project --only-group bench --only-group mutation -o requirements/tools.txt

mutation: $(VENV)/.tools ## change operations, evaluation and authentication line by line: tests must notice
	@rm -rf mutants/run && mkdir -p mutants/run
	@cp -R service mutants/run/src
	@cp -R tests pyproject.toml mutants/run
	@cd mutants/run && $(CURDIR)/$(BIN)/mutmut run && $(CURDIR)/$(BIN)/mutmut results

clean: ## remove what the targets made
	rm -rf $(VENV) mutants .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "mathops needs Python 3.11 or newer: make PYTHON=/path/to/python3.13"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || \
	  { rm -rf $(VENV); echo "python3 has no venv module: install it, on Debian with apt install python3-venv"; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt requirements/build.txt pyproject.toml
	@echo "installing what requirements/run.txt pins"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.tools: $(VENV)/.test requirements/tools.txt
	@echo "installing what requirements/tools.txt pins"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	@echo "installing what requirements/test.txt pins"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@
