# `make demo` and `make test` set everything up by themselves; see README.md.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint zoo results

help:
	@echo "make demo    set up, then train and test a compact model on rendered faces"
	@echo "make test    set up, then run the tests"
	@echo "make lint    check the form of the code (ruff)"
	@echo "make zoo     write docs/model_zoo.md and model-index.yml anew"
	@echo "make results write docs/results.md and its pictures anew, from results/evidence"
	@echo "make setup   only create $(VENV) and install everything into it"
	@echo "Variables: PYTHON (now $(PYTHON)), PIP_FIND_LINKS, DEMO (arguments), TESTS (arguments)"

setup:
	@PYTHON="$(PYTHON)" bash tools/setup_env.sh "$(VENV)"

demo: setup
	$(VENV)/bin/python tools/quickstart.py $(DEMO)

test: setup
	$(VENV)/bin/python -m pytest $(TESTS)

lint: setup
	$(VENV)/bin/ruff check .

zoo: setup
	$(VENV)/bin/python tools/reproduce.py --write-zoo

results: setup
	$(VENV)/bin/python tools/evidence.py write
