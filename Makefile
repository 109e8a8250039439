# Every target makes the virtual environment that it needs: `make test` works on a new machine with Python >= 3.10.
# The harness needs a tenth of what all targets together do, so that it has a stamp of its own.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
HARNESS := $(VENV)/.harness
STREAMS := $(VENV)/.streams
DOCS := $(VENV)/.docs
READY := $(VENV)/.ready
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
PROFILE ?= full
ROLE ?= both
TRANSPORT ?= h1
# Of what the compiled core is made: it is built anew when that changes.
CORE := setup.py $(wildcard src/core/*)
DEFLATE_TESTS := $(wildcard tests/test_*deflate*.py tests/test_inbound_extensions*.py tests/test_extension_bound.py)
LIBRARY_TESTS := tests/test_*.py tests/properties tests/state_machines
NEEDED = $(if $(filter-out h1,$(TRANSPORT)),$(STREAMS),$(HARNESS))
FUZZ_SECONDS ?= 60
SAMPLE ?= 200
# Most of the tests that run without coverage wait for other processes.
WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# Hundreds of processes are started, each of which would compile what it imports, were bytecode not kept.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help conformance matrix requirements test test-alone test-core test-other-core mutation mutation-core browser testees check format autobahn engines gateways proxies docs campaign fuzz asan downstream package release bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

conformance: $(NEEDED) ## run Autobahn's cases against the library (PROFILE=full|wide|fast, ROLE=both|server|client, TRANSPORT="h1 h2 h3")
	$(BIN)/python -m harness run --role $(ROLE) --profile $(PROFILE) $(TRANSPORT:%=--transport %)

# Each half names its files: every worker imports all that it is given.
test: $(READY) ## run every test on the core in Python, with the branch coverage of src/wsproto
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'uncovered and not engines and not proxies and not testees' tests/*/ $$(grep -l mark.uncovered tests/test_*.py)
	$(BIN)/python -m pytest -n auto -m 'not uncovered' --cov --cov-report=term tests/test_*.py

test-other-core: export WSPROTO_PURE := 0
test-other-core: $(READY) ## run the tests of the library on the compiled core, those of compression with zlib-ng and isal
	@$(BIN)/python -c 'import sys, wsproto; sys.exit(None if wsproto.compiled else "the compiled core was not built: there is one core")'
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not uncovered' tests/test_*.py
	$(BIN)/python -m pytest -n auto --dist worksteal tests/properties tests/state_machines
	WSPROTO_TEST_ZLIB=zlib_ng.zlib_ng $(BIN)/python -m pytest -n auto -m 'not zlib_output' $(DEFLATE_TESTS)
	WSPROTO_TEST_ZLIB=isal.isal_zlib $(BIN)/python -m pytest -n auto -m 'not zlib_output' $(DEFLATE_TESTS)

test-core: $(READY) ## run the tests of the library alone, without those of its tools and without coverage
	$(BIN)/python -m pytest -n auto --dist worksteal $(LIBRARY_TESTS)

test-alone: $(READY) ## test that the tests named after a module cover its branches by themselves
	$(BIN)/python -m tooling.mutants.alone

mutation: $(READY) ## change src/wsproto in many small ways where it is new, each of which a test has to notice (MUTATION=--all for all of it)
	$(BIN)/python -m tooling.mutants $(MUTATION)

mutation-core: $(READY) ## the same with a sample of the compiled core; needs gcc (SAMPLE=200, SEED=the number that was printed)
	$(BIN)/python -m tooling.mutants.compiled --sample $(SAMPLE) $(SEED:%=--seed %)

browser: $(READY) ## test the report's page in Chromium, and the WebSockets of Chromium and Firefox over HTTP/1.1 and HTTP/2
	$(BIN)/python -m pytest -m browser tests/browser

check: $(READY) ## check format, lint, types and workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror src/core/*.[ch]
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet .
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

matrix: $(NEEDED) ## run the cases against other implementations too, and compare them on one page (PROFILE=full|wide|fast, TRANSPORT="h1 h2 h3")
	$(BIN)/python -m harness matrix --profile $(PROFILE) $(TRANSPORT:%=--transport %)

requirements: $(READY) ## trace each statement of the RFCs to code and tests, write docs/conformance.md and report/requirements.html (DRAW=20 disables 20 of them, SEED=1)
	$(BIN)/python -m requirements
	$(if $(DRAW),$(BIN)/python -m requirements draw --count $(DRAW) $(if $(SEED),--seed $(SEED)))

format: $(READY) ## rewrite the files as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i src/core/*.[ch]

autobahn: ## have Autobahn's own program, in Docker, judge both roles (PROFILE=full|wide|fast); the exit code is the verdict
	PROFILE=$(PROFILE) docker compose up --exit-code-from report

testees: $(READY) ## build the example testees in C, Go and JavaScript, and play cases with them (ONLY="c go")
	$(BIN)/python -m pytest -m testees tests/harness/test_foreign_testees.py $(if $(ONLY),-k "$(subst $() , or ,$(patsubst %,[%],$(ONLY)))")

engines: $(READY) ## test that the engines agree, and leave nothing behind; needs Docker (WSTEST=path of wstest)
	$(BIN)/python -m pytest -m engines tests/harness/test_engines.py

gateways: $(READY) ## test that HAProxy in place of the harness's bridge gives the same verdicts over HTTP/2; needs haproxy
	$(BIN)/python -m pytest -m engines tests/harness/test_gateways.py

proxies: $(READY) ## test the configurations of reverse proxies in the documentation; needs nginx, haproxy and apache2
	$(BIN)/python -m pytest -m proxies tests/docs/test_proxies.py

docs: $(DOCS) ## build the site into build/docs, warnings as errors
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

campaign: $(READY) ## run the properties and state machines with 100 times the examples
	$(BIN)/python -m pytest -n auto --timeout 3600 --hypothesis-profile nightly tests/properties tests/state_machines

fuzz: $(READY) ## run every atheris target for FUZZ_SECONDS (60), from its seeds; needs Python 3.11 to 3.14 on Linux
	$(BIN)/python -m fuzz run --seconds $(FUZZ_SECONDS)

asan: $(READY) ## test the compiled core under sanitizers of addresses and undefined behaviour; needs gcc (ASAN=--coverage for the lines of C that are not reached)
	$(BIN)/python -m tooling.sanitized $(ASAN)

downstream: ## run hypercorn, uvicorn, mitmproxy, trio-websocket, simple-websocket, httpx-ws, websockets, and the published package's tests
	$(PYTHON) tests/downstream/run.py

package: $(READY) ## build all that is released, twice, and test it in empty environments of every Python that is here (QUICK=1: this one, no tests)
	$(BIN)/python -m release package $(if $(QUICK),--quick)

release: $(READY) ## check that a release can be made, and print what it would do; it does nothing (python -m release publish --push does)
	$(BIN)/python -m release publish

bench: $(READY) ## measure the library beside its peers, about 10 minutes (python -m bench --help has more)
	$(BIN)/python -m bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("PYTHON=$(PYTHON) is %s, Python >= 3.10 is needed" % sys.version.split()[0] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv $(VENV)

$(HARNESS): pyproject.toml harness/pyproject.toml $(CORE) | $(BIN)/python
	$(INSTALL) --editable . --editable ./harness
	@touch $@

$(STREAMS): $(HARNESS)
	$(INSTALL) --editable './harness[streams]'
	@touch $@

$(DOCS): pyproject.toml $(CORE) | $(BIN)/python
	$(INSTALL) --editable '.[docs]'
	@touch $@

$(READY): pyproject.toml harness/pyproject.toml $(CORE) | $(BIN)/python
	$(INSTALL) --editable '.[bench,docs,fuzz,test,check,release]' --editable './harness[docker,streams]'
	@touch $(HARNESS) $(STREAMS) $(DOCS) $@

clean: ## remove all that the other targets made, except fuzz/corpus and fuzz/crashes
	rm -rf $(VENV) .peers .downstream .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.* htmlcov report autobahn/reports fuzz/report build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f src/wsproto/_core*
	rm -rf src/*.egg-info harness/*.egg-info
