# `make demo` and `make test` set everything up by themselves; see README.md.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BROWSER ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.DEFAULT_GOAL := help
.PHONY: help setup demo test stress docs docs-setup docs-browser lint zoo results

help:
	@echo "make demo    set up, then train and test a compact model on rendered faces"
	@echo "make test    set up, then run the tests"
	@echo "make stress  set up, then run the long trials of reliability (docs/reliability.md)"
	@echo "make docs    build the documentation site into docs/_build (a set-up of its own), check it"
	@echo "make docs-browser  also open every page in Chromium, BROWSER (now $(BROWSER))"
	@echo "make lint    check the form of the code (ruff)"
	@echo "make zoo     write docs/model_zoo.md and the index of models anew"
	@echo "make results write docs/results.md and its pictures anew, from results/evidence"
	@echo "make setup   only create $(VENV) and install everything into it"
	@echo "Variables: PYTHON (now $(PYTHON)), PIP_FIND_LINKS, DEMO (arguments), TESTS (arguments)"

setup:
	@PYTHON="$(PYTHON)" bash tools/setup_env.sh "$(VENV)"

demo: setup
	$(VENV)/bin/python tools/quickstart.py $(DEMO)

# A process for each core, of one thread: threads of several processes only wait for each other.
# A skip for want of something that the set-up should have brought is a failure here.
test: setup
	OMP_NUM_THREADS=1 MMPOSE_WASS_KNOWN_SKIPS_ONLY=1 $(VENV)/bin/python -m pytest -n auto --dist worksteal $(TESTS)

stress: setup
	$(VENV)/bin/python -m pytest -m stress tests/test_reliability $(TESTS)

docs-setup:
	test -x .venv-docs/bin/pip || $(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install -q -r requirements/docs.txt

docs: docs-setup
	.venv-docs/bin/sphinx-build -j auto -W --keep-going -q -b html docs docs/_build
	.venv-docs/bin/python docs/check_site.py docs/_build

docs-browser: docs
	.venv-docs/bin/python -m pip install -q playwright
	.venv-docs/bin/python docs/check_site.py docs/_build --browser --executable "$(BROWSER)"

lint: setup
	$(VENV)/bin/ruff check .

zoo: setup
	$(VENV)/bin/python tools/reproduce.py --write-zoo

results: setup
	$(VENV)/bin/python tools/evidence.py write
