# `make help` lists the targets. Requires GNU make 3.81 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The requirements files name every dependency. When pip resolves extras itself, a release newer than the lock file
# fails the installation.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
CHAOS_SECONDS ?= 600
CHAOS_JOURNAL ?= sqlite

.PHONY: help run test pytest lint fix test-integration chaos test-chart test-e2e chart-docs image sbom publish kind-node kind-up kind-down mutation bench docs screenshots lock clean

# Public images and manifests for the kind cluster; set these variables to use mirrors.
IMAGE ?= mathops:dev
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' service/mathops/__init__.py)
KIND_CLUSTER_NAME ?= mathops
KIND_NODE_IMAGE ?= kindest/node:v1.34.3
PROMETHEUS_OPERATOR_MANIFEST ?= https://github.com/prometheus-operator/prometheus-operator/releases/download/v0.85.0/bundle.yaml
METRICS_SERVER_MANIFEST ?= https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.9.0/components.yaml
export IMAGE KIND_CLUSTER_NAME KIND_NODE_IMAGE PROMETHEUS_OPERATOR_MANIFEST METRICS_SERVER_MANIFEST

help: ## list the targets
	@grep -E '^[a-z][a-z0-9-]*:.*##' Makefile | sed 's/:.*##/\t/'

run: $(VENV)/.run ## serve on port 5000 without other services
	@$(BIN)/mathops serve

# Python starts faster when it may keep compiled modules.
unexport PYTHONDONTWRITEBYTECODE

test: $(VENV)/.test ## lint and run the tests that need only Python, in about two minutes
	@$(MAKE) --no-print-directory -j 2 lint pytest

pytest: $(VENV)/.test
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow" --cov=service/mathops tests/unit tests/components tests/docs tests/processes tests/contracts tests/properties tests/server

test-integration: $(VENV)/.test ## run slower tests: failures, Schemathesis, nginx, HAProxy, PgBouncer, Redis, Kafka, PostgreSQL and Keycloak in Docker
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -m slow tests/server tests/processes
	@$(BIN)/python -m pytest -n 2 --dist loadfile --durations=15 tests/integration tests/chaos
	@$(BIN)/python -m pytest -q -n 3 --hypothesis-profile thorough tests/properties

chaos: $(VENV)/.test ## run ten minutes of load under failures, CHAOS_SECONDS=600 CHAOS_JOURNAL=sqlite (needs docker, root, cc)
	@$(BIN)/python -m tests.chaos --seconds $(CHAOS_SECONDS) --journal $(CHAOS_JOURNAL)

lint: $(VENV)/.test ## check style, types, imports and generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: $(VENV)/.test ## fix style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.tools ## measure performance against baselines for about 30 minutes, and write bench/README.md (needs wrk, redis-server and docker)
	@$(BIN)/python bench/run.py

docs: $(VENV)/.test ## generate configuration.md, cli.md, openapi.json, asyncapi.json and issuers.schema.json in docs/
	@$(BIN)/python docs/generate.py

screenshots: $(VENV)/.test ## write docs/images/*.png (needs chromium)
	@MATHOPS_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/integration/test_screenshots.py

lock: ## resolve versions and write requirements/*.txt with hashes (needs uv)
	uv lock
	uv export --quiet --no-header --no-emit-project --no-default-groups -o requirements/run.txt
	uv export --quiet --no-header --no-emit-project --only-group build -o requirements/build.txt
	uv export --quiet --no-header --no-emit-project --group build --group test --group lint -o requirements/test.txt
	uv export --quiet --no-header --no-emit-project --only-group bench --only-group mutation -o requirements/tools.txt
	uv export --quiet --no-header --no-emit-project --only-group chart -o requirements/chart.txt

test-chart: $(VENV)/.chart ## test the chart (needs helm with unittest, helm-docs, promtool)
	@helm lint --strict charts/mathops
	@helm unittest --strict charts/mathops
	@$(BIN)/python -m pytest -q tests/chart

