# One door: people, pre-commit and CI call the same recipes. `make` lists them.
# It needs python3 (3.11 or newer, with venv), git and GNU make 3.81 or newer; everything else is set up
# in .venv and .cache.

VENV := .venv
CACHE := .cache
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
UV_BIN := $(CACHE)/uv/Scripts
else
BIN := $(VENV)/bin
UV_BIN := $(CACHE)/uv/bin
endif
PYTHON_RUN := $(BIN)/python

# The first Python that is new enough; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; \
	done)

UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := $(UV_BIN)/uv
UV_READY := $(CACHE)/uv.stamp
endif
export UV_PYTHON_DOWNLOADS := never
# Trust what the machine trusts, as git and pip do: a company's proxy signs with a certificate of its own.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS

READY := $(CACHE)/ready.stamp
LOCK_FITS := $(CACHE)/lock.stamp
COMPILE := $(UV) pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes --no-emit-index-url \
	--no-annotate --no-header --quiet --python $(PYTHON_RUN)
PINS := sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p'

# How long `make fuzz` runs.
FUZZ_SECONDS ?= 60

# How many events `make chaos-sink` sends.
EVENTS ?= 1000000

# Arguments for pytest, for instance `make test ARGS="-k spool"`.
ARGS ?=

.PHONY: help demo test check bench setup format check-format lint types security imports lock check-lock docs \
	picture chaos chaos-sink fuzz agents more-agents hooks clean

help: ## list the recipes
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

demo: $(READY) ## set up and run the demo: no network, no model, no repository needed
	$(BIN)/polly demo

test: $(READY) ## set up and run all tests
	$(PYTHON_RUN) -m pytest -n auto $(ARGS)

check: check-format lint types security imports check-lock ## all checks that CI runs besides the tests

bench: $(READY) ## run the measurements of benchmarks/
	@for file in benchmarks/*.py; do echo "== $$file"; $(PYTHON_RUN) "$$file" || exit 1; done

setup: $(READY) ## only set up .venv

format: $(READY) ## rewrite the code in the project's format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

check-format: $(READY) ## is the code in the project's format?
	$(BIN)/ruff format --check .

lint: $(READY) ## ruff
	$(BIN)/ruff check .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

security: $(READY) ## bandit
	$(BIN)/bandit --configfile pyproject.toml --recursive --quiet src

imports: $(READY) ## do imports point one way?
	$(BIN)/lint-imports

lock: $(READY) ## write requirements.lock anew from pyproject.toml (UPGRADE=1 takes newer versions)
	$(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.lock

check-lock: $(LOCK_FITS) ## does requirements.lock fit pyproject.toml?

docs: $(READY) ## write docs/reference/commands.md anew from the program
	$(PYTHON_RUN) docs/generate_commands.py

picture: $(READY) ## draw docs/demo.svg anew from a real demo
	$(PYTHON_RUN) docs/make_picture.py

chaos-sink: $(READY) ## sinks between Kafka and PostgreSQL, killed every few seconds, EVENTS long (default 1000000)
	POLLY_CHAOS_EVENTS=$(EVENTS) POLLY_CHAOS_KILLS=60 $(PYTHON_RUN) -m pytest tests/chaos/test_sink.py -k any_moment $(ARGS)

chaos: $(READY) ## the long form of the kill -9 tests
	POLLY_CHAOS_KILLS=60 $(PYTHON_RUN) -m pytest tests/chaos $(ARGS)

# atheris is no dependency: it has builds for some systems only, and nothing but this recipe uses it.
fuzz: $(READY) ## fuzz every reader, FUZZ_SECONDS long (default 60) by coverage, and with many generated documents
	@$(UV) pip install --quiet --python $(PYTHON_RUN) --target $(CACHE)/atheris atheris 2>/dev/null \
		|| echo "atheris cannot be installed here; only the generated documents are tried." >&2
	@mkdir -p $(CACHE)/fuzz
	@cd $(CACHE)/fuzz && PYTHONPATH="$(abspath $(CACHE)/atheris)" "$(abspath $(PYTHON_RUN))" "$(abspath tests/fuzz/guided.py)" \
		-max_total_time=$(FUZZ_SECONDS) -max_len=8192 -rss_limit_mb=2048 -timeout=30 -verbosity=0 corpus
	POLLY_FUZZ_EXAMPLES=2000 $(PYTHON_RUN) -m pytest tests/fuzz $(ARGS)

agents: $(READY) ## install the coding agents that the tests start, as the tests do when they first need them
	$(PYTHON_RUN) -m tests.agents

# Large and slow to start, so that no other run has them: 900 MB, and ten seconds for each test.
more-agents: $(READY) ## try opencode and aider too
	POLLY_TEST_MORE_AGENTS=1 $(PYTHON_RUN) -m pytest tests/integration/real_agents/test_more_agents.py \
		tests/integration/agents/test_real_programs.py $(ARGS)

hooks: $(READY) ## run the checks before every commit of yours
	$(BIN)/pre-commit install

clean: ## remove what was set up
	rm -rf $(VENV) $(CACHE)

# Installing is done again only when the project's requirements have changed.
$(READY): pyproject.toml requirements.lock $(UV_READY)
	@mkdir -p $(CACHE)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or name it: make PYTHON=…" >&2; exit 2; }
	@test -e $(PYTHON_RUN) || test -e $(PYTHON_RUN).exe || { rm -rf $(VENV) && $(UV) venv --quiet --python "$(PYTHON)" $(VENV); }
	$(UV) pip sync --quiet --python $(PYTHON_RUN) --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(PYTHON_RUN) --no-deps --editable .
	@touch $@

$(CACHE)/uv.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or name it: make PYTHON=…" >&2; exit 2; }
	"$(PYTHON)" -m venv $(CACHE)/uv
	$(UV_BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

# Compares names and versions: hashes may grow when a release gets another file. Asks the package index only
# when one of the two files has changed since they last fitted.
$(LOCK_FITS): pyproject.toml requirements.lock $(READY)
	@cp requirements.lock $(CACHE)/requirements.lock
	@$(COMPILE) --output-file $(CACHE)/requirements.lock >/dev/null
	@$(PINS) requirements.lock > $(CACHE)/lock.locked
	@$(PINS) $(CACHE)/requirements.lock > $(CACHE)/lock.resolved
	@diff $(CACHE)/lock.locked $(CACHE)/lock.resolved \
		|| { echo "requirements.lock does not fit pyproject.toml: run 'make lock'." >&2; exit 1; }
	@touch $@
