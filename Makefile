# make demo     train the digits network, make its hardware, prove it equal, count it, write the report
# make test     lint, types and every test; the test command of this repository
# make verify   whole networks on both simulators and after synthesis, long tests, fault injection, killed commands;
#               writes docs/verification.md; each part resumes after an interrupt; MNIST and CIFAR-10 by TRITFORGE_DATA
# make results  measure the digits network again and write the figures of the README
# make results-lenet5  the same for LeNet-5 on MNIST, with TRITFORGE_DATA set; an hour
# make docs     the documentation site in build/site; a broken link or a missing page fails
# make lint     ruff and mypy alone
# make doctor   which tools were found, and what to do for what is missing
# make clean    remove what programs made, except the virtual environment
#
# Each of them first makes the virtual environment if it is missing or stale. pip's own settings are honoured
# (PIP_INDEX_URL and the like): on Linux an index that carries the CPU build of torch saves some gigabytes.

PYTHON ?= python3
VENV ?= .venv
NETWORK ?= networks/digits.yaml
# Arguments for pytest, e.g. make test TESTS="tests/export -x"
TESTS ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

RUN := $(VENV)/bin/python -m
STAMP := $(VENV)/.tritforge

.PHONY: demo test verify results results-lenet5 docs lint doctor environment programs clean

demo: environment
	@$(RUN) tritforge demo $(NETWORK)

test: lint
	@$(RUN) pytest -n $(JOBS) --dist loadfile $(TESTS)

verify: environment
	@$(RUN) tests.acceptance.simulations
	@$(RUN) tests.mutations
	@$(RUN) tests.kills
	@$(RUN) tests.acceptance.properties
	@$(RUN) tests.acceptance.verification --mutations build/mutations/mutations.json --kills build/kills/kills.json
	@$(RUN) pytest -m verify $(TESTS)

results: environment
	rm -rf build/digits build/benchmarks/digits*
	mkdir -p build
	$(RUN) tritforge demo networks/digits.yaml > build/demo.txt
	$(RUN) tritforge simulate networks/digits.yaml --simulator icarus
	$(RUN) benchmarks.folds networks/digits.yaml
	$(RUN) benchmarks.results
	@$(RUN) tests.acceptance.verification

results-lenet5: environment
	rm -rf build/lenet5
	$(RUN) tritforge demo networks/lenet5.yaml --frames 300
	$(RUN) tritforge simulate networks/lenet5.yaml --stalls none
	$(RUN) tritforge simulate networks/lenet5.yaml --simulator icarus --frames 4
	$(RUN) benchmarks.results lenet5
	@$(RUN) tests.acceptance.verification

docs: environment
	@NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --quiet
	@echo "build/site/index.html (with search: $(RUN) http.server --directory build/site)"

lint: environment
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy

doctor: environment
	@$(RUN) tritforge doctor

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

environment: $(STAMP)

# What no Python package brings: compiler, make, perl, Icarus.
programs:
	@$(PYTHON) -m tritforge.system.packages

# The stamp holds the folder it was made in: an environment that was copied or moved along is stale.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

$(STAMP): pyproject.toml constraints.txt | programs
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $$($(VENV)/bin/python -c "" 2>/dev/null || echo --clear) $(VENV)
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@echo "$(CURDIR)" > $@
