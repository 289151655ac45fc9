# The only things needed beforehand are make and Python 3.11 or newer with venv.
# Everything else is installed into .venv by the target that needs it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT := build/demo
ALEXNET := specs/classics/alexnet.arch

DEMO_STAMP := $(VENV)/.demo-stamp
DEV_STAMP := $(VENV)/.dev-stamp
BENCH_STAMP := $(VENV)/.bench-stamp
SITE_STAMP := $(VENV)/.site-stamp

.DEFAULT_GOAL := help

.PHONY: help
help:
	@echo "make demo    compile and draw AlexNet, train LeNet-5 on digits"
	@echo "make test    lint, type-check and run the tests"
	@echo "make lint    ruff and mypy"
	@echo "make format  format the code and mend what ruff can mend"
	@echo "make bench   run the benchmarks"
	@echo "make plain-vs-residual"
	@echo "             train plain and residual nets, in some ten minutes"
	@echo "make zoo     hold specs/torchvision against torchvision, in some minutes"
	@echo "make properties"
	@echo "             hold the properties of specs on 100,000 drawn ones each"
	@echo "make coverage"
	@echo "             hold the branches that tests of the elaborator and of layers"
	@echo "             take against 100 %"
	@echo "make mutants change the elaborator and the layers, and see what tests tell"
	@echo "make hostile hold hostile names, texts and hash seeds off, in some minutes"
	@echo "make fuzz    look for inputs that break something, for ten minutes"
	@echo "make docs    write the generated pages of the documentation anew"
	@echo "make site    build the documentation site in build/site/html"
	@echo "make clean   remove what the other targets built, but not $(VENV)"

.PHONY: demo
demo: $(DEMO_STAMP)
	mkdir -p $(OUT)
	$(BIN)/archdsl check $(ALEXNET)
	$(BIN)/archdsl summary $(ALEXNET) --net alexnet
	$(BIN)/archdsl compile $(ALEXNET) --net alexnet -o $(OUT)/alexnet.py
	$(BIN)/archdsl draw $(ALEXNET) --net alexnet -o $(OUT)/alexnet.dot
	$(BIN)/archdsl draw $(ALEXNET) --net alexnet -o $(OUT)/alexnet.svg
	$(BIN)/python examples/digits.py --out $(OUT)
	@echo "The files are in $(OUT)."

.PHONY: test
test: lint
	$(BIN)/python -m pytest -n 2

.PHONY: lint
lint: $(DEV_STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: $(DEV_STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.editor

.PHONY: plain-vs-residual
plain-vs-residual: $(DEMO_STAMP)
	$(BIN)/python -m examples.plain_vs_residual \
		--out examples/plain_vs_residual/results

.PHONY: zoo
zoo: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.zoo

.PHONY: properties
properties: $(DEV_STAMP)
	ARCHDSL_EXAMPLES=100000 $(BIN)/python -m pytest -n auto tests/test_properties.py

# What is measured stands in pyproject.toml. These tests take all branches that any
# take; the others compute with networks, or start programs, which measuring would
# change. Nor is anything as fast as it has to be while it is measured.
COVERING := $(wildcard tests/test_branches*.py) $(patsubst %,tests/test_%.py, \
	cases draw_failed extern files fixes known limits long_formulas names new_layers \
	outcomes outputs own_tensors patterns properties receptive recurrent std \
	symbolic_layers symbols symbols_random tensors testing)

.PHONY: coverage
coverage: $(DEV_STAMP)
	rm -rf build/coverage
	mkdir -p build/coverage
	ARCHDSL_EXAMPLES=200 $(BIN)/coverage run -m pytest $(COVERING) \
		-k "not refused_at_once and not are_fast and not without_layers"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under=100

# What lives is written to build/mutants; see docs/decisions/017-mutants.md.
.PHONY: mutants
mutants: $(DEV_STAMP)
	$(BIN)/python tests/mutation/run.py $(MUTANTS)

.PHONY: hostile
hostile: $(DEV_STAMP)
	for seed in 0 1 2 3; do $(BIN)/python tests/hostile_names.py 25000 $$seed || exit; done
	$(BIN)/python tests/pathological.py
	$(BIN)/python tests/determinism.py 32

# What is found is written to build/fuzz; see tests/fuzz/fuzz.py. The limits on time and
# memory there are those that count; these are for what does not end.
FUZZ ?= -max_total_time=600
.PHONY: fuzz
fuzz: $(DEV_STAMP)
	$(BIN)/python -m pip install --group fuzz
	mkdir -p build/fuzz/corpus
	$(BIN)/python tests/fuzz/fuzz.py $(FUZZ) -timeout=20 -max_len=512 \
		-rss_limit_mb=512 -artifact_prefix=build/fuzz/ \
		build/fuzz/corpus tests/fuzz/corpus archdsl/std specs/classics

.PHONY: docs
docs: $(DEV_STAMP)
	$(BIN)/python docs/generate.py

.PHONY: site
site: $(SITE_STAMP)
	$(BIN)/python docs/site/build.py

.PHONY: clean
clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage \
		editors/vscode/node_modules
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# pip 25.1 is the first that knows --group.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install "pip>=25.1"

$(DEMO_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e ".[demo]"
	touch $@

$(DEV_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e . --group dev
	touch $@

$(BENCH_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e . --group bench
	touch $@

$(SITE_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e . --group site
	touch $@
