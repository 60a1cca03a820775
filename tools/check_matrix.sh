#!/usr/bin/env bash
# Run the tests in fresh environments: tools/check_matrix.sh --help
#
# All of it stands in tools/compatibility_matrix, which needs Python 3.10 or later and nothing else:
# PYTHON chooses the interpreter, those of the cells are looked for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHONPATH=tools${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-python3}" -m compatibility_matrix "$@"