test-e2e: $(VENV)/.test ## test the chart on kind, and compose.yaml (needs docker, kind, kubectl, helm)
	@$(MAKE) --no-print-directory kind-node image
	@$(BIN)/python -m pytest -v -p no:randomly tests/e2e

chart-docs: $(VENV)/.test ## generate the chart's README.md, values.schema.json, dashboards and example (needs helm, helm-docs)
	@$(BIN)/python charts/generate.py
	@$(BIN)/python -m charts.objectives
	@$(BIN)/python -m charts.dashboards
	@helm-docs --chart-search-root charts --log-level error
	@helm template mathops charts/mathops --namespace numbers \
	  --values charts/mathops/ci/gitops-values.yaml >charts/mathops/examples/gitops.yaml

image: ## build the image, IMAGE=mathops:dev
	@DOCKER_BUILDKIT=1 docker build --quiet --tag $(IMAGE) \
	  --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
	  --build-arg CREATED=$$(git log -1 --format=%cI 2>/dev/null || echo unknown) .

sbom: $(VENV)/.chart ## list the Python packages of the image as CycloneDX in sbom.json
	@$(BIN)/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible --output-file sbom.json

publish: ## push image and chart to a registry, REGISTRY=registry.example/team
	@test -n "$(REGISTRY)" || { echo "name a registry: make publish REGISTRY=registry.example/team" >&2; exit 1; }
	@$(MAKE) --no-print-directory image
	@charts/publish.sh $(REGISTRY) $(VERSION) $(IMAGE)

kind-node:
	@kind get clusters 2>/dev/null | grep -qx $(KIND_CLUSTER_NAME) || \
	  kind create cluster --name $(KIND_CLUSTER_NAME) --image $(KIND_NODE_IMAGE) --config k8s/kind.yaml --wait 2m

kind-up: kind-node image ## create a kind cluster with mathops on http://localhost:5000
	@kind load docker-image $(IMAGE) --name $(KIND_CLUSTER_NAME)
	@helm upgrade --install mathops charts/mathops --kube-context kind-$(KIND_CLUSTER_NAME) \
	  --values k8s/kind-values.yaml --wait --timeout 5m --hide-notes \
	  --set-string image.repository=$(firstword $(subst :, ,$(IMAGE))),image.tag=$(lastword $(subst :, ,$(IMAGE)))
	@curl --silent --fail --retry 5 --retry-connrefused --output /dev/null http://localhost:5000/livez || { \
	  echo "mathops runs, but nothing answers at http://localhost:5000: the cluster $(KIND_CLUSTER_NAME) was not created" \
	    "from k8s/kind.yaml. Run make kind-down, then make kind-up, or use kubectl port-forward." >&2; exit 1; }
	@echo "mathops listens at http://localhost:5000, which opens the console. README.md shows how to log in and send a request."

kind-down: ## delete the kind cluster
	@kind delete cluster --name $(KIND_CLUSTER_NAME)

mutation: $(VENV)/.tools ## run mutation tests of operations, evaluator and authentication
	@rm -rf mutants/run && mkdir -p mutants/run
	@cp -R service mutants/run/src
	@cp -R tests pyproject.toml mutants/run
	@cd mutants/run && $(CURDIR)/$(BIN)/mutmut run && $(CURDIR)/$(BIN)/mutmut results

clean: ## delete generated files and .venv
	rm -rf $(VENV) mutants .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "mathops needs Python 3.11 or newer: make PYTHON=/path/to/python3.13"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || \
	  { rm -rf $(VENV); echo "python3 has no venv module: install it (on Debian: apt install python3-venv)"; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt requirements/build.txt pyproject.toml
	@echo "installing requirements/run.txt: about a minute"
	@$(INSTALL) --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.tools: $(VENV)/.test requirements/tools.txt
	@echo "installing requirements/tools.txt"
	@$(INSTALL) --require-hashes -r requirements/tools.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	@echo "installing requirements/test.txt"
	@$(INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.chart: $(VENV)/.test requirements/chart.txt
	@echo "installing requirements/chart.txt"
	@$(INSTALL) --require-hashes -r requirements/chart.txt
	@touch $@
