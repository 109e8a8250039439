# Every target makes the virtual environment that it needs: `make test` works on a fresh machine with Python >= 3.10.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROFILE ?= full
ROLE ?= both

.PHONY: help conformance test check format autobahn engines campaign downstream clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

conformance: $(READY) ## Autobahn's cases against the library (PROFILE=full|wide|fast, ROLE=both|server|client)
	$(BIN)/python -m harness run --role $(ROLE) --profile $(PROFILE)

test: $(READY) ## every test, with the branch coverage of src/wsproto
	$(BIN)/python -m pytest -n auto -m uncovered
	$(BIN)/python -m pytest -n auto -m 'not uncovered and not engines' --cov --cov-report=term

check: $(READY) ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

format: $(READY) ## rewrite the files as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

autobahn: ## Autobahn's own program, in Docker, judges both roles (PROFILE=full|wide|fast); the exit code is the verdict
	PROFILE=$(PROFILE) docker compose up --exit-code-from report

engines: $(READY) ## needs Docker: the engines agree, and leave nothing behind whatever happens (WSTEST=path of wstest)
	$(BIN)/python -m pytest -m engines tests/harness/test_engines.py

campaign: $(READY) ## the random tests at length: 200,000 handshakes a role, 100 times the Hypothesis examples
	$(BIN)/python -m pytest -n auto --timeout 3600 --hypothesis-profile nightly tests/properties tests/test_bad_input.py tests/test_handshake.py

downstream: ## hypercorn, uvicorn, trio-websocket, simple-websocket, httpx-ws and websockets against this library
	$(PYTHON) tests/downstream/run.py

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("PYTHON=$(PYTHON) is %s, Python >= 3.10 is needed" % sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[harness,test,check]'
	@touch $@

clean: ## remove all that the other targets made
	rm -rf $(VENV) .downstream .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.* htmlcov report autobahn/reports build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info
