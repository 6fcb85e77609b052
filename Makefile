# make demo     the main job: install the base dependencies into .venv-demo and compare the kachin proposals
# make test     install the locked test tools into .venv, then lint, types, import contracts, tests
# make verify   the same tests at full counts; writes verify.json
# make bench    install linopy, PyPSA and the solvers compared with into .venv-bench, then all benchmarks in one run
# make docs     the documentation as a site under build/site
# make lock     resolve requirements/*.txt anew (needs uv)
#
# Needs only python3 (3.11 or newer), make and a package index. PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
QUIET := --quiet --disable-pip-version-check
ON_WINDOWS := $(filter Windows_NT,$(OS))
BIN := $(if $(ON_WINDOWS),Scripts,bin)
LOCK_HASH := $(PYTHON) -c "import hashlib,sys; print(hashlib.sha256(b''.join(open(p,'rb').read() for p in sys.argv[1:])).hexdigest()[:16])"
DEMO_STAMP := .venv-demo/installed-$(shell $(LOCK_HASH) requirements/demo.txt pyproject.toml)
TEST_STAMP := .venv/installed-$(shell $(LOCK_HASH) requirements/test.txt pyproject.toml)
BENCH_STAMP := .venv-bench/installed-$(shell $(LOCK_HASH) requirements/bench.txt pyproject.toml)
DOCS_STAMP := .venv-docs/installed-$(shell $(LOCK_HASH) requirements/docs.txt)

# Solvers run one process a core; threads inside them would only fight over the cores.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: help demo test verify bench docs lock python browser lint clean
help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(DEMO_STAMP)
	@echo "== oreflow compare kachin --draws 32"
	@.venv-demo/$(BIN)/oreflow compare kachin --draws 32

test: $(TEST_STAMP) lint browser
	@echo "== tests"
	@.venv/$(BIN)/python -m pytest -q -n 2

verify: $(TEST_STAMP) browser
	@echo "== tests at full counts; results go to verify.json"
	@OREFLOW_VERIFY=1 .venv/$(BIN)/python -m pytest -q -n 2

lint: $(TEST_STAMP)
	@echo "== ruff"
	@.venv/$(BIN)/ruff check src tests benchmarks
	@echo "== mypy --strict"
	@.venv/$(BIN)/mypy
	@echo "== import contracts"
	@.venv/$(BIN)/lint-imports --no-cache

bench: $(BENCH_STAMP)
	@echo "== python -m benchmarks"; .venv-bench/$(BIN)/python -m benchmarks
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; .venv-bench/$(BIN)/python $$file || exit 1; done

docs: $(DOCS_STAMP)
	@NO_MKDOCS_2_WARNING=1 .venv-docs/$(BIN)/mkdocs build --quiet --strict --site-dir build/site && echo "== build/site/index.html"

python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'oreflow needs Python 3.11 or newer; found ' + sys.version.split()[0] + ': make PYTHON=python3.12 ...')"

# $(call make_environment,FOLDER,LOCK) makes a virtual environment from a lock file. Where Python comes without ensurepip
# (Debian's python3 without python3-venv), the pip outside installs into it.
define make_environment
@echo "== installing requirements/$(2), as locked, into $(1)"
@$(PYTHON) -m venv $(1) >/dev/null 2>&1 || $(PYTHON) -m venv --without-pip $(1)
@if $(1)/$(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(1)/$(BIN)/python -m pip"; \
else pip="$(PYTHON) -m pip --python $(1)/$(BIN)/python"; fi; \
$$pip install $(QUIET) --only-binary :all: --require-hashes -r requirements/$(2) && \
if grep -q '^editables==' requirements/$(2); then $$pip install $(QUIET) --no-deps --no-index --no-build-isolation -e .; fi
endef

.venv-demo/installed-%: | python
	$(call make_environment,.venv-demo,demo.txt)
	@touch $@

.venv/installed-%: | python
	$(call make_environment,.venv,test.txt)
	@touch $@

.venv-bench/installed-%: | python
	$(call make_environment,.venv-bench,bench.txt)
	@touch $@

.venv-docs/installed-%: | python
	$(call make_environment,.venv-docs,docs.txt)
	@touch $@

# Browser tests need a Chromium; on Debian, root gets it from Debian's packages, others are told what is skipped.
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "== installing Debian's chromium for the browser tests"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 </dev/null \
	    || echo "   chromium could not be installed: the browser tests will be skipped"; \
	else echo "== no chromium found and not root on Debian: the browser tests will be skipped"; fi

# The documentation tools are resolved by themselves; the other two share their versions.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet
lock:
	$(LOCK) pyproject.toml --group test -o requirements/test.txt
	$(LOCK) pyproject.toml --group demo -c requirements/test.txt -o requirements/demo.txt
	$(LOCK) pyproject.toml --group bench -c requirements/test.txt -o requirements/bench.txt
	$(LOCK) --group docs -o requirements/docs.txt

clean:
	rm -rf .venv-demo .venv-bench .venv-docs build dist verify.json report.html
