# All set-up on a machine that has Python 3.11 or newer and make. `make help` lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
JAVA_PARTS := $(VENV)/.java-parts
QUIX := $(VENV)/var/bankalerts/quix
BENCH_PARTS := $(VENV)/.bench-parts
# Migrations that landed before there was a linter are frozen.
LINTED = $(filter-out $(wildcard migrations/versions/000* migrations/versions/001* migrations/versions/0020*), $(wildcard migrations/versions/*.sql))
LONG := long-berka long-berka-kill long-rebalance long-interleave long-latency long-mail-down long-new-type long-bulk long-burst long-explain long-differential long-windows \
  long-ledger long-drain long-isolation long-hostile long-grants long-history long-doctor

.PHONY: help demo test lint venv clean lock schema grants alert-types bench bench-small $(LONG)

help: ## List all targets (the default).
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / { n = split($$1, names, " "); \
	  for (i = 1; i <= n; i++) printf "  make %-18s %s\n", names[i], $$2 }' Makefile

demo: $(INSTALLED) $(JAVA_PARTS) ## Start everything, let a small bank live for a moment, watch its alerts, check them.
	@$(VENV)/bin/bankalerts demo

test: lint $(JAVA_PARTS) ## Lint and run all tests, the ones on the real stack included (under 10 minutes).
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile tests/unit tests/sql tests/channels
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile --durations 12 tests/stack

lint: $(INSTALLED) ## Check style, format and types, and new migrations for locks that hold up a bank.
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/squawk $(LINTED)
	$(PYTHON) -m mypy

venv: $(INSTALLED) $(JAVA_PARTS) ## Make the virtual environment and fetch the Java parts, once.

long-berka: ## Replay the whole Berka bank: all alerts equal the expected ones, at 0.7 of Debezium's own rate.
long-berka-kill: ## The same while engine, Connect and Kafka are killed at random moments.
long-rebalance: ## The same while engine processes join and leave.
long-interleave: ## 2,000 random races of preferences, permissions and entries: none missing, none extra.
long-latency: ## 200 entries a second for 60 seconds against floors measured at the same time.
long-mail-down: ## The mail server refuses connections for 30 seconds; push goes on as before.
long-explain: ## 20,000 events of every kind in races with all that decides: audit.explain agrees with the engine on each.
long-bulk: ## A million entries in one transaction, a reload of 500,000 permissions, a burst, beside live entries.
long-burst: ## Of that the bursts alone: whether one account holds up the others.
long-new-type: ## A new alert type by one file while the stack runs under load: its first alert within 2 seconds.
long-windows: ## Windows over 288,062 real card uses, late and shuffled cards, silent loan applications: equal to authors and brute force.
long-differential: ## 50,000 random expressions and windows: engine and PostgreSQL find the same.
long-ledger: ## Notifiers are killed 200 times, providers drop answers: none lost, none twice but where it is flagged.
long-drain: ## The notifier's rates beside their floors, in one run; claims beside a million old messages and an open transaction.
long-isolation: ## One provider slow, one answering 500, one refusing: the other channels do not notice.
long-hostile: ## Hostile names, descriptions and addresses on every channel: they arrive as they were written.
long-grants: ## Every role tries every verb on every table, by real logins, and to see another customer's rows.
long-doctor: ## Every check of the doctor, failing and passing after its own remedy.
$(LONG): $(INSTALLED) $(JAVA_PARTS)
	@$(PYTHON) -m tests.long $(@:long-%=%)

bench: $(INSTALLED) $(JAVA_PARTS) $(BENCH_PARTS) ## Measure against the floor, Kafka Streams and Quix Streams (long; let nothing else run).
	@$(PYTHON) -m bench

bench-small: $(INSTALLED) $(JAVA_PARTS) $(BENCH_PARTS) ## The same at a small size, to see that it works: its figures mean nothing.
	@$(PYTHON) -m bench --size small --results $(VENV)/var/bankalerts/bench

lock: $(INSTALLED) ## Resolve the Python packages and Java parts anew (after a change of what is wanted).
	$(PYTHON) -m pip install --quiet pip-tools
	$(VENV)/bin/pip-compile --quiet --extra dev --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	$(PYTHON) -m bankalerts.stack.java_parts lock
	$(VENV)/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --output-file bench/peers/quix/requirements.lock bench/peers/quix/requirements.in

alert-types: $(INSTALLED) ## Write docs/alert-types.md anew (after a change of sql/catalogue/).
	$(PYTHON) -m tests.alert_types_page

grants: $(INSTALLED) ## Write who may do what into docs/sql-contract.md anew (after a change of grants).
	$(PYTHON) -m tests.grants_matrix

schema: $(INSTALLED) ## Write sql/schema.sql anew (after a change of a migration).
	$(PYTHON) -m tests.schema_dump

clean: ## End the local stack, delete its state and the virtual environment.
	@if [ -x $(VENV)/bin/bankalerts ]; then $(VENV)/bin/bankalerts down --purge; fi
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The first of these that is Python 3.11 or newer makes the virtual environment.
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

$(INSTALLED): requirements.lock pyproject.toml
	@for python in $(PYTHONS); do \
	  if $$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null; then \
	    echo "Making the virtual environment with $$python"; exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed; python3 here is $$(python3 --version 2>&1): install a newer one" >&2; exit 1
	@$(PYTHON) -m pip --disable-pip-version-check install --require-hashes --only-binary :all: -r requirements.lock
	@$(PYTHON) -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(JAVA_PARTS): bankalerts/stack/java_parts.lock | $(INSTALLED)
	@$(PYTHON) -m bankalerts.stack.java_parts fetch
	@touch $@

# The peers of the benchmarks. Quix Streams wants another confluent-kafka than ours: a virtual environment of its own.
$(BENCH_PARTS): bench/peers/quix/requirements.lock bench/java.lock | $(INSTALLED)
	@$(PYTHON) -m venv --clear $(QUIX)
	@$(QUIX)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: \
	  -r bench/peers/quix/requirements.lock
	@$(PYTHON) -m bench.java
	@touch $@
