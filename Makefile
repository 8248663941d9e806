# dongui: `make run` starts the demo, `make test` tests everything, `make bench` measures. See README.md.
# All of it works from a clean checkout and asks nothing.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
# The first interpreter that is new enough.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
say     = @echo '== $(1)'

.DEFAULT_GOAL := help
.PHONY: catalogs help run test lint python hunt hours browser js bench clean dist docs fuzz lock

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: $(VENV)/.run ## install into .venv and start the demo on loopback (Python 3.11+ is all it needs)
	@$(BIN)/dongui demo $(ARGS)

test: lint js python hours browser ## everything: checks, Python, JavaScript and browser tests
	$(call say,all tests passed)

lint: $(VENV)/.test ## ruff and mypy
	$(call say,ruff)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo 'not formatted; run: ruff format .'; exit 1; }
	$(call say,mypy)
	@$(BIN)/mypy python_sdk/dongui
	@$(BIN)/mypy collector/dongui_collector
	@$(BIN)/mypy bench
	@$(BIN)/mypy tests/typing tests/sdk

python: $(VENV)/.test
	$(call say,Python tests)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not browser'

# `make test` runs the same examples everywhere, so that what is green stays green; this looks for others.
SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))
hunt: $(VENV)/.test ## the Python tests with random examples; SEED=N for those of an earlier run
	$(call say,Python tests with other examples: make hunt SEED=$(SEED))
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not browser' --hypothesis-seed=$(SEED) $(ARGS)

hours: $(VENV)/.test
	$(call say,what depends on the present at other hours and in other zones)
	@.ci/hours

# Two at a time, each with a browser of its own: most of a journey is waiting, for a page or for what a person waits for.
browser: $(VENV)/.test sdk_js/node_modules/.installed
	$(call say,browser tests)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m browser

js: sdk_js/node_modules/.installed
	$(call say,TypeScript)
	@cd sdk_js && npm run --silent check
	$(call say,JavaScript tests)
	@said=$$(cd sdk_js && npm test --silent 2>&1) || { echo "$$said"; exit 1; }; echo "$$said" | grep -E '^# (tests|fail) '
	$(call say,the committed snippet is what its source builds)
	@.ci/fresh-dist

catalogs: $(VENV)/.test ## compile the texts of every language after a change of a .po file
	@$(BIN)/python .ci/catalogs

bench: $(VENV)/.test ## measure the budgets and write docs/performance.md
	@$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.test ## run every parser that strangers reach under a fuzzer; ARGS="--minutes 10"
	@$(PIP) install 'atheris>=3'
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(VENV)/.test ## write deploy/requirements.lock anew, with the newest versions and their hashes
	@.ci/lock $(BIN)/python

dist: $(VENV)/.test ## build wheel, sdist, npm tarball (the same bytes from the same source) and SBOM into dist/
	@rm -rf build dist
	@$(BIN)/python .ci/dist
	@.ci/sbom $(BIN)/python

# Strict: a link that leads nowhere fails. NO_MKDOCS_2_WARNING: docs/decisions/155 says why this generator.
docs: $(VENV)/.test ## build the documentation's site into build/docs, both languages, strict
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	$(call say,build/docs/index.html; to read it: $(BIN)/python -m http.server --directory build/docs)

clean: ## remove everything that make made
	@rm -rf $(VENV) sdk_js/node_modules build dist dongui.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what has to be there -----------------------------------------------------------------------------------------

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'dongui needs Python 3.11 or newer; none of python3.13, python3.12, python3.11, python3 is one.'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/system venv
	$(call say,making $(VENV) with $(PYTHON))
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml | $(BIN)/python
	$(call say,installing dongui[collector] into $(VENV))
	@$(PIP) install -e '.[collector]'
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml .ci/system | $(BIN)/python
	@.ci/system test
	$(call say,installing dongui and what its tests need into $(VENV))
	@$(PIP) install -e '.[collector,parquet,scan,test,docs]'
	@touch $@ $(VENV)/.run

sdk_js/node_modules/.installed: sdk_js/package-lock.json | $(VENV)/.test
	$(call say,npm ci)
	@cd sdk_js && npm ci --silent --no-progress
	@touch $@
