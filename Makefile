# Two commands for a newcomer: `make demo` and `make test`. Needs Python 3.11 or newer, git and make; nothing else.
.POSIX:
.SUFFIXES:
.PHONY: help demo test long bench soak lint types clean venv

PYTHON ?= python3
VENV = .venv
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check
PYTEST = $(VENV)/bin/python -m pytest
TWO = -n 2 --dist loadfile --no-loadscope-reorder
ARGS =
KAFKA =

help:
	@echo 'make demo    play the two acts of history on this machine (installs what it needs into .venv)'
	@echo '             KAFKA=local plays them on a real Apache Kafka, started for it (Java 17 and Maven)'
	@echo 'make test    run the tests, without the long ones (under ten minutes)'
	@echo 'make long    run those that take ten seconds or more each: guides, a month of traffic, kills on Kafka'
	@echo 'make bench   print ratios measured side by side; JSON=1 keeps them in build/bench.json'
	@echo 'make soak    run the tests that take minutes each, and every property on ten times the examples'
	@echo 'make lint    ruff: rules and format'
	@echo 'make types   mypy, strict, the tests too'
	@echo 'make clean   remove what was built or cached (.venv stays)'
	@echo 'Another Python: make demo PYTHON=/path/to/python3.12. More options for pytest: make test ARGS="-k sky"'

demo: $(VENV)/.all
	$(VENV)/bin/nuncius demo $(KAFKA:local=--broker kafka:local) $(ARGS)

test: $(VENV)/.test
	$(PYTEST) -m 'not long and not soak and not bench' $(TWO) $(ARGS)

long: $(VENV)/.test
	$(PYTEST) -m 'long and not soak' $(TWO) $(ARGS)

bench: $(VENV)/.bench
	NUNCIUS_BENCH_JSON=$(JSON:1=build/bench.json) $(PYTEST) -m bench -s $(ARGS)

soak: $(VENV)/.test
	$(PYTEST) -m 'soak or hypothesis' --hypothesis-profile=soak --timeout=1800 $(ARGS)

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.test
	.ci/typecheck

clean:
	rm -rf build dist nuncius.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# One stamp a set of packages, newer than pyproject.toml: a second run asks no network. Larger sets hold the smaller.
$(VENV)/.all: pyproject.toml
	@$(MAKE) -s venv
	@began=$$(date +%s); $(PIP) install --quiet --editable '.[all]' && \
		echo "installed in $$(( $$(date +%s) - began )) s"
	@touch $@

$(VENV)/.test: pyproject.toml
	@$(MAKE) -s venv
	@began=$$(date +%s); $(PIP) install --quiet --editable '.[test]' && \
		echo "installed in $$(( $$(date +%s) - began )) s"
	@touch $@ $(VENV)/.all

$(VENV)/.bench: pyproject.toml
	@$(MAKE) -s venv
	@began=$$(date +%s); $(PIP) install --quiet --editable '.[test,bench]' && \
		echo "installed in $$(( $$(date +%s) - began )) s"
	@touch $@ $(VENV)/.test $(VENV)/.all

venv:
	@test -x $(VENV)/bin/python || '$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Nuncius needs Python 3.11 or newer, and '$(PYTHON)' is not: say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(VENV)/bin/python || { echo 'making $(VENV) and installing (a minute or two, once) ...'; \
		'$(PYTHON)' -m venv $(VENV) || { rm -rf $(VENV); echo "'$(PYTHON)' has no working venv module" >&2; exit 1; }; }
